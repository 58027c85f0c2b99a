package lab

import (
	"context"
	"fmt"
	"os"
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
	w := &walk{lab: l, now: cast{"r1": "r1", "r2": "r2", "r3": "r3"}, machines: map[string]*machine{}}
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

// patience is how long a reader waits for what must come; how fast it comes is for other scenarios to say.
const patience = 90 * time.Second

// walk is how far a reader has come.
type walk struct {
	lab      *Lab
	machines map[string]*machine
	now      cast
	lost     string // the router whose plug was pulled
	token    string // the last one that was printed
	version  string
}

// cast says which router plays each of the page's. The page cannot know who is elected.
type cast map[string]string

var (
	routerName = regexp.MustCompile(`\br[123]\b`)
	routerAddr = regexp.MustCompile(`\b10\.9\.0\.1[123]\b`)
	joinToken  = regexp.MustCompile(`POLSO-1-\S+`)
)

// played is the machine that plays the page's.
func (c cast) played(name string) string {
	if other, ok := c[name]; ok {
		return other
	}
	return name
}

// here is a text of the page as it is in this laboratory.
func (w *walk) here(c cast, text string) string {
	text = routerName.ReplaceAllStringFunc(text, c.played)
	return routerAddr.ReplaceAllStringFunc(text, func(addr string) string {
		return w.lab.Router(c.played("r" + strings.TrimPrefix(addr, "10.9.0.1"))).Addr4()
	})
}

// casts are those that what is printed may be of, the present one first: any router may lead, but one that is lost stays the page's.
func (w *walk) casts() []cast {
	all := []cast{w.now}
	for _, p := range [][3]string{{"r1", "r2", "r3"}, {"r1", "r3", "r2"}, {"r2", "r1", "r3"}, {"r2", "r3", "r1"}, {"r3", "r1", "r2"}, {"r3", "r2", "r1"}} {
		if w.lost == "" || p[0] == w.lost {
			all = append(all, cast{"r1": p[0], "r2": p[1], "r3": p[2]})
		}
	}
	return all
}

// loses has the router that directs play the page's whose plug is pulled, and the others follow in their order.
func (w *walk) loses(director string) {
	for _, c := range w.casts() {
		if c["r1"] == director {
			w.now, w.lost = c, director
			return
		}
	}
}

// take takes one step.
func (w *walk) take(ctx context.Context, s step) error {
	if s.after != "" {
		if err := w.switchOn(ctx, w.now.played(s.after)); err != nil {
			return err
		}
	}
	if slices.Contains(s.typed, plugPulled) {
		active, err := w.lab.Active(ctx)
		if err != nil {
			return err
		}
		w.loses(active.Name)
	}
	for _, name := range s.on {
		m := w.machines[w.now.played(name)]
		if m == nil {
			return fmt.Errorf("there is no machine %s", name)
		}
		if s.file != "" {
			if err := os.WriteFile(filepath.Join(m.dir, "root", s.file), []byte(w.here(w.now, s.text)), 0o644); err != nil {
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
		err := Eventually(ctx, patience, func(ctx context.Context) error {
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
		return !regexp.MustCompile(`^(polso (doctor|status|members|realserver check|ipvs)\b|for .*curl )`).MatchString(line)
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
	for i, c := range w.casts() {
		want, got := general(strings.ReplaceAll(w.here(c, s.want), "1.0.0", strings.TrimSpace(w.version))), general(said)
		if i > 0 || strings.HasPrefix(s.typed[0], "for ") { // rows are in another order; whose turn it is first is chance
			slices.Sort(want)
			slices.Sort(got)
		}
		if printed(want, got) {
			return nil
		}
	}
	return fmt.Errorf("%s: `%s` prints\n%s\nthe page has\n%s", m.Name, strings.Join(s.typed, "; "), said, w.here(w.now, s.want))
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
	return m.sh(ctx, strings.ReplaceAll(w.here(w.now, line), "POLSO-1-TOKEN", w.token))
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
	return Eventually(ctx, patience, func(ctx context.Context) error {
		if !r.Running() {
			return fmt.Errorf("the agent ended: %s", r.LogTail(5))
		}
		_, err := r.Status(ctx, OwnBrief)
		return err
	})
}

// switchOff takes the power from the router that directs, and waits for another that does.
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
	_, err := w.lab.Active(ctx)
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
