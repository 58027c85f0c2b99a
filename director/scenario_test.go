package director

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
	"polso/health"
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

func TestServerFlaps(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.say("web/a up", "web/b down")
		w.expect("down", `
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.2:80
`)
		w.say("web/a up", "web/b up")
		w.expect("up", `
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
`)
		w.say("web/a down", "web/b down")
		w.expect("both down", `
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.1:80
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.2:80
`)
		w.check("nobody up", "converged rev 2")
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

func TestRemovedServerDrainsThenGoes(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.change(func() {
			w.state.Revision, w.state.Document = 3, document(web("a"))
			w.state.Leaving = []Leaving{{Virtual: web("a", "b"), Server: web("a", "b").Servers[1]}}
		})
		w.expect("removed", `
 0.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
`)
		w.check("draining", "converged rev 3")
		w.wait(time.Minute)
		w.expect("draining", ``)
		w.change(func() { w.state.Leaving = nil })
		w.expect("drained", `
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

func TestSettings(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		doc := document(with(web("a"), by(config.NAT)))
		w.know(2, doc)
		w.expect("nat", `
 0.000 sysctl -w net/ipv4/ip_forward=1
 0.000 sysctl -w net/ipv4/conf/all/send_redirects=0
 0.000 sysctl -w net/ipv4/conf/eth0/send_redirects=0
 0.000 sysctl -w net/ipv4/conf/eth1/send_redirects=0
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
`)
		w.wait(20 * time.Second)
		w.expect("quiet", ``)
		w.sys.put("net/ipv4/ip_forward", "0")
		w.ring()
		w.expect("foreign change", `
 0.000 sysctl -w net/ipv4/ip_forward=1
`)
		w.check("foreign change", "converged rev 2 drift 1")
		before := make(map[string]string)
		for _, s := range w.d.Status().Settings {
			if s.Changed {
				before[s.Name()] = s.Found + " -> " + s.Now
			}
		}
		want := map[string]string{
			"net.ipv4.ip_forward": "0 -> 1", "net.ipv4.conf.all.send_redirects": "1 -> 0", "net.ipv4.conf.eth0.send_redirects": "1 -> 0",
			"net.ipv4.conf.eth1.send_redirects": "1 -> 0", "net.ipv4.conf.all.accept_redirects": "1 -> 1", // this kernel changes nothing by itself
		}
		if !maps.Equal(before, want) {
			t.Errorf("settings as found: %v, want %v", before, want)
		}
		w.sys.put("net/ipv4/ip_forward", "0")
		w.sys.locked = true
		w.ring()
		w.check("not ours to write", "rev 2 drift 1 failing 1 (sysctl -w net/ipv4/ip_forward=1: open /proc/sys/net/ipv4/ip_forward: permission denied)")
	})
}

// TestKeptIsLookedAtOnly: a setting that the document keeps is neither written nor recorded nor missing.
func TestKeptIsLookedAtOnly(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		const path = "net/ipv4/ip_forward"
		w.start()
		w.sys.put(path, "0")
		w.know(2, given(document(with(web("a"), by(config.NAT))), map[string]string{"net.ipv4.ip_forward": config.Keep}))
		w.wait(20 * time.Second)
		if value, _ := w.sys.Read(path); strings.TrimSpace(value) != "0" {
			t.Errorf("it is %s", value)
		}
		w.check("kept", "converged rev 2")
		for _, s := range w.d.Status().Settings {
			if s.Path == path && (!s.Kept || s.Changed || s.Now != "0" || !s.Against()) {
				t.Errorf("its status: %+v", s)
			}
			if s.Path == "net/ipv4/conf/all/accept_redirects" {
				t.Errorf("recorded with it: %+v", s)
			}
		}
	})
}

// TestBootIsUndecided: a router that has just booted says so until its checks have decided, and only then.
func TestBootIsUndecided(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(web("a", "b")))
		if s := w.d.Status(); !s.Converged || !slices.Equal(s.Undecided, []string{"web"}) || len(s.Unfit) > 0 {
			t.Errorf("before any verdict: %+v", s)
		}
		w.say("web/a up")
		if s := w.d.Status(); len(s.Undecided) > 0 {
			t.Errorf("with a server up: undecided %v", s.Undecided)
		}
	})
}

// TestTimeoutsGoWithTheDocument: a router that had others is then as one that has just booted.
func TestTimeoutsGoWithTheDocument(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		doc := document(web())
		doc.Cluster.Timeouts = config.Timeouts{TCP: time.Hour, UDP: time.Minute}
		w.know(2, doc)
		w.expect("given", `
 0.000 ipvsadm --set 3600 0 60
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
`)
		w.know(3, document(web()))
		w.expect("not given any more", `
 0.000 ipvsadm --set 900 0 300
`)
		w.check("not given any more", "converged rev 3")
		w.wait(time.Minute)
		w.expect("quiet", ``)
	})
}

// TestForwardingKeepsRouterAdvertisements: where this router begins to forward IPv6, and there only.
func TestForwardingKeepsRouterAdvertisements(t *testing.T) {
	doc := document(with(web(), func(v *config.Virtual) {
		v.Address, v.Family = netip.MustParseAddr("2001:db8::10"), config.IPv6
		v.Servers = []config.Server{{Name: "a", Address: netip.MustParseAddrPort("[2001:db8:1::1]:80"), Forward: config.NAT}}
	}))
	const forwarding, eth0, eth1 = "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra", "net/ipv6/conf/eth1/accept_ra"
	for _, tt := range []struct {
		name                    string
		forwards, hears, hears1 string
		want                    string
	}{
		{"one link hears them", "0", "1", "0", `
 0.000 sysctl -w net/ipv6/conf/eth0/accept_ra=2
 0.000 sysctl -w net/ipv6/conf/all/forwarding=1
 0.000 ipvsadm -A -t [2001:db8::10]:80 -s wlc
`},
		{"both do, one for ever", "0", "1", "2", `
 0.000 sysctl -w net/ipv6/conf/eth0/accept_ra=2
 0.000 sysctl -w net/ipv6/conf/all/forwarding=1
 0.000 ipvsadm -A -t [2001:db8::10]:80 -s wlc
`},
		{"it has been a router", "1", "1", "1", `
 0.000 ipvsadm -A -t [2001:db8::10]:80 -s wlc
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				w.sys.put(forwarding, tt.forwards)
				w.sys.put(eth0, tt.hears)
				w.sys.put(eth1, tt.hears1)
				w.start()
				w.know(2, doc)
				w.expect("known", tt.want)
				w.wait(20 * time.Second)
				w.expect("quiet", ``)
				w.check("quiet", "converged rev 2")
			})
		})
	}
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

// TestProbesDriveTheTable: the real health set, asking a server that dies and comes back; nobody but the set rings.
func TestProbesDriveTheTable(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		var dead atomic.Bool
		checks := health.New(health.Options{
			Ring: func() { w.d.Ring() },
			Probe: func(context.Context, health.Target) health.Result {
				return health.Result{OK: !dead.Load(), Reason: "tcp: said the test"}
			},
		})
		w.checks = checks
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = checks.Run(ctx) }() // returns nil, always
		w.start()
		w.know(2, document(web("a")))
		w.lead(1)
		w.expect("nobody asked yet", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.wait(4 * time.Second) // rise 2, every 2 s, staggered within the first 2 s
		if got := w.forget(); !strings.Contains(got, "ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1") {
			t.Errorf("up after rise, done:\n%s", got)
		}
		dead.Store(true)
		w.wait(3900 * time.Millisecond) // two of three failures
		if got := w.forget(); strings.Contains(got, "ipvsadm -d") {
			t.Errorf("before fall, done:\n%s", got)
		}
		w.wait(2100 * time.Millisecond)
		if got := w.forget(); !strings.Contains(got, "ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.1:80") {
			t.Errorf("down after fall, done:\n%s", got)
		}
		asked, _ := TargetOf(web("a"), web("a").Servers[0])
		if s := w.d.Status().Health[asked.Key()]; s.State != health.Down || s.Reason != "tcp: said the test" {
			t.Errorf("status: %+v", s)
		}
	})
}
