package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/events"
	"polso/notify"
)

// looker remembers how things were when they were looked at last, so that what is another way now can be told.
type looker struct {
	of       *director.Status // that the pictures were made of
	revision uint64
	servers  map[notify.Place]notify.Server
	virtuals map[string]notify.Virtual

	stood    string            // as standing says
	held     map[string]string // address -> device
	silent   map[string]string // address -> why it cannot be announced
	problems map[string]string // that were told: what -> why
	before   map[string]string // that were there when they were looked for last
	looks    int
}

// searches tells whether it is time to look for problems, which costs more: every second time.
func (l *looker) searches() bool {
	l.looks++
	return l.looks%2 == 0
}

// sighted is what one look finds, beside what notices are about.
type sighted struct {
	standing string
	held     map[string]string
	silent   map[string]string
	problems map[string]string // nil: they were not looked for
}

// sighted looks at this router.
func (b *body) sighted(m *member) sighted {
	s := sighted{standing: b.standing(m), held: make(map[string]string), silent: make(map[string]string)}
	for _, r := range b.local.keeper.Report() {
		addr := r.Addr.String()
		if !r.Present {
			continue
		}
		s.held[addr] = r.Link
		if r.Silent != "" {
			s.silent[addr] = r.Silent
		}
	}
	return s
}

// troubled are this router's problems.
func (b *body) troubled() map[string]string {
	out := make(map[string]string)
	for _, p := range b.statusHere(api.Brief).Problems {
		out[p.What] = p.Why
		if p.Fix != "" {
			out[p.What] += " (" + p.Fix + ")"
		}
	}
	return out
}

// standing is what this node is to its cluster just now, "" in the moment between.
func (b *body) standing(m *member) string {
	r := b.role()
	id, known := m.node.Leader()
	switch {
	case r.Leader && b.witness():
		return fmt.Sprintf("leads in term %d, and as a witness directs nothing", r.Term)
	case r.Leader:
		return fmt.Sprintf("leads in term %d", r.Term)
	case known && id != m.id:
		return fmt.Sprintf("follows %s in term %d", m.nameOf(id), r.Term)
	case known:
		return ""
	}
	return "hears no leader"
}

// role is an event if this node stands otherwise than before.
func (l *looker) role(standing string) []events.Event {
	if standing == "" || standing == l.stood {
		return nil
	}
	l.stood = standing
	return []events.Event{{Kind: events.Role, What: standing}}
}

// look returns what has become of things since the last look.
func (l *looker) look(now sighted) []events.Event {
	out := l.role(now.standing)
	for _, addr := range changed(l.held, now.held) {
		if dev, up := now.held[addr]; up {
			out = append(out, events.Event{Kind: events.AddressUp, About: addr, What: addr + " on " + dev})
		} else {
			out = append(out, events.Event{Kind: events.AddressGone, About: addr, What: addr + " from " + l.held[addr]})
		}
	}
	for _, addr := range differing(l.silent, now.silent) {
		if why, fails := now.silent[addr]; fails {
			out = append(out, events.Event{Kind: events.AnnouncementFailed, About: addr, What: addr + ": " + why})
		} else if _, held := now.held[addr]; held {
			out = append(out, events.Event{Kind: events.AnnouncementSent, About: addr, What: addr})
		}
	}
	l.held, l.silent = now.held, now.silent
	if now.problems != nil {
		out = append(out, l.search(now.problems)...)
	}
	return out
}

// search returns which problems have come and gone. One counts when it was found twice in a row, and is gone when it was not: what mends
// itself at once is nobody's.
func (l *looker) search(found map[string]string) (out []events.Event) {
	told := make(map[string]string)
	for what, why := range l.problems {
		_, was := l.before[what]
		if _, is := found[what]; is || was {
			told[what] = why
		}
	}
	for what, why := range found {
		if _, was := l.before[what]; was {
			told[what] = why
		}
	}
	for _, what := range differing(l.problems, told) {
		if why, is := told[what]; is {
			out = append(out, events.Event{Kind: events.Raised, About: what, What: what + ": " + why})
		} else {
			out = append(out, events.Event{Kind: events.Cleared, About: what, What: what})
		}
	}
	l.before, l.problems = found, told
	return out
}

// differing are the names that are in one map alone, sorted.
func differing(a, b map[string]string) []string {
	return changedBy(a, b, func(string, string) bool { return false })
}

// changed are those and the ones that mean something else.
func changed(a, b map[string]string) []string {
	return changedBy(a, b, func(x, y string) bool { return x != y })
}

func changedBy(a, b map[string]string, another func(x, y string) bool) []string {
	names := make(map[string]bool)
	for name, was := range a {
		if is, ok := b[name]; !ok || another(was, is) {
			names[name] = true
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// noticed are notices as events. Who directs and which document runs has events of its own, that say more.
func noticed(list []notify.Event) (out []events.Event) {
	for _, n := range list {
		switch n.Kind {
		case config.EventActive, config.EventInactive, config.EventRevision:
			continue
		}
		e := events.Event{Kind: events.Kind(n.Kind), About: n.About, What: strings.TrimSpace(strings.TrimPrefix(n.String(), string(n.Kind)))}
		switch {
		case n.Server != "":
			e.About = n.Virtual + "/" + n.Server
		case n.Virtual != "":
			e.About = n.Virtual
		case e.About == "":
			e.About = n.Address
		}
		out = append(out, e)
	}
	return out
}
