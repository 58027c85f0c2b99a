package ipvs

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// universe returns every table of the small universe: no or one of two services in two forms, each with any of two
// destinations in three forms each.
func universe(t *testing.T) []Table {
	t.Helper()
	key := AddrKey(TCP, netip.MustParseAddrPort("10.0.0.1:80"))
	mark := MarkKey(7, IPv4)
	dests := func(port uint16) [][]Destination {
		forms := func(addr string) []*Destination {
			a := netip.AddrPortFrom(netip.MustParseAddr(addr), port)
			return []*Destination{nil, {Addr: a, Forward: Direct}, {Addr: a, Forward: Direct, Weight: 2}, {Addr: a, Forward: NAT, Weight: 2}}
		}
		var all [][]Destination
		for _, x := range forms("10.1.0.1") {
			for _, y := range forms("10.1.0.2") {
				var ds []Destination
				for _, d := range []*Destination{x, y} {
					if d != nil {
						ds = append(ds, *d)
					}
				}
				all = append(all, ds)
			}
		}
		return all
	}
	var first, second []*Service
	first, second = append(first, nil), append(second, nil)
	for _, ds := range dests(80) {
		first = append(first,
			&Service{Key: key, Scheduler: "rr", Destinations: ds},
			&Service{Key: key, Scheduler: "sh", Flags: Sched2, Persistent: time.Minute, PersistMask: 24, Destinations: ds})
	}
	for i, ds := range dests(0) {
		if i%5 == 0 {
			second = append(second, &Service{Key: mark, Scheduler: "wlc", Destinations: ds})
		}
	}
	var all []Table
	for _, a := range first {
		for _, b := range second {
			var tab Table
			for _, s := range []*Service{b, a} {
				if s != nil {
					tab.Services = append(tab.Services, *s)
				}
			}
			if err := tab.Check(); err != nil {
				t.Fatalf("the universe holds a wrong table: %v", err)
			}
			all = append(all, tab)
		}
	}
	return all
}

// faked returns a fake kernel that holds the table.
func faked(t fataler, tab Table) *Fake {
	t.Helper()
	f := new(Fake)
	for _, o := range Plan(tab, Table{}) {
		if err := f.Do(o); err != nil {
			t.Fatalf("fill the fake: %v", err)
		}
	}
	f.Diary()
	return f
}

// weight is the total weight of a service, -1 if it is absent.
func weight(tab Table, k Key) int {
	for _, s := range tab.Services {
		if s.Key == k {
			sum := 0
			for _, d := range s.Destinations {
				sum += d.Weight
			}
			return sum
		}
	}
	return -1
}

// follow does the plan on a fake step by step and holds it to everything that Plan promises.
func follow(t fataler, want, have Table) {
	t.Helper()
	f := faked(t, have)
	ops := Plan(want, have)
	trail := func() string { return "have\n" + have.String() + "want\n" + want.String() + "plan\n" + text(ops) }
	for _, o := range ops {
		if err := f.Do(o); err != nil {
			t.Fatalf("step refused: %v\n%s", err, trail())
		}
		now, _, _ := f.Table()
		for _, s := range have.Services {
			before, after := weight(have, s.Key), weight(want, s.Key)
			if after < 0 {
				continue
			}
			if w := weight(now, s.Key); w < min(before, after) {
				t.Fatalf("%s dips to %d between %d and %d at %s\n%s", s.Key, w, before, after, o, trail())
			}
		}
	}
	got, _, _ := f.Table()
	w := want.Canonical()
	if w.Services != nil || got.Services != nil {
		if !reflect.DeepEqual(got.Services, w.Services) {
			t.Fatalf("result is\n%s%s", got, trail())
		}
	}
	if again := Plan(want, got); len(again) != 0 {
		t.Fatalf("the second plan has %s\n%s", text(again), trail())
	}
}

func text(ops []Op) string {
	var b strings.Builder
	for _, o := range ops {
		b.WriteString(o.String() + "\n")
	}
	return b.String()
}

func TestPlanExhaustively(t *testing.T) {
	all := universe(t)
	for _, want := range all {
		for _, have := range all {
			follow(t, want, have)
		}
	}
	t.Logf("%d pairs of tables", len(all)*len(all))
}

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}
