package ipvs_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"polso/ipvs"
	"polso/ipvs/ipvstest"
)

func TestFakeConforms(t *testing.T) {
	ipvstest.Run(t, func(*testing.T) ipvstest.Edge {
		f := new(ipvs.Fake)
		f.Lack("nosuch", "nosuch0")
		return f
	})
}

func addService(a string) ipvs.Op {
	return ipvs.Op{Verb: ipvs.AddService, Service: ipvs.Service{
		Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort(a)), Scheduler: "rr",
	}}
}

func TestFakeFails(t *testing.T) {
	f := new(ipvs.Fake)
	broken := errors.New("broken")
	f.Fail(func(o ipvs.Op) error {
		if strings.Contains(o.String(), "10.0.0.2") {
			return broken
		}
		return nil
	})
	if err := f.Do(addService("10.0.0.1:80")); err != nil {
		t.Fatal(err)
	}
	if err := f.Do(addService("10.0.0.2:80")); !errors.Is(err, broken) {
		t.Fatalf("got %v, want the injected error", err)
	}
	if err := f.Foreign(addService("10.0.0.3:80")); err != nil {
		t.Fatal(err)
	}
	if got, want := f.String(), "-A -t 10.0.0.1:80 -s rr\n-A -t 10.0.0.3:80 -s rr\n"; got != want {
		t.Errorf("the table is\n%swant\n%s", got, want)
	}
	want := []string{"-A -t 10.0.0.1:80 -s rr", "-A -t 10.0.0.2:80 -s rr"}
	if got := f.Diary(); !reflect.DeepEqual(got, want) {
		t.Errorf("diary %q, want %q", got, want)
	}
	if got := f.Diary(); len(got) != 0 {
		t.Errorf("the diary still has %q", got)
	}
	f.Fail(nil)
	if err := f.Do(addService("10.0.0.2:80")); err != nil {
		t.Errorf("after Fail(nil): %v", err)
	}
	f.FailTable(broken)
	if _, _, err := f.Table(); !errors.Is(err, broken) {
		t.Errorf("Table: %v, want the injected error", err)
	}
}

func TestFakeStats(t *testing.T) {
	f := new(ipvs.Fake)
	op := addService("10.0.0.1:80")
	server := ipvs.Destination{Addr: netip.MustParseAddrPort("10.1.0.1:80"), Weight: 1}
	f.SetStats(ipvs.Stats{
		op.Service.Key: {
			Counters: ipvs.Counters{Connections: 3},
			Destinations: map[netip.AddrPort]ipvs.DestinationStats{
				server.Addr: {Active: 2}, netip.MustParseAddrPort("10.1.0.9:80"): {Active: 9},
			},
		},
		ipvs.MarkKey(9, ipvs.IPv4): {},
	})
	for _, o := range []ipvs.Op{op, {Verb: ipvs.AddDestination, Service: op.Service, Destination: server}} {
		if err := f.Do(o); err != nil {
			t.Fatal(err)
		}
	}
	_, got, err := f.Table()
	if err != nil {
		t.Fatal(err)
	}
	want := ipvs.Stats{op.Service.Key: {
		Counters:     ipvs.Counters{Connections: 3},
		Destinations: map[netip.AddrPort]ipvs.DestinationStats{server.Addr: {Active: 2}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}
