package convert

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"polso/config"
)

// export is what exporters share: the text so far and what it cannot say.
type export struct {
	bytes.Buffer
	format string // what notes name as their file
	notes  []Note
}

func (e *export) note(level Level, about, format string, args ...any) {
	e.notes = append(e.notes, Note{File: e.format, Level: level, About: about, What: fmt.Sprintf(format, args...)})
}

func (e *export) line(format string, args ...any) { fmt.Fprintf(&e.Buffer, format+"\n", args...) }

// block is the path of a block, as notes name it.
func block(kind, name string) string { return fmt.Sprintf("%s %q", kind, name) }

// onlyPolso notes what no other format has a word for: who directs, what the routers' kernels are set to, what they ask of themselves,
// and who is told.
func (e *export) onlyPolso(d config.Document) {
	c := d.Cluster
	if c.Standby != config.Warm {
		e.note(Lost, "cluster", "standby = %q", c.Standby)
	}
	if len(c.Prefer) > 0 {
		e.note(Lost, "cluster", "prefer = %q", c.Prefer)
	}
	if c.Failback {
		e.note(Lost, "cluster", "failback = true")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Sysctls)) {
		e.note(Lost, "cluster", "sysctl %s = %s: every router has to be set so by itself", name, c.Sysctls[name])
	}
	for _, n := range d.Notifies {
		e.note(Lost, block("notify", n.Name), "nobody is told: %s", oneLine(config.Format(config.Document{Notifies: []config.Notify{n}})))
	}
	for _, r := range d.RouterChecks {
		e.note(Lost, block("router_check", r.Name), "a router asks nothing of itself: %s", oneLine(config.Format(config.Document{RouterChecks: []config.RouterCheck{r}})))
	}
}

// oneLine is the first block of a document that is not the cluster's, without its name, on one line.
func oneLine(document []byte) string {
	var words []string
	inside := false
	for line := range strings.Lines(string(document)) {
		switch {
		case strings.HasPrefix(line, "}"):
			inside = false
		case !strings.HasPrefix(line, " "):
			inside = !strings.HasPrefix(line, "cluster")
		case inside:
			words = append(words, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(words, "; ")
}

// followed notes what of a virtual follows of checks, and nobody else does.
func (e *export) followed(v config.Virtual) {
	about := block("virtual", v.Name)
	if v.MinServers > 1 {
		e.note(Lost, about, "min_servers = %d", v.MinServers)
	}
	if v.Hysteresis > 0 {
		e.note(Lost, about, "hysteresis = %d", v.Hysteresis)
	}
	if v.Panic > 0 {
		e.note(Lost, about, "panic = %d", v.Panic)
	}
	if v.Probe != "" {
		e.note(Lost, about, "probe = %q", v.Probe)
	}
	if v.Votes > 0 {
		e.note(Lost, about, "votes = %d", v.Votes)
	}
	for _, s := range v.Servers {
		if s.Check != nil {
			e.note(Lost, about+" "+block("server", s.Name), "its own check: %s", checkWords(*s.Check))
		}
	}
}

// checkWords is all that a check says, on one line.
func checkWords(c config.Check) string {
	words := []string{string(c.Kind)}
	for name, value := range c.Says() {
		words = append(words, name+" "+value)
	}
	for _, inner := range c.Of {
		words = append(words, "("+checkWords(inner)+")")
	}
	return strings.Join(words, ", ")
}
