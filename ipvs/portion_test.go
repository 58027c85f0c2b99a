package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

// A large table is read in calls of bounded size, and is the same as in one.
func TestPortions(t *testing.T) {
	want, stats := Table{Timeouts: KernelTimeouts()}, make(Stats)
	for mark := range uint32(2*portion + 7) {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(mark >> 8), byte(mark)}), 80)
		key := MarkKey(mark+1, IPv4)
		want.Services = append(want.Services, Service{Key: key, Scheduler: "rr", Destinations: []Destination{{Addr: at, Weight: int(mark)}}})
		stats[key] = ServiceStats{Counters: Counters{Connections: uint64(mark)}, Destinations: map[netip.AddrPort]DestinationStats{at: {Active: int(mark)}}}
	}
	want = want.Canonical()
	overview := func() (Table, Stats, error) {
		t, st := want.Canonical(), make(Stats)
		for i, s := range t.Services {
			t.Services[i].Destinations = nil
			st[s.Key] = ServiceStats{Counters: stats[s.Key].Counters}
		}
		return t, st, nil
	}
	done := 0
	fill := func(services []Service) (Table, Stats, error) {
		if len(services) > portion {
			return Table{}, nil, fmt.Errorf("%d services in one call", len(services))
		}
		part, st := Table{Services: want.Services[done : done+len(services)]}, make(Stats)
		for _, s := range services {
			st[s.Key] = ServiceStats{Destinations: stats[s.Key].Destinations}
		}
		done += len(services)
		return part, st, nil
	}
	got, st, err := inPortions(overview, fill)
	if err != nil || got.String() != want.String() || got.Timeouts != want.Timeouts {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	for key, s := range stats {
		for at := range s.Destinations {
			if st[key].Counters != s.Counters || st[key].Destinations[at] != s.Destinations[at] {
				t.Errorf("%s: %+v, want %+v", key, st[key], s)
			}
		}
	}
	broken := errors.New("broken")
	if got, _, err := inPortions(overview, func([]Service) (Table, Stats, error) { return Table{}, nil, broken }); !errors.Is(err, broken) || len(got.Services) > 0 {
		t.Errorf("%v, and %d services", err, len(got.Services))
	}
}
