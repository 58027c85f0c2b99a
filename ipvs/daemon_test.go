package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/mdlayher/netlink"
)

// TestPlanDaemons: from every set of daemons to every other one in one plan, after which nothing is left to do, and none that runs as it
// should is stopped.
func TestPlanDaemons(t *testing.T) {
	var sets [][]Daemon
	kinds := func(r DaemonRole) [][]Daemon {
		return [][]Daemon{nil, {{Role: r, Link: "eth1"}}, {{Role: r, Link: "eth1", ID: 7}}, {{Role: r, Link: "eth2", ID: 7}},
			{{Role: r, Link: "eth1", MaxLen: 2000}}, {{Role: r, Link: "eth1", TTL: 2}}, {{Role: r, Link: "eth1", Port: 9000}},
			{{Role: r, Link: "eth1", Group: netip.MustParseAddr("239.1.2.3")}}, {{Role: r, Link: "eth1", Group: netip.MustParseAddr("ff02::1")}}}
	}
	for _, m := range kinds(Master) {
		for _, b := range kinds(Backup) {
			sets = append(sets, slices.Concat(m, b))
		}
	}
	for _, have := range sets {
		for _, want := range sets {
			f := new(Fake)
			for _, d := range have {
				if err := f.Do(Op{Verb: StartDaemon, Daemon: d}); err != nil {
					t.Fatal(err)
				}
			}
			before, _ := f.Daemons()
			f.Diary()
			for _, o := range PlanDaemons(want, before) {
				if err := f.Do(o); err != nil {
					t.Fatalf("from %v to %v: %v", have, want, err)
				}
			}
			after, _ := f.Daemons()
			if left := PlanDaemons(want, after); len(left) > 0 || len(after) != len(want) {
				t.Errorf("from %v to %v: %v is left, %v runs", have, want, left, after)
			}
			diary := f.Diary()
			for _, d := range want {
				if slices.Contains(have, d) && slices.Contains(diary, "--stop-daemon "+d.Role.String()) {
					t.Errorf("from %v to %v: %v was as wanted, and was stopped", have, want, d)
				}
			}
		}
	}
}

func TestDaemonListensForMore(t *testing.T) {
	jumbo := []Daemon{{Role: Backup, Link: "eth1", MaxLen: 8972}}
	if ops := PlanDaemons([]Daemon{{Role: Backup, Link: "eth1"}}, jumbo); len(ops) > 0 {
		t.Errorf("on a link of a large MTU: %v", ops)
	}
	if ops := PlanDaemons([]Daemon{{Role: Master, Link: "eth1"}}, []Daemon{{Role: Master, Link: "eth1", MaxLen: 8972}}); len(ops) != 2 {
		t.Errorf("a master that sends longer messages than it should: %v", ops)
	}
	if ops := PlanDaemons([]Daemon{{Role: Backup, Link: "eth1"}}, []Daemon{{Role: Backup, Link: "eth1", MaxLen: 1024}}); len(ops) != 2 {
		t.Errorf("a backup that listens for less than it should: %v", ops)
	}
}

func TestDaemonMessage(t *testing.T) {
	for _, d := range []Daemon{
		{Role: Master, Link: "eth1"},
		{Role: Backup, Link: "a-long-name.123", ID: 255, Group: netip.MustParseAddr("239.1.2.3"), Port: 9000, TTL: 255, MaxLen: 65507},
		{Role: Backup, Link: "eth1", Group: netip.MustParseAddr("ff02::81")},
	} {
		ae := netlink.NewAttributeEncoder()
		encodeDaemon(ae, d)
		b, err := ae.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeDaemon(b); err != nil || got != d {
			t.Errorf("%v, %v; want %v", got, err, d)
		}
	}
	if _, err := decodeDaemon(nil); err == nil {
		t.Error("a daemon of nothing")
	}
}

func TestDaemonCheck(t *testing.T) {
	good := Daemon{Role: Master, Link: "eth1"}
	for name, change := range map[string]func(*Daemon){
		"no role":                   func(d *Daemon) { d.Role = 0 },
		"both roles":                func(d *Daemon) { d.Role = Master | Backup },
		"no device":                 func(d *Daemon) { d.Link = "" },
		"a long device":             func(d *Daemon) { d.Link = "0123456789abcdef" },
		"a group that is a host":    func(d *Daemon) { d.Group = netip.MustParseAddr("10.0.0.1") },
		"a group with a zone":       func(d *Daemon) { d.Group = netip.MustParseAddr("ff02::81%eth1") },
		"short messages":            func(d *Daemon) { d.MaxLen = 1023 },
		"messages beyond a packet":  func(d *Daemon) { d.MaxLen = 65508 },
		"messages beyond a packet6": func(d *Daemon) { d.Group, d.MaxLen = netip.MustParseAddr("ff02::81"), 65488 },
	} {
		d := good
		change(&d)
		if err := (Op{Verb: StartDaemon, Daemon: d}).Check(); err == nil {
			t.Errorf("%s: taken: %v", name, d)
		}
	}
	for _, o := range []Op{{Verb: StartDaemon, Daemon: good}, {Verb: StopDaemon, Daemon: Daemon{Role: Backup}}} {
		if err := o.Check(); err != nil {
			t.Errorf("%s: %v", o, err)
		}
	}
	if err := (Op{Verb: StopDaemon}).Check(); err == nil {
		t.Error("a stop of nothing is taken")
	}
	if got := fmt.Sprint(Daemon{Role: Backup, Link: "eth1", Group: syncGroup(), Port: 8848, TTL: 1}); got != "backup --mcast-interface eth1 --syncid 0" {
		t.Errorf("the kernel's own is said: %s", got)
	}
}
