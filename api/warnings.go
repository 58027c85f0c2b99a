package api

import (
	"fmt"
	"strings"

	"polso/config"
	"polso/fsm"
)

// planFor is the way from the running document to another, with what is right and yet perhaps not meant.
func planFor(s *fsm.Snapshot, to config.Document) Plan {
	p := planOf(s.Revision, s.Document, to)
	p.Warnings = append(p.Warnings, warnings(s, to)...)
	return p
}

// preferable refuses a document that prefers a witness: it never directs, so whoever wrote that meant somebody else.
func preferable(s *fsm.Snapshot, d config.Document) error {
	for _, name := range d.Cluster.Prefer {
		if n, ok := s.NodeByName(name); ok && n.Kind != fsm.Router {
			return Errorf(CodeInvalid, "cluster prefer: %s is a witness, which never directs; nothing was changed", name).
				WithHint("take it out of prefer; polso members tells the routers from the witnesses")
		}
	}
	return nil
}

// warnings are about what only the cluster knows, and what is right and does nothing. Routers come and go, so a name that is no router's
// is no mistake.
func warnings(s *fsm.Snapshot, d config.Document) []string {
	out := supersedes(s)
	for _, name := range d.Cluster.Prefer {
		switch n, ok := s.NodeByName(name); {
		case !ok:
			out = append(out, fmt.Sprintf("cluster prefer: no router is called %q now; it counts when one joins under that name", name))
		case n.Kind != fsm.Router:
			out = append(out, fmt.Sprintf("cluster prefer: %s is a witness, which never directs", name))
		}
	}
	if d.Cluster.Failback && len(d.Cluster.Prefer) == 0 {
		out = append(out, "cluster failback: without prefer there is no router to go back to")
	}
	return append(append(out, atOnce(d)...), serving(s, d)...)
}

// atOnce warns of servers that slow_start does not slow down: of a weight of 1 there is no part but the whole.
func atOnce(d config.Document) []string {
	var out []string
	for _, v := range d.Virtuals {
		if v.SlowStart == 0 {
			continue
		}
		var whole []string
		for _, s := range v.Servers {
			if s.Weight == 1 {
				whole = append(whole, s.Name)
			}
		}
		switch {
		case len(whole) == 0:
		case len(whole) == len(v.Servers):
			out = append(out, fmt.Sprintf("virtual %s: slow_start does nothing, as every server has weight 1, of which there is no part; give them 20 or more", v.Name))
		default:
			out = append(out, fmt.Sprintf("virtual %s: slow_start does nothing for %s: of a weight of 1 there is no part", v.Name, strings.Join(whole[:min(len(whole), 5)], ", ")))
		}
	}
	return out
}
