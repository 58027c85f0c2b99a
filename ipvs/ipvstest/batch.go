package ipvstest

import (
	"errors"
	"io/fs"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/ipvs"
)

// crowd are services with the same number of servers each.
func crowd(services, servers int) ipvs.Table {
	var t ipvs.Table
	for i := range services {
		s := ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr"}
		s.Port = uint16(1000 + i)
		for j := range servers {
			at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(j / 200), byte(j%200 + 1)}), s.Port)
			s.Destinations = append(s.Destinations, ipvs.Destination{Addr: at, Weight: 1, Forward: ipvs.Direct})
		}
		t.Services = append(t.Services, s)
	}
	return t
}

// batch does many steps of which some are refused: each answer is to its own step, and nothing else is held up.
func batch(t *testing.T, e Edge) {
	want := crowd(40, 20) // several windows of every edge
	apply(t, e, ipvs.Table{Services: want.Services[:1]})
	odd := ipvs.Service{Key: tcp("10.0.0.9:80"), Scheduler: "nosuch"}
	ops := ipvs.Plan(want, ipvs.Table{})
	ops = append(ops,
		ipvs.Op{Verb: ipvs.AddService, Service: odd},
		ipvs.Op{Verb: ipvs.AddDestination, Service: odd, Destination: dest("10.1.0.1:80", ipvs.Direct, 1)},
		ipvs.Op{Verb: ipvs.AddDestination, Service: want.Services[3], Destination: dest("10.1.9.9:1003", ipvs.Direct, 70000)},
		ipvs.Op{Verb: ipvs.DeleteDestination, Service: want.Services[3], Destination: dest("10.1.9.9:1003", ipvs.Direct, 1)},
		ipvs.Op{Verb: ipvs.DeleteService, Service: ipvs.Service{Key: tcp("10.0.0.8:80")}},
	)
	errs := e.Batch(ops)
	if len(errs) != len(ops) {
		t.Fatalf("%d answers to %d steps", len(errs), len(ops))
	}
	for i, err := range errs {
		var is error
		switch last := len(ops) - i; {
		case last == 5:
			is = ipvs.ErrNoScheduler
		case last == 4 || ops[i].Service.Key == want.Services[0].Key && i > 0:
			is = ipvs.ErrSkipped
		case last == 3:
			if err == nil {
				t.Errorf("%s: is taken", ops[i])
			}
			continue
		case last <= 2:
			is = fs.ErrNotExist
		case i == 0:
			is = fs.ErrExist
		}
		if !errors.Is(err, is) {
			t.Errorf("%s: %v, want %v", ops[i], err, is)
		}
	}
	if got, _ := table(t, e); len(ipvs.Plan(want, got)) > 0 {
		t.Errorf("the table is\n%s", got)
	}
	for _, err := range e.Batch(ipvs.Plan(ipvs.Table{}, want)) {
		if err != nil {
			t.Error(err)
		}
	}
	if got, _ := table(t, e); len(got.Services) > 0 {
		t.Errorf("left:\n%s", got)
	}
}

// parts reads a table in pieces.
func parts(t *testing.T, e Edge) {
	want := crowd(5, 3)
	apply(t, e, want)
	whole, stats := table(t, e)
	over, counters, err := e.Overview()
	if err != nil {
		t.Fatal(err)
	}
	alone := whole.Canonical()
	for i := range alone.Services {
		alone.Services[i].Destinations = nil
	}
	if diff := cmp.Diff(alone, over, compare); diff != "" {
		t.Errorf("the overview (-want +got):\n%s", diff)
	}
	if len(counters) != len(stats) {
		t.Errorf("%d counters, want %d", len(counters), len(stats))
	}
	keys := []ipvs.Key{want.Services[3].Key, tcp("10.0.0.9:80"), want.Services[1].Key}
	some, counters, err := e.Services(keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ipvs.Table{Services: []ipvs.Service{whole.Services[1], whole.Services[3]}}, some, compare); diff != "" {
		t.Errorf("two services (-want +got):\n%s", diff)
	}
	for _, k := range []ipvs.Key{keys[0], keys[2]} {
		if diff := cmp.Diff(stats[k], counters[k], compare); diff != "" {
			t.Errorf("counters of %s (-want +got):\n%s", k, diff)
		}
	}
	if _, _, err := e.Services(nil); err != nil {
		t.Errorf("of no service: %v", err)
	}
}
