package director

import (
	"net/netip"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
)

// serving is scenario on a router that is itself the server web/a.
func serving(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	scenario(t, func(t *testing.T, w *world) {
		if err := w.edge.Put(netip.MustParsePrefix("10.0.0.1/24"), "eth1"); err != nil {
			t.Fatal(err)
		}
		w.start()
		f(t, w)
	})
}

// TestStandbyThatServes: what the director sends it must meet no service here, from the moment its mandate ends.
func TestStandbyThatServes(t *testing.T) {
	for _, standby := range []config.Standby{config.Warm, config.Cold} {
		t.Run(string(standby), func(t *testing.T) {
			serving(t, func(t *testing.T, w *world) {
				doc := document(web("a", "b"))
				doc.Cluster.Standby = standby
				w.know(2, doc)
				w.say("web/a up", "web/b up")
				w.expect("standing by", ``)
				w.check("standing by", "converged rev 2")
				w.lead(1)
				w.expect("taking over", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
				w.wait(6 * time.Second)
				w.forget()
				w.withdraw() // nobody is known to lead yet, and another may
				w.expect("standing down", `
 0.000 ip addr del 192.0.2.10 dev eth0
 0.000 ipvsadm -D -t 192.0.2.10:80
`)
				w.check("standing down", "converged rev 2")
			})
		})
	}
}

// TestStandbyThatServesOneOfTwo: the other virtual's table stays warm.
func TestStandbyThatServesOneOfTwo(t *testing.T) {
	serving(t, func(t *testing.T, w *world) {
		w.know(2, document(web("a"), with(web("a", "b"), func(v *config.Virtual) { v.Name, v.Ports, v.Servers = "other", []uint16{81}, v.Servers[1:] })))
		w.expect("standing by", `
 0.000 ipvsadm -A -t 192.0.2.10:81 -s wlc
`)
	})
}

// TestStandbyThatDrains: packets of its connections come still, though the document names it no more.
func TestStandbyThatDrains(t *testing.T) {
	serving(t, func(t *testing.T, w *world) {
		both := web("a", "b")
		left := with(both, func(v *config.Virtual) { v.Servers = v.Servers[1:] })
		w.change(func() {
			w.state.Leaving = []Leaving{{Virtual: both, Server: both.Servers[0]}}
			w.state.Known, w.state.Revision, w.state.Document = true, 3, document(left)
		})
		w.expect("draining", ``)
		w.change(func() { w.state.Leaving = nil })
		w.expect("drained", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
`)
	})
}

// TestStandbyThatServesBesideASyncDaemon: its table is warm only while a backup daemon runs, under which the kernel passes nothing on.
func TestStandbyThatServesBesideASyncDaemon(t *testing.T) {
	serving(t, func(t *testing.T, w *world) {
		services := func() int { return len(w.d.Status().Table.Services) }
		for _, path := range []string{"backup_only", "sync_threshold", "sync_refresh_period", "sync_retries"} {
			w.sys.put("net/ipv4/vs/"+path, "0")
		}
		w.table.Lack("eth1")
		w.know(2, synchronised(nil))
		if services() != 0 {
			t.Error("the daemon does not run, and there is a service")
		}
		w.table.Lack()
		w.wait(restful + breath)
		if services() != 1 {
			t.Error("the daemon runs, and there is no service")
		}
		w.table.Lack("eth1")
		if err := w.table.Fake.Foreign(ipvs.Op{Verb: ipvs.StopDaemon, Daemon: ipvs.Daemon{Role: ipvs.Backup}}); err != nil {
			t.Fatal(err)
		}
		w.ring()
		if services() != 0 {
			t.Error("somebody stopped the daemon, and there is a service")
		}
		w.lead(1)
		if services() != 1 {
			t.Error("directing, and there is no service")
		}
	})
}
