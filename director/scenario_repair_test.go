package director

import (
	"net/netip"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
)

func TestForeignChangesAreRepairedAndCounted(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.wait(6 * time.Second)
		w.forget()

		web := ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.10:80"))}
		for _, op := range []ipvs.Op{
			{Verb: ipvs.DeleteDestination, Service: web, Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.1:80")}},
			{Verb: ipvs.AddService, Service: ipvs.Service{Key: ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort("192.0.2.99:53")), Scheduler: "rr"}},
		} {
			if err := w.table.Foreign(op); err != nil {
				t.Fatal(err)
			}
		}
		w.wait(5 * time.Second) // no event tells of it
		w.expect("repaired", `
 4.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 4.000 ipvsadm -D -u 192.0.2.99:53
`)
		w.check("repaired", "converged rev 2 web 192.0.2.10 present drift 2")

		// A new wish is no drift.
		w.say("web/a up", "web/b down")
		w.check("server down", "converged rev 2 web 192.0.2.10 present drift 2")
	})
}

func TestAddressTakenAwayIsPutBackAtOnce(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.wait(6 * time.Second)
		w.forget()
		if err := w.edge.Take(netip.MustParsePrefix("192.0.2.10/32"), "eth0"); err != nil {
			t.Fatal(err)
		}
		w.wait(50 * time.Millisecond)
		w.expect("put back", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("put back", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestAddressLossIsCounted: the keeper notices by itself, when it renews, and the next pass puts the address back.
func TestAddressLossIsCounted(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.deaf = true
		w.start()
		running(w)
		w.lead(1)
		w.wait(6 * time.Second)
		if err := w.edge.Take(netip.MustParsePrefix("192.0.2.10/32"), "eth0"); err != nil {
			t.Fatal(err)
		}
		w.wait(time.Second)
		w.ring()
		w.check("put back", "converged rev 2 web 192.0.2.10 present drift 1")
	})
}

func TestForeignServicesBeforeTheFirstDocument(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		for _, op := range ipvs.Plan(*table80("10.0.0.1:80 5"), ipvs.Table{}) {
			if err := w.table.Foreign(op); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		w.change(func() { w.state = State{Known: true, Revision: 1, Document: document(), Foreign: true} })
		w.lead(1)
		w.wait(time.Minute)
		w.expect("refusing", ``)
		w.check("refusing", "rev 0")
		if p := w.d.Status().Problems; len(p) != 1 || p[0].What != "ipvs table" {
			t.Errorf("problems: %v", p)
		}
		// Between two looks of whoever decides whose the services are, they are gone for a moment.
		if err := w.table.Foreign(ipvs.Op{Verb: ipvs.DeleteService, Service: table80().Services[0]}); err != nil {
			t.Fatal(err)
		}
		w.change(func() {
			w.state.Revision, w.state.Document = 2, document(with(web("a"), func(v *config.Virtual) { v.Check = nil }))
		})
		w.wait(10 * time.Second)
		w.expect("gone for a moment", ``)
		w.check("gone for a moment", "rev 0")
		w.change(func() { w.state.Foreign = false })
		w.expect("ours", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("ours", "converged rev 2 web 192.0.2.10 present")
	})
}
