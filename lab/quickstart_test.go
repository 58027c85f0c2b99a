package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestQuickStart: a new user walks through docs/quickstart.md. Every file is written and every line typed where the page says, with the
// real binary, and prints what the page prints.
func TestQuickStart(t *testing.T) {
	page, err := os.ReadFile("../docs/quickstart.md")
	must(t, err)
	all, err := steps(string(page))
	must(t, err)
	ctx, l := build(t, Options{Binary: product(t), Beside: []string{"a", "b"}, Behind: []string{}})
	needIPVS(t)
	w := &walk{lab: l, cast: map[string]string{}, machines: map[string]*machine{}}
	for _, n := range l.nodes[1:] { // the switch is no machine
		m := &machine{Node: n, dir: filepath.Join(l.dir, "walk-"+n.Name)}
		must(t, m.furnish(l.options.Binary))
		w.machines[n.Name] = m
	}
	for _, s := range l.Servers { // fresh ones
		must(t, s.Batch(ctx, "addr del "+WebVIP.String()+"/32 dev lo", "addr del "+WebVIP6.String()+"/128 dev lo"))
		must(t, s.sysctl("net/ipv4/conf/all/arp_ignore", "0", "net/ipv4/conf/all/arp_announce", "0"))
	}
	for _, r := range l.Routers {
		must(t, os.Symlink(filepath.Join(w.machines[r.Name].dir, "run/polso.sock"), r.socket()))
	}
	if w.version, err = l.Client.Run(ctx, l.options.Binary, "version", "-o", "template={{.version}}"); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		began := time.Now()
		if err := w.take(ctx, s); err != nil {
			t.Fatalf("docs/quickstart.md, line %d: %v", s.line, err)
		}
		t.Logf("line %d, on %s: %v", s.line, strings.Join(s.on, ", "), time.Since(began).Round(time.Millisecond))
	}
}

// plugPulled is the line that the router which directs does not survive.
const plugPulled = "poweroff -ff"

// walk is how far a reader has come.
type walk struct {
	lab      *Lab
	machines map[string]*machine
	cast     map[string]string // which router plays which of the page's, where it is another: the director that is lost, who follows
	token    string            // the last one that was printed
	version  string
}

// The page cannot know who is elected: its routers are played by those that are.
var (
	routerName = regexp.MustCompile(`\br[123]\b`)
	routerAddr = regexp.MustCompile(`\b10\.9\.0\.1[123]\b`)
	joinToken  = regexp.MustCompile(`POLSO-1-\S+`)
)

func (w *walk) played(name string) string {
	if other, ok := w.cast[name]; ok {
		return other
	}
	return name
}

// plays has the router play the page's, and the one that it was until now the other.
func (w *walk) plays(name, router string) {
	for _, r := range w.lab.Routers {
		if w.played(r.Name) == router {
			w.cast[r.Name] = w.played(name)
			break
		}
	}
	w.cast[name] = router
}

// here is a text of the page as it is in this laboratory.
func (w *walk) here(text string) string {
	text = routerName.ReplaceAllStringFunc(text, w.played)
	return routerAddr.ReplaceAllStringFunc(text, func(addr string) string {
		return w.lab.Router(w.played("r" + strings.TrimPrefix(addr, "10.9.0.1"))).Addr4()
	})
}

// take takes one step.
func (w *walk) take(ctx context.Context, s step) error {
	if s.after != "" {
		if err := w.switchOn(ctx, w.played(s.after)); err != nil {
			return err
		}
	}
	if slices.Contains(s.typed, plugPulled) {
		active, err := w.lab.Active(ctx)
		if err != nil {
			return err
		}
		w.plays(s.on[0], active.Name)
	}
	for _, name := range s.on {
		m := w.machines[w.played(name)]
		if m == nil {
			return fmt.Errorf("there is no machine %s", name)
		}
		if s.file != "" {
			if err := os.WriteFile(filepath.Join(m.dir, "root", s.file), []byte(w.here(s.text)), 0o644); err != nil {
				return err
			}
			continue
		}
		if s.want == "" || !looks(s.typed) {
			if err := w.typeOn(ctx, m, s); err != nil {
				return err
			}
			continue
		}
		// What only looks is typed again until it shows what the page does: a reader looks again, too.
		var last error
		err := Eventually(ctx, 40*time.Second, func(ctx context.Context) error {
			if err := w.typeOn(ctx, m, s); err == nil || ctx.Err() == nil {
				last = err
			} // else the time was up in the middle of it
			return last
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func looks(lines []string) bool {
	return !slices.ContainsFunc(lines, func(line string) bool {
		return !regexp.MustCompile(`^(polso (doctor|status|members|get|plan|realserver check|ipvs)\b|for .*curl )`).MatchString(line)
	})
}

// typeOn types the lines of a step once and compares what they print.
func (w *walk) typeOn(ctx context.Context, m *machine, s step) error {
	said := ""
	for _, line := range s.typed {
		text, err := w.line(ctx, m, line)
		if status := ExitStatus(err); status == 3 && looks([]string{line}) {
			err = nil // it says that not everything is well: what it prints counts
		}
		if err != nil {
			return fmt.Errorf("%s: `%s`: %w\n%s", m.Name, line, err, text)
		}
		said += text
	}
	if tokens := joinToken.FindAllString(said, -1); len(tokens) > 0 {
		w.token = tokens[len(tokens)-1]
	}
	if s.want == "" {
		return nil
	}
	want := general(strings.ReplaceAll(w.here(s.want), "1.0.0", strings.TrimSpace(w.version)))
	got := general(said)
	for name, router := range w.cast {
		if name != router { // rows are in another order
			slices.Sort(want)
			slices.Sort(got)
			break
		}
	}
	if !printed(want, got) {
		return fmt.Errorf("%s: `%s` prints\n%s\nthe page has\n%s", m.Name, strings.Join(s.typed, "; "), said, w.here(s.want))
	}
	return nil
}

// line types one line on a machine. What a laboratory of namespaces cannot do it does in its own way, or leaves to other tests.
func (w *walk) line(ctx context.Context, m *machine, line string) (string, error) {
	switch {
	case strings.HasPrefix(line, "apt install ./polso"): // contrib/packages/test.sh installs it
		return "", w.start(ctx, m.Name)
	case strings.HasPrefix(line, "apt install nginx-light"), strings.HasPrefix(line, "hostname >"): // the laboratory's servers say their names
		return "", nil
	case strings.HasPrefix(line, "scp "): // it is there
		return "", nil
	case line == plugPulled:
		return "", w.switchOff(ctx, m)
	case strings.HasPrefix(line, "polso user add"): // asks at a terminal
		return m.sh(ctx, "printf 'correct horse battery\\ncorrect horse battery\\n' | script -q -E never -e -c '"+line+"' /dev/null")
	}
	return m.sh(ctx, strings.ReplaceAll(w.here(line), "POLSO-1-TOKEN", w.token))
}

// start has the agent run as the package's unit does.
func (w *walk) start(ctx context.Context, name string) error {
	r := w.lab.Router(name)
	if r == nil {
		return fmt.Errorf("%s is no router", name)
	}
	if err := r.Spawn("unshare", w.machines[name].inside("exec polso agent")...); err != nil {
		return err
	}
	return Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		if !r.Running() {
			return fmt.Errorf("the agent ended: %s", r.LogTail(5))
		}
		_, err := r.Status(ctx, OwnBrief)
		return err
	})
}

// switchOff takes the power from the router that directs, and sees who follows.
func (w *walk) switchOff(ctx context.Context, m *machine) error {
	r := w.lab.Router(m.Name)
	if s, err := r.Status(ctx, OwnBrief); err != nil || !s.Lease.Held {
		return fmt.Errorf("%s does not direct (%v)", m.Name, err)
	}
	if err := w.lab.Cut(ctx, m.Node); err != nil {
		return err
	}
	if err := r.Kill(); err != nil {
		return err
	}
	next, err := w.lab.Active(ctx)
	if err == nil {
		w.plays("r2", next.Name)
	}
	return err
}

// switchOn gives it power again; what was in its kernel and below /run is gone.
func (w *walk) switchOn(ctx context.Context, name string) error {
	m := w.machines[name]
	if err := os.RemoveAll(filepath.Join(m.dir, "run")); err != nil {
		return err
	}
	if err := m.furnish(w.lab.options.Binary); err != nil {
		return err
	}
	if _, err := m.Run(ctx, "ipvsadm", "-C"); err != nil {
		return err
	}
	if err := w.lab.Heal(ctx, m.Node); err != nil {
		return err
	}
	return w.start(ctx, name)
}

// machine is a node with a name and files of its own: /run/polso, /var/lib, /root, and polso where its package puts it.
type machine struct {
	*Node
	dir string
}

func (m *machine) furnish(binary string) error {
	for _, d := range []string{"run", "lib/polso", "root", "bin"} {
		if err := os.MkdirAll(filepath.Join(m.dir, d), 0o755); err != nil {
			return err
		}
	}
	link := filepath.Join(m.dir, "bin/polso")
	if _, err := os.Lstat(link); err == nil {
		return nil
	}
	return os.Symlink(binary, link)
}

// inside are the arguments of unshare that run a line of shell on the machine.
func (m *machine) inside(line string) []string {
	const setUp = `mkdir -p /run/polso; mount --bind "$1/run" /run/polso; mount --bind "$1/lib" /var/lib; hostname "$2"; cd "$1/root"
export PATH="$1/bin:$PATH" HOME="$1/root" NO_COLOR=1 LC_ALL=C.UTF-8; exec sh -c "$3"`
	return []string{"--mount", "--uts", "sh", "-euc", setUp, "-", m.dir, m.Name, line}
}

// sh runs a line as somebody types it, and returns all that it prints.
func (m *machine) sh(ctx context.Context, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "unshare", m.inside(line)...)
	cmd.WaitDelay = time.Second
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said // one writer: in the order in which it comes
	err := m.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return said.String(), err
}
