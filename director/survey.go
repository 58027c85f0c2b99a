package director

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"polso/ipvs"
)

const (
	// glance is how many entries (services and servers) a pass reads at most of a table that is larger. Half an hour of
	// passes over the largest table known would otherwise be spent on reading what has not changed.
	glance = 4096
	// turn is the least time between two looks at a part of a large table: passes that something has rung for go by what is
	// known, so that a change of one server takes no longer however many there are.
	turn = restful / 2
)

// survey is what is known of the kernel's table. A small one is read whole in each pass. Of a large one each look takes the
// list of services and those whose servers were looked at longest ago, so that the whole is seen in turns; a step that the
// kernel refuses shows that the rest is not as believed, and has everything read anew.
type survey struct {
	known bool
	table ipvs.Table // canonical; published, so it is replaced and never changed
	stats ipvs.Stats // likewise
	at    time.Time  // of the last look
	turns uint64
	seen  map[ipvs.Key]uint64 // the turn in which a service's servers were read
}

// forget has the next look read everything.
func (s *survey) forget() { s.known = false }

// look brings the survey up to date as far as is due.
func (s *survey) look(from IPVS, now time.Time) error {
	switch {
	case !s.large():
		return s.whole(from, now)
	case now.Sub(s.at) < turn:
		return nil
	}
	return s.part(from, now)
}

// large tells whether passes go by what is known of the table.
func (s *survey) large() bool { return s.known && entries(s.table) > glance }

// check looks at a part of a table that look did not read, for who has relied on what is known.
func (s *survey) check(from IPVS, now time.Time) error {
	if s.at.Equal(now) {
		return nil
	}
	return s.part(from, now)
}

// part reads the list of services and those whose servers are due.
func (s *survey) part(from IPVS, now time.Time) error {
	list, counters, err := from.Overview()
	if err != nil {
		s.forget()
		return err
	}
	s.at = now
	s.turns++
	s.table, s.stats = s.fill(list, counters), counters
	return s.read(from, s.due())
}

// whole reads everything.
func (s *survey) whole(from IPVS, now time.Time) error {
	s.forget()
	table, stats, err := from.Table()
	if err != nil {
		return err
	}
	s.table, s.stats, s.known, s.at = table, stats, true, now
	s.turns++
	s.seen = make(map[ipvs.Key]uint64, len(s.table.Services))
	for _, v := range s.table.Services {
		s.seen[v.Key] = s.turns
	}
	return nil
}

// fill gives the services of an overview the servers that they are known to have, and the counters theirs.
func (s *survey) fill(list ipvs.Table, counters ipvs.Stats) ipvs.Table {
	was := servicesOf(&s.table)
	seen := make(map[ipvs.Key]uint64, len(list.Services))
	for i, v := range list.Services {
		old, known := was[v.Key]
		if !known {
			continue // it is new: never seen, and so the first that is due
		}
		seen[v.Key] = s.seen[v.Key]
		list.Services[i].Destinations = old.Destinations
		c := counters[v.Key]
		c.Destinations = s.stats[v.Key].Destinations
		counters[v.Key] = c
	}
	s.seen = seen
	return list
}

// due returns the services to read now: those seen longest ago, up to glance entries.
func (s *survey) due() []ipvs.Key {
	list := slices.Clone(s.table.Services)
	slices.SortStableFunc(list, func(a, b ipvs.Service) int { return cmp.Compare(s.seen[a.Key], s.seen[b.Key]) })
	var keys []ipvs.Key
	n := 0
	for _, v := range list {
		if n += 1 + len(v.Destinations); n > glance && len(keys) > 0 {
			break
		}
		keys = append(keys, v.Key)
	}
	return keys
}

// read reads these services, whether they are there or not.
func (s *survey) read(from IPVS, keys []ipvs.Key) error {
	part, counters, err := from.Services(keys)
	if err != nil {
		s.forget()
		return err
	}
	s.table = s.table.Replace(keys, part.Services)
	stats := maps.Clone(s.stats)
	for _, k := range keys {
		delete(stats, k)
		delete(s.seen, k)
	}
	maps.Copy(stats, counters)
	for _, v := range part.Services {
		s.seen[v.Key] = s.turns
	}
	s.stats = stats
	return nil
}

// adopt has what is known share the services of a canonical table that it is equal to: of what neither changes afterwards, comparing
// the two takes no time (see ipvs.Plan).
func (s *survey) adopt(want ipvs.Table) { s.table.Services = want.Services }

// confirm reads what the steps were about: the kernel is the only truth about the kernel.
func (s *survey) confirm(from IPVS, ops []ipvs.Op, now time.Time) error {
	touched := make(map[ipvs.Key]bool)
	for _, op := range ops {
		if op.Verb == ipvs.SetTimeouts {
			return s.whole(from, now)
		}
		touched[op.Service.Key] = true
	}
	if entries(s.table) <= glance || len(touched) > len(s.table.Services)/2 {
		return s.whole(from, now)
	}
	return s.read(from, slices.Collect(maps.Keys(touched)))
}

func entries(t ipvs.Table) int {
	n := len(t.Services)
	for _, s := range t.Services {
		n += len(s.Destinations)
	}
	return n
}
