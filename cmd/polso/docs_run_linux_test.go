package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"polso/tools/apart"
)

// TestDocsAreTyped has a reader go through README and docs and type every line of every block, page by page, on three routers with simulated
// IPVS tables, a witness and a real server: each ends as the page says, and prints what the page shows. What it leaves to other tests, and why,
// is in testdata/docs.txt.
func TestDocsAreTyped(t *testing.T) {
	if raceDetector {
		t.Skip("two hundred programs are started: `make alone` does so without the race detector")
	}
	t.Parallel() // it has namespaces of its own
	apart.Run(t, func(t *testing.T) {
		r := newReader(t)
		page := ""
		for _, c := range commands(documentation(t)) {
			if c.page != page {
				page = c.page
				r.turns(page)
			}
			if err := r.takes(c); err != nil {
				t.Errorf("%s: `%s`: %v", c.where(), c.text, err)
			}
		}
	})
}

// reader is how far somebody has come.
type reader struct {
	t        *testing.T
	machines map[string]*machine
	agents   map[string]*running
	table    []*exception
	document string            // README's
	samples  map[string]string // page and file -> what the page shows: configurations of other products, and its documents as page.hcl
	token    string            // the last that was printed, and so on
	id       string
	revision int
}

// running is an agent and how it was started.
type running struct {
	line string
	stop func()
}

// newReader has machines, and servers that answer, as the pages assume them.
func newReader(t *testing.T) *reader {
	shell(t, `ip link set lo up
for i in 0 1; do ip link add br$i type bridge; ip link set br$i up; done
for a in 10.9.0.1 192.0.2.1; do ip addr add $a/24 dev br0; done
for a in 10.9.1.1 10.0.0.254 10.0.0.11 10.0.0.12 10.0.0.4; do ip addr add $a/24 dev br1; done`)
	for _, addr := range []string{"10.0.0.11:8080", "10.0.0.12:8080", "10.0.0.4:8080"} {
		serves(t, nil, addr)
	}
	r := &reader{t: t, machines: map[string]*machine{}, agents: map[string]*running{}, table: exceptions(t), samples: map[string]string{}}
	for i := 1; i <= 3; i++ {
		name := fmt.Sprintf("r%d", i)
		at := func(pattern string) string { return fmt.Sprintf(pattern, i) }
		m := boot(t, name, at("10.9.0.1%d/24 dev eth0"), at("192.0.2.10%d/24 dev eth0"), at("10.9.1.1%d/24 dev eth1"), at("10.0.0.10%d/24 dev eth1"))
		m.writes(t, "/etc/polso/node.hcl", "kernel = \"simulated\"\n")
		r.machines[name] = m
	}
	r.machines["w1"] = boot(t, "w1", "10.9.0.19/24 dev eth0")
	r.machines["a"] = boot(t, "a", "192.0.2.21/24 dev eth0")
	serves(t, r.machines["a"], "[::]:80")
	for _, b := range documentation(t) {
		switch {
		case b.page == "README.md" && b.kind == "hcl":
			r.document = b.text()
		case strings.HasSuffix(b.kind, ".cf"):
			r.samples[b.page+" "+b.kind] = b.text()
		case b.kind == "hcl":
			r.samples[b.page+" page.hcl"] += b.text()
		}
	}
	return r
}

// turns begins a page: with README's document, in edge.hcl and in the cluster, and with the files that the page shows.
func (r *reader) turns(page string) {
	for _, m := range r.machines {
		m.writes(r.t, "/root/edge.hcl", r.document)
		for name, text := range r.samples {
			if kind, of := strings.CutPrefix(name, page+" "); of {
				m.writes(r.t, "/root/"+kind, text)
			}
		}
	}
	if page == "README.md" {
		return
	}
	if said, code := r.typed(r.machines["r1"], "polso apply -f edge.hcl --yes --wait 30s", nil); code != 0 {
		r.t.Fatalf("%s: at its beginning: %d\n%s", page, code, said)
	}
}

var (
	someMachine = regexp.MustCompile(`\bon (?:the |every )?(r\d|witness|each router)\b(?:.*, likewise on (r\d))?`)
	someToken   = regexp.MustCompile(`POLSO-1-\S+`)
	someID      = regexp.MustCompile(`(?m)^([a-z2-7]{8}|[A-Z2-7]{10}) `)
	someFuture  = regexp.MustCompile(`^polso (rollback|show|diff)( 4[123])+$`) // revisions of a page's, of which 43 is the last
	someApplied = regexp.MustCompile(`Applied revision (\d+)`)
	looksOnly   = regexp.MustCompile(`^polso (status|doctor|upgrade status|check run|realserver check|notify test)\b`)
)

// takes types one line on every machine that it is for.
func (r *reader) takes(c command) error {
	e := of(r.table, c)
	if e.rules["elsewhere"] != "" {
		return nil
	}
	on := []string{"r1"}
	if m := someMachine.FindStringSubmatch(c.says); m != nil {
		switch {
		case m[1] == "each router":
			on = []string{"r1", "r2", "r3"}
		case m[1] == "witness":
			on = []string{"w1"}
		case m[2] != "":
			on = m[1:]
		default:
			on = m[1:2]
		}
	}
	if e.rules["on"] != "" {
		on = strings.Fields(e.rules["on"])
	}
	for i, name := range on {
		text := c.text
		if e.rules["as"] != "" {
			text = e.rules["as"]
		}
		if i > 0 { // likewise, with what is its own
			text = strings.ReplaceAll(text, "--name "+on[0], "--name "+name)
			text = strings.ReplaceAll(text, "--advertise 10.9.0.1"+on[0][1:], "--advertise 10.9.0.1"+name[1:])
		}
		if err := r.types(name, e, c, text); err != nil {
			return fmt.Errorf("on %s: %w", name, err)
		}
	}
	return nil
}

// here is a line with what the page could not know.
func (r *reader) here(line string) string {
	line = strings.ReplaceAll(line, "POLSO-1-TOKEN", r.token)
	line = strings.ReplaceAll(line, "polso token revoke ID", "polso token revoke "+r.id)
	return someFuture.ReplaceAllStringFunc(line, func(s string) string {
		return regexp.MustCompile(`4[123]`).ReplaceAllStringFunc(s, func(n string) string { return fmt.Sprint(max(1, r.revision-int('3'-n[1]))) })
	})
}

// types types one line, with what comes before and after it.
func (r *reader) types(name string, e *exception, c command, line string) error {
	m := r.machines[name]
	if err := r.aside(m, e.rules["first"]); err != nil {
		return err
	}
	line = r.here(line)
	if strings.HasPrefix(line, "polso agent ") && e.rules["until"] == "" {
		r.agents[name] = &running{line, m.runs(r.t, line)}
		return nil
	}
	var enough *regexp.Regexp
	if e.rules["until"] != "" {
		enough = regexp.MustCompile(e.rules["until"])
	}
	began := time.Now()
	said, code := r.typed(m, line, enough)
	r.t.Logf("%s, on %s: `%s`: exit status %d after %v\n%s", c.where(), name, line, code, time.Since(began).Round(time.Millisecond), said)
	if code != exitOK && enough == nil && !(code == exitDegraded && looksOnly.MatchString(line)) {
		return fmt.Errorf("exit status %d\n%s", code, said)
	}
	if err := r.aside(m, e.rules["then"]); err != nil {
		return err
	}
	return printed(c.shown, said)
}

// typed types a line, again when the lead was lost meanwhile, as a busy machine may lose it, and remembers what it printed.
func (r *reader) typed(m *machine, line string, enough *regexp.Regexp) (said string, code int) {
	for deadline := time.Now().Add(typingTime); ; {
		said, code = m.types(r.t, line, enough)
		if code != exitNoLeader && !strings.Contains(said, "outcome unknown") || time.Now().After(deadline) {
			break
		}
		time.Sleep(100 * time.Millisecond) // other processes: there is nothing to wait on
	}
	last := func(re *regexp.Regexp) string {
		all := re.FindAllStringSubmatch(said, -1)
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1][len(all[0])-1]
	}
	r.token = cmp.Or(last(someToken), r.token)
	r.id = cmp.Or(last(someID), r.id)
	if n, err := strconv.Atoi(last(someApplied)); err == nil {
		r.revision = n
	}
	return said, code
}

// aside does what no page says: lines that are typed on m, or what becomes of agents: halt NAME... and start NAME..., this
// machine's where no name is given.
func (r *reader) aside(m *machine, lines string) error {
	for line := range strings.SplitSeq(lines, " ;; ") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		names := words[1:]
		if len(names) == 0 {
			names = []string{m.name}
		}
		switch words[0] {
		case "halt":
			for _, name := range names {
				r.agents[name].stop()
			}
			continue
		case "start":
			for _, name := range names {
				r.agents[name].stop = r.machines[name].runs(r.t, r.agents[name].line)
			}
			continue
		}
		at := m
		if on, rest, ok := strings.Cut(line, "$ "); ok && r.machines[on] != nil {
			at, line = r.machines[on], rest
		}
		if said, code := r.typed(at, r.here(line), nil); code != 0 {
			return fmt.Errorf("`%s` beside it: exit %d\n%s", line, code, said)
		}
	}
	return nil
}
