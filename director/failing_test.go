package director

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// TestFailingKernel: a step fails; what depends on it is left out, the rest goes on, and it is tried again with growing
// pauses until it succeeds.
func TestFailingKernel(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.table.Lack("mh")
		doc := document(
			with(web("a"), func(v *config.Virtual) {
				v.Name, v.Address, v.Scheduler = "hash", netip.MustParseAddr("192.0.2.11"), "mh"
			}),
			web("a"),
		)
		w.change(func() {
			w.mandate = w.forAnHour(1)
			w.state = State{Known: true, Revision: 2, Document: doc}
		})
		w.health.mu.Lock()
		w.health.view = verdicts(doc, "hash/a up", "web/a up")
		w.health.mu.Unlock()
		w.wait(99 * time.Millisecond)
		w.expect("first attempt", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -A -t 192.0.2.11:80 -s mh # fails
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		if s := w.d.Status(); s.Converged || s.Failing != 1 || len(s.Failures) != 2 ||
			s.Failures[0].Step != "ipvsadm -A -t 192.0.2.11:80 -s mh" || strings.Contains(s.Failures[0].Err, "-s mh") || s.Failures[1].Step != "ip addr add 192.0.2.11 dev eth0" {
			t.Errorf("status: %+v", s)
		}
		w.wait(3100 * time.Millisecond)
		var attempts []string // without the announcements, whose goroutine is another
		for line := range strings.Lines(w.forget()) {
			if !strings.Contains(line, "announce") {
				attempts = append(attempts, line)
			}
		}
		checkText(t, strings.Join(attempts, ""), `
 0.001 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.001 ipvsadm -A -t 192.0.2.11:80 -s mh # fails
 0.201 ipvsadm -A -t 192.0.2.11:80 -s mh # fails
 0.601 ipvsadm -A -t 192.0.2.11:80 -s mh # fails
 1.401 ipvsadm -A -t 192.0.2.11:80 -s mh # fails
 3.001 ipvsadm -A -t 192.0.2.11:80 -s mh # fails`)
		if s := w.d.Status(); s.Failing != 6 || w.passed.Load() != s.Passes {
			t.Errorf("%d failing passes; of %d passes %d were told", s.Failing, s.Passes, w.passed.Load())
		}
		w.wait(time.Minute)
		w.table.Lack()
		w.forget()
		w.wait(5 * time.Second)
		if got := w.forget(); !strings.Contains(got, "ip addr add 192.0.2.11 dev eth0") {
			t.Errorf("not held after the kernel was mended:\n%s", got)
		}
		w.check("mended", "converged rev 2 web 192.0.2.10 present hash 192.0.2.11 present")
		if n := strings.Count(w.log.String(), `msg="step failed" step="ipvsadm -A -t 192.0.2.11:80 -s mh"`); n != 1 {
			t.Errorf("the failing step was logged %d times, want once", n)
		}
		if !strings.Contains(w.log.String(), `msg="kernel follows again" rev=2`) {
			t.Errorf("log:\n%s", w.log)
		}
	})
}

// TestKernelThatForgets: every step succeeds and nothing comes of it. That is not convergence.
func TestKernelThatForgets(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.table.forgets = true
		w.know(2, document(web()))
		w.check("forgetful", "rev 0 failing 1 (ipvsadm -A -t 192.0.2.10:80 -s wlc: done, but the kernel does not show it; does something else write there?)")
	})
}

// TestRingingDoesNotSpinAFailingPass: whatever rings while passes fail, they keep a breath apart, and an event that
// matters waits no longer than that.
func TestRingingDoesNotSpinAFailingPass(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.table.FailTable(errBroken)
		w.ring()
		before := w.d.Status().Passes
		for range 1000 {
			w.d.Ring()
			w.wait(time.Millisecond)
		}
		if n := w.d.Status().Passes - before; n < 40 || n > 51 {
			t.Errorf("%d passes in a second of ringing", n)
		}
	})
}

// TestUnreadableTable: a router whose table was warm takes over although netlink does not answer for a moment.
func TestUnreadableTable(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.table.FailTable(errBroken)
		w.lead(1)
		w.expect("taking over", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("failing", "rev 2 web 192.0.2.10 present failing 1 (ipvsadm -L: input/output error)")
		w.table.FailTable(nil)
		w.wait(time.Second)
		w.check("mended", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestUnreadableTableWithASyncDaemon: a kernel that is told to balance nothing gets no address, readable or not.
func TestUnreadableTableWithASyncDaemon(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		w.table.FailTable(errBroken)
		w.sys.mu.Lock()
		w.sys.locked = true
		w.sys.mu.Unlock()
		w.lead(1)
		w.expect("backup_only cannot be taken back", ``)
		w.sys.mu.Lock()
		w.sys.locked = false
		w.sys.mu.Unlock()
		w.wait(time.Second)
		w.expect("it can", `
 0.100 sysctl -w net/ipv4/vs/backup_only=0
 0.100 ip addr add 192.0.2.10 dev eth0
 0.100 announce 192.0.2.10 dev eth0
 0.200 announce 192.0.2.10 dev eth0
`)
	})
}

// TestUnreadableTableWithoutItsRules: nor does one whose packets would not be marked for the services that it had.
func TestUnreadableTableWithoutItsRules(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(ports("a")))
		w.forget()
		w.table.FailTable(errBroken)
		if err := w.rules.FakeRules.SetRules(ipvs.Rules{}); err != nil {
			t.Fatal(err)
		}
		w.lead(1)
		w.expect("unmarked", ``)
		w.table.FailTable(nil)
		w.wait(time.Second)
		w.check("mended", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestUnreadableLinks: an address is not let go of because its subnet could not be looked up.
func TestUnreadableLinks(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.wait(10 * time.Second)
		w.forget()
		w.edge.Before(func(c vip.Call) error {
			if c.Method == "Links" {
				return errBroken
			}
			return nil
		})
		w.ring()
		w.wait(time.Second)
		w.expect("blind", ``)
		if !strings.Contains(w.edge.String(), "192.0.2.10/32 dev eth0") {
			t.Errorf("addresses: %q", w.edge)
		}
		if s := w.d.Status(); s.Failing == 0 || s.Converged {
			t.Errorf("status: %+v", s)
		}
		w.edge.Before(nil)
	})
}

// TestAddressThatDoesNotGo: its services stay as long as it does, whatever else of the document changes.
func TestAddressThatDoesNotGo(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		blue := with(web("a"), func(v *config.Virtual) { v.Name, v.Address = "blue", netip.MustParseAddr("192.0.2.11") })
		tls := with(blue, func(v *config.Virtual) { v.Name, v.Ports, v.Servers = "tls", []uint16{443}, nil })
		w.start()
		w.know(2, document(web("a"), blue, tls))
		w.say("web/a up", "blue/a up")
		w.lead(1)
		w.wait(10 * time.Second)
		w.forget()
		w.edge.Before(func(c vip.Call) error {
			if c.Method == "Remove" {
				return errBroken
			}
			return nil
		})
		w.know(3, document(blue))
		w.wait(50 * time.Millisecond)
		w.expect("it does not go", `
 0.000 ip addr del 192.0.2.10 dev eth0 # fails
 0.000 ipvsadm -D -t 192.0.2.11:443
`)
		w.check("it does not go", "rev 2 blue 192.0.2.11 present failing 1 (ip addr del: let go of 192.0.2.10 on eth0: not gone yet: input/output error)")
		w.edge.Before(nil)
		w.wait(100 * time.Millisecond)
		w.expect("it goes", `
 0.050 ip addr del 192.0.2.10 dev eth0
 0.050 ipvsadm -D -t 192.0.2.10:80
`)
		w.check("it goes", "converged rev 3 blue 192.0.2.11 present")
	})
}

func TestPauseGrowsAndIsBounded(t *testing.T) {
	for failing, want := range map[int]time.Duration{
		0: 5 * time.Second, 1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 5: 1600 * time.Millisecond, 7: 5 * time.Second, 1 << 40: 5 * time.Second,
	} {
		if got := pause(failing); got != want {
			t.Errorf("pause(%d) = %s, want %s", failing, got, want)
		}
	}
}
