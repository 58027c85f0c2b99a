package director

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
)

// TestWarmTakeoverWaitsForNothing: settings that take long to read, and whatever else a pass does besides reading the table,
// come after the address.
func TestWarmTakeoverWaitsForNothing(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.sys.slowly(time.Second)
		w.table.slow = 50 * time.Millisecond
		w.lead(1)
		w.wait(75 * time.Millisecond)
		w.expect("taking over", `
 0.050 ip addr add 192.0.2.10 dev eth0
 0.050 announce 192.0.2.10 dev eth0
`)
		w.wait(10 * time.Second)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestTakeoverWithATableThatIsNotWarm: what the last pass left was taken away since. The address comes when the services
// are there again, not before.
func TestTakeoverWithATableThatIsNotWarm(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		have, _, err := w.table.Table()
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ipvs.Plan(ipvs.Table{Timeouts: have.Timeouts}, have) {
			if err := w.table.Fake.Do(op); err != nil {
				t.Fatal(err)
			}
		}
		w.sys.slowly(100 * time.Millisecond / 8) // so many are read
		w.lead(1)
		w.wait(time.Second)
		w.expect("taking over", `
 0.100 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.100 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.100 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
 0.100 ip addr add 192.0.2.10 dev eth0
 0.100 announce 192.0.2.10 dev eth0
 0.200 announce 192.0.2.10 dev eth0
`)
	})
}

// TestTakeoverWithALargeTable: the address goes by what is known of the table, and the same pass sees whether that is so.
func TestTakeoverWithALargeTable(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(crowd(glance)))
		w.check("warm", "converged rev 2")
		if err := w.table.Foreign(ipvs.Op{Verb: ipvs.DeleteService, Service: ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.10:80"))}}); err != nil {
			t.Fatal(err)
		}
		w.wait(time.Second)
		w.forget()
		w.lead(1)
		w.check("directing", fmt.Sprintf("converged rev 2 web 192.0.2.10 present drift %d", 1+glance))
		if first, _, _ := strings.Cut(w.forget(), "\n"); first != " 0.000 ip addr add 192.0.2.10 dev eth0" {
			t.Errorf("it begins with %q", first)
		}
	})
}

// TestTakeoverWithALargeTableThatIsNotWarm: an operator's word that comes with the mandate is followed before the address is there.
func TestTakeoverWithALargeTableThatIsNotWarm(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(crowd(glance)))
		w.check("warm", "converged rev 2")
		w.forget()
		w.change(func() {
			w.state.Overrides = []Override{{Virtual: "web", Server: "0", Kind: Drain}}
			w.mandate = w.forAnHour(1)
		})
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
		if first, _, _ := strings.Cut(w.forget(), "\n"); first != " 0.000 ipvsadm -e -t 192.0.2.10:80 -r 10.1.0.1:80 -g -w 0" {
			t.Errorf("it begins with %q", first)
		}
	})
}

// TestTakeoverWithALargeTableByRole: what a router wants of settings goes by who directs, whatever the last pass decided.
func TestTakeoverWithALargeTableByRole(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		doc := synchronised(nil)
		doc.Virtuals = []config.Virtual{crowd(glance)}
		w.know(4, doc)
		w.change(func() { w.state.OtherLeads = true })
		w.wait(time.Minute)
		w.forget()
		w.lead(1)
		takenOver(w)
	})
}

// settledLarge has the router stand by with a large table at which a look is due.
func settledLarge(w *world) {
	w.start()
	w.know(2, document(crowd(glance)))
	w.wait(time.Minute + turn)
	w.forget()
}

// TestTakeoverWithALargeTableReadsNothingFirst: the address waits for no look at the table, though one is due.
func TestTakeoverWithALargeTableReadsNothingFirst(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		settledLarge(w)
		w.table.slow = time.Second
		w.lead(1)
		w.expect("taking over", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.wait(10 * time.Second)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestLargeTableIsChangedBeforeItIsLookedAt: an operator's word waits for no look at the table, though one is due.
func TestLargeTableIsChangedBeforeItIsLookedAt(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		settledLarge(w)
		w.table.slow = time.Second
		w.change(func() { w.state.Overrides = []Override{{Virtual: "web", Server: "0", Kind: Drain}} })
		w.expect("changed", `
 0.000 ipvsadm -e -t 192.0.2.10:80 -r 10.1.0.1:80 -g -w 0
`)
		w.wait(2 * restful)
		w.check("changed", "converged rev 2")
	})
}

// TestLargeTableIsRepaired: what the look at the end of a pass finds changed is put right at once.
func TestLargeTableIsRepaired(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		settledLarge(w)
		if err := w.table.Foreign(ipvs.Op{Verb: ipvs.DeleteService, Service: ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.10:80"))}}); err != nil {
			t.Fatal(err)
		}
		w.wait(restful)
		w.check("repaired", fmt.Sprintf("converged rev 2 drift %d", 1+glance))
	})
}

// TestPassEndsForAMandate: a pass that has read the table when the mandate comes or goes decides nothing about it: the next one has the
// addresses come or go first.
func TestPassEndsForAMandate(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.table.slow = time.Second
		w.sys.slowly(10 * time.Second)
		w.ring()
		w.wait(time.Second / 2)
		w.lead(1)
		w.wait(time.Second + 600*time.Millisecond)
		if got := w.edge.String(); got == "" {
			t.Error("taking over: the address is not there")
		}
		w.sys.slowly(0)
		w.wait(10 * time.Minute)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")

		w.sys.slowly(10 * time.Second)
		w.ring()
		w.wait(time.Second / 2)
		w.withdraw()
		w.wait(600 * time.Millisecond)
		if got := w.edge.String(); got != "" {
			t.Errorf("letting go: still there: %s", got)
		}
		w.sys.slowly(0)
		w.wait(10 * time.Minute)
		w.check("standing by", "converged rev 2")
	})
}
