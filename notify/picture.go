package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"polso/config"
)

// Picture is how things are at one moment, as far as events are about it.
type Picture struct {
	Active    bool   // this router directs
	Revision  uint64 // of the document
	By        string // who wrote it
	Servers   map[Place]Server
	Virtuals  map[string]Virtual
	Routers   map[string]bool   // by name: it answers; of the director only, nil while nothing is known
	Conflicts map[string]string // by address: who else claims it
}

// Place names a server of a virtual.
type Place struct{ Virtual, Server string }

// Server is a server's state.
type Server struct {
	Up      bool
	Address string
	Reason  string
}

// Virtual is a virtual's state.
type Virtual struct {
	Up      bool
	Address string
	Reason  string
}

// Changes returns what happened between two moments, in an order that does not vary. What is not in both is no event: it
// appeared or went with a document, and the revision tells of that.
func Changes(before, now Picture) []Event {
	var out []Event
	if before.Active != now.Active {
		kind := config.EventInactive
		if now.Active {
			kind = config.EventActive
		}
		out = append(out, Event{Kind: kind})
	}
	if !now.Active {
		return out
	}
	if before.Revision != now.Revision && before.Revision != 0 {
		out = append(out, Event{Kind: config.EventRevision, About: fmt.Sprint(now.Revision), Reason: now.By})
	}
	for _, at := range slices.SortedFunc(maps.Keys(now.Virtuals), cmp.Compare) {
		v := now.Virtuals[at]
		if was, known := before.Virtuals[at]; known && was.Up != v.Up {
			out = append(out, Event{Kind: either(v.Up, config.EventVirtualUp, config.EventVirtualDown), Virtual: at, Address: v.Address, Reason: v.Reason})
		}
	}
	var others []Place // of thousands of servers few are another way
	for at, s := range now.Servers {
		if was, known := before.Servers[at]; known && was.Up != s.Up {
			others = append(others, at)
		}
	}
	slices.SortFunc(others, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Virtual, b.Virtual), cmp.Compare(a.Server, b.Server))
	})
	for _, at := range others {
		s := now.Servers[at]
		out = append(out, Event{Kind: either(s.Up, config.EventServerUp, config.EventServerDown), Virtual: at.Virtual, Server: at.Server, Address: s.Address, Reason: s.Reason})
	}
	for _, name := range slices.Sorted(maps.Keys(now.Routers)) {
		if was, known := before.Routers[name]; known && was != now.Routers[name] {
			out = append(out, Event{Kind: either(now.Routers[name], config.EventRouterBack, config.EventRouterLost), About: name})
		}
	}
	for _, addr := range slices.Sorted(maps.Keys(now.Conflicts)) {
		if _, known := before.Conflicts[addr]; !known {
			out = append(out, Event{Kind: config.EventConflict, Address: addr, Reason: "claimed by " + now.Conflicts[addr]})
		}
	}
	return out
}

func either(up bool, yes, no config.EventKind) config.EventKind {
	if up {
		return yes
	}
	return no
}
