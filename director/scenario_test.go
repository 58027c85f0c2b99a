package director

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// scenario runs f in a bubble of virtual time on a router of its own.
func scenario(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

// running brings w to revision 2 with servers web/a and web/b up, as a warm standby; what that did is not in the diary.
func running(w *world) {
	w.know(2, document(web("a", "b")))
	w.say("web/a up", "web/b up")
	w.expect("becoming warm", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
`)
	w.check("warm", "converged rev 2")
}

func TestTakeover(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.wait(3 * time.Second)
		w.expect("standing by", ``)
		w.lead(7)
		w.expect("taking over", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
		w.wait(6 * time.Second)
		if s := w.d.Status(); s.Epoch != 7 || s.Held[0].Announced.IsZero() || s.Held[0].Group != DefaultGroup {
			t.Errorf("status: %+v", s)
		}
		w.expect("announcing on", `
 0.100 announce 192.0.2.10 dev eth0
 1.200 announce 192.0.2.10 dev eth0
 2.400 announce 192.0.2.10 dev eth0
 5.000 announce 192.0.2.10 dev eth0
`)
		w.withdraw()
		w.expect("standing down", `
 0.000 ip addr del 192.0.2.10 dev eth0
`)
		w.check("standing by again", "converged rev 2")
	})
}

// TestLostAndRegainedBetweenTwoPasses: the director never saw the gap, the epoch tells of it.
func TestLostAndRegainedBetweenTwoPasses(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.wait(10 * time.Second)
		w.forget()
		w.lead(2)
		w.expect("regained", `
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestLeaseEndsWithoutAWord: nobody rings, nothing is extended; the keeper takes the address down before its end.
func TestLeaseEndsWithoutAWord(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.change(func() { w.mandate = mandate(1, time.Duration(w.clock())+300*time.Millisecond) })
		w.expect("taking over", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.mu.Lock()
		w.mandate = Mandate{}
		w.mu.Unlock()
		w.wait(time.Second)
		w.expect("the end", `
 0.100 announce 192.0.2.10 dev eth0
 0.290 ip addr del 192.0.2.10 dev eth0
`)
	})
}

func TestShutdownLetsGoAndLeavesTheTable(t *testing.T) {
	for _, standby := range []config.Standby{config.Warm, config.Cold} {
		t.Run(string(standby), func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				w.start()
				doc := document(web("a"))
				doc.Cluster.Standby = standby
				w.know(2, doc)
				w.say("web/a up")
				w.lead(1)
				w.expect("directing", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
				if err := w.end(); err != nil {
					t.Errorf("run: %v", err)
				}
				w.expect("shutdown", `
 0.000 ip addr del 192.0.2.10 dev eth0
`)
			})
		})
	}
}

func TestShutdownSaysWhatItCouldNotLetGo(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.edge.Before(func(c vip.Call) error {
			if c.Method == "Remove" {
				return errBroken
			}
			return nil
		})
		w.broken = true
		if err := w.end(); !errors.Is(err, errBroken) {
			t.Errorf("run: %v, want %v", err, errBroken)
		}
	})
}

// TestRestartAfterACrash: the predecessor's address goes at once, its table stays, and its weights stand until rise or
// fall has decided.
func TestRestartAfterACrash(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		if err := w.edge.Fake.Add(netip.MustParseAddr("192.0.2.10"), 2, 2*time.Second); err != nil {
			t.Fatal(err)
		}
		for _, op := range ipvs.Plan(*table80("10.0.0.1:80 5", "10.0.0.2:80 0", "10.0.0.9:80 1"), ipvs.Table{}) {
			if err := w.table.Foreign(op); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		w.expect("first pass", `
 0.000 ip addr del 192.0.2.10 dev eth0
`)
		w.check("nothing known", "rev 0")
		w.wait(30 * time.Second)
		w.expect("still nothing known", ``)

		// What the document never named goes; new server c waits for its verdict.
		w.know(2, document(web("a", "b", "c")))
		w.expect("known", `
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.9:80
`)
		w.check("known", "converged rev 2")
		w.say("web/a up", "web/b down", "web/c up")
		w.expect("decided", `
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.3:80 -g -w 1
 0.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.2:80
`)
	})
}

func TestAddressMovesToAnotherLink(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.wait(10 * time.Second)
		w.forget()
		w.change(func() {
			w.state.Revision = 3
			w.state.Document = document(with(web("a", "b"), func(v *config.Virtual) { v.Interface = "eth1" }))
		})
		w.expect("moved", `
 0.000 ip addr del 192.0.2.10 dev eth0
 0.000 ip addr add 192.0.2.10 dev eth1
 0.000 announce 192.0.2.10 dev eth1
`)
	})
}
