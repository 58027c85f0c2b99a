package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/config"
	"polso/director"
	"polso/fsm"
)

// RouterPlan is what one router's director would do if a document ran, by its live table.
type RouterPlan struct {
	Name        string        `json:"name"`
	Reached     bool          `json:"reached" doc:"false: it did not answer within two seconds, or for a large document some more, and the rest is not known"`
	Reason      string        `json:"reason,omitempty" doc:"why it was not reached"`
	Revision    uint64        `json:"revision" doc:"that this router has"`
	Directs     bool          `json:"directs" doc:"it balances now, so its connections are those that count"`
	Drift       []string      `json:"drift" nullable:"false" doc:"what its kernel lacks to be as its revision and the overrides want it, in ipvsadm's words"`
	Steps       []string      `json:"steps" nullable:"false" doc:"what it would do, in ipvsadm's words; a new server whose check has not answered yet is added later"`
	Rules       []string      `json:"rules,omitempty" doc:"what it would do to its packet filter, in nft's words"`
	Problems    []Problem     `json:"problems,omitempty" doc:"what of the document it could not do"`
	Connections []Connections `json:"connections" nullable:"false" doc:"destinations of its kernel that have established connections"`
}

// Connections are the established connections of one destination.
type Connections struct {
	Service string `json:"service" doc:"tcp 192.0.2.10:80, or fwmark 7"`
	Server  string `json:"server" doc:"its address and port"`
	Active  int    `json:"active"`
}

// drain is how long a removed server may take to lose its connections.
func drain(seconds *float64) time.Duration {
	if seconds == nil {
		return leaveFor
	}
	return time.Duration(min(*seconds, longestWord.Seconds()) * float64(time.Second))
}

// livePlan is the way from the running document to another, with what it means to every router now.
func (s *server) livePlan(ctx context.Context, snap *fsm.Snapshot, to config.Document, drain time.Duration) (Plan, error) {
	now := time.Now()
	routers, err := s.Foresee(ctx, to, now.Add(drain))
	if err != nil {
		return Plan{}, err
	}
	l := newLive(snap.Document, to, routers)
	changes := config.Diff(snap.Document, to)
	active := make([]int, len(changes))
	for i := range changes {
		active[i] = l.active(changes[i])
		changes[i].Note = note(changes[i], drain, active[i])
	}
	p := planOfChanges(snap.Revision, changes)
	for i := range p.Changes {
		p.Changes[i].Active = active[i]
	}
	p.Routers = routers
	p.Warnings = slices.Concat(warnings(snap, to), l.cuts(changes, active, drain), l.emptied(), l.troubles(), []string{})
	return p, nil
}

// planOfWrite is the live plan of what is written next, without the steps of each router. Kernels that cannot be asked do not keep
// a document from being written: then the plan is by the documents alone, and says so.
func (s *server) planOfWrite(ctx context.Context, snap *fsm.Snapshot, w writing) Plan {
	p, err := s.livePlan(ctx, snap, w.doc, w.drain)
	if err != nil {
		p = planFor(snap, w.doc)
		p.Warnings = append(p.Warnings, fmt.Sprintf("what the routers' kernels have of it is not known: %v", err))
	}
	p.Routers = nil
	return p
}

// note is what a change means for connections, with how many there are.
func note(c config.Change, drain time.Duration, active int) string {
	words := c.Note
	if c.Symbol == config.Removed && c.Kind == config.KindServer && words != "" {
		words = "drain " + config.Brief(drain) + ", then remove"
		if drain == 0 {
			words = "removed at once"
		}
	}
	if active > 0 {
		words = strings.TrimPrefix(words+"; "+connections(active)+" now", "; ")
	}
	return words
}

// connections is a number of them as people read it: "3 102 active connections".
func connections(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	if n == 1 {
		return "1 active connection"
	}
	return digits + " active connections"
}

// live is a change of the document beside what the routers say.
type live struct {
	to      config.Document
	routers []RouterPlan

	named   map[string]config.Virtual // the running ones, by name
	served  map[string]config.Virtual // the running ones, by service
	next    map[string]config.Virtual // those to come, by name
	counted map[Connections]int       // established connections of the router that directs; without a Server, of the service
}

func newLive(from, to config.Document, routers []RouterPlan) live {
	l := live{
		to: to, routers: routers,
		named: make(map[string]config.Virtual), served: make(map[string]config.Virtual), next: make(map[string]config.Virtual),
		counted: make(map[Connections]int),
	}
	for _, v := range from.Virtuals {
		l.named[v.Name], l.served[serviceName(v)] = v, v
	}
	for _, v := range to.Virtuals {
		l.next[v.Name] = v
	}
	for _, r := range routers {
		for _, c := range r.Connections {
			if r.Directs {
				l.counted[Connections{Service: c.Service, Server: c.Server}] += c.Active
				l.counted[Connections{Service: c.Service}] += c.Active
			}
		}
	}
	return l
}

// on counts the established connections of a service of the router that directs, to one server or, without an address, to all.
func (l live) on(service, server string) int {
	return l.counted[Connections{Service: service, Server: server}]
}

// active counts the established connections that a change touches.
func (l live) active(c config.Change) int {
	name, server, _ := strings.Cut(c.Name, "/")
	v, ok := l.before(name, c.Symbol)
	if !ok || c.Symbol == config.Added || c.Kind != config.KindVirtual && c.Kind != config.KindServer {
		return 0
	}
	if c.Kind == config.KindVirtual {
		return l.on(serviceName(v), "")
	}
	// The kernel knows a server by its address: one that was renamed had it before, under another name.
	if i := slices.IndexFunc(v.Servers, func(s config.Server) bool { return s.Name == server }); c.Symbol == config.Removed && i >= 0 {
		return l.on(serviceName(v), v.Servers[i].Address.String())
	}
	for _, s := range l.next[name].Servers {
		if s.Name != server {
			continue
		}
		at := s.Address
		if !slices.ContainsFunc(v.Servers, func(o config.Server) bool { return o.Address == at }) {
			if i := slices.IndexFunc(v.Servers, func(o config.Server) bool { return o.Name == server }); i >= 0 {
				at = v.Servers[i].Address
			}
		}
		return l.on(serviceName(v), at.String())
	}
	return 0
}

// before is the running virtual that a change is about: of one that is changed the one with the same service, whatever its
// name was, else the one with the same name.
func (l live) before(name string, symbol config.Symbol) (config.Virtual, bool) {
	if w, ok := l.next[name]; ok && symbol != config.Removed {
		if v, ok := l.served[serviceName(w)]; ok {
			return v, true
		}
	}
	v, ok := l.named[name]
	return v, ok
}

// serviceName is the kernel's name of a virtual; "" if it has none.
func serviceName(v config.Virtual) string {
	key, ok := director.KeyOf(v)
	if !ok {
		return ""
	}
	return key.String()
}

// cuts warns of connections that end at once.
func (l live) cuts(changes config.Changes, active []int, drain time.Duration) (out []string) {
	for i, c := range changes {
		switch {
		case active[i] == 0:
		case c.Kind == config.KindVirtual && (c.Symbol == config.Removed || c.Symbol == config.Replaced):
			out = append(out, fmt.Sprintf("virtual %s: its service goes at once, and %s end", c.Name, connections(active[i])))
		case c.Kind == config.KindServer && c.Symbol == config.Removed && drain == 0 && c.Note != "":
			out = append(out, fmt.Sprintf("server %s: it goes at once, and %s end", c.Name, connections(active[i])))
		}
	}
	return out
}

// emptied warns of virtuals that would serve nobody, or by nobody that serves now.
func (l live) emptied() (out []string) {
	for _, w := range l.to.Virtuals {
		if len(w.Servers) == 0 {
			continue
		}
		if !slices.ContainsFunc(w.Servers, func(s config.Server) bool { return s.Weight > 0 }) {
			out = append(out, fmt.Sprintf("virtual %s: every server has weight 0, so it takes no new connection", w.Name))
		}
		before := l.served[serviceName(w)].Servers
		if len(before) == 0 {
			continue
		}
		stays := func(s config.Server) bool {
			return slices.ContainsFunc(w.Servers, func(o config.Server) bool { return o.Address == s.Address })
		}
		if !slices.ContainsFunc(before, stays) {
			out = append(out, fmt.Sprintf("virtual %s: all its servers are replaced at once; the new ones serve when their checks have passed", w.Name))
		}
	}
	return out
}

// troubles are what the routers say, or do not.
func (l live) troubles() (out []string) {
	who := make(map[string][]string)
	var order []string
	for _, r := range l.routers {
		if !r.Reached {
			out = append(out, fmt.Sprintf("router %s does not answer: what it would do is not known", r.Name))
		}
		if len(r.Drift) > 0 {
			out = append(out, fmt.Sprintf("router %s: its kernel is not as revision %d wants it; missing: ipvsadm %s", r.Name, r.Revision, strings.Join(r.Drift, "; ipvsadm ")))
		}
		for _, p := range r.Problems {
			text := p.What + ": " + p.Why
			if len(who[text]) == 0 {
				order = append(order, text)
			}
			who[text] = append(who[text], r.Name)
		}
	}
	for _, text := range order {
		out = append(out, strings.Join(who[text], ", ")+": "+text)
	}
	return out
}
