package director

import (
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// synchronised is the document of running with a sync daemon on eth1, and what else its daemon says.
func synchronised(change func(*config.SyncDaemon)) config.Document {
	doc := document(web("a", "b"))
	doc.Cluster.SyncDaemon = &config.SyncDaemon{Interface: "eth1", ID: 7}
	if change != nil {
		change(doc.Cluster.SyncDaemon)
	}
	return doc
}

const daemons = ` 0.000 ipvsadm --start-daemon master --mcast-interface eth1 --syncid 7
 0.000 ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 7
`

// listening brings w to revision 3, which has a sync daemon, as a standby of another director.
func listening(w *world) {
	for path, value := range map[string]string{"backup_only": "0", "sync_threshold": "3 50", "sync_refresh_period": "0", "sync_retries": "0"} {
		w.sys.put("net/ipv4/vs/"+path, value)
	}
	w.start()
	running(w)
	w.know(3, synchronised(nil))
	w.change(func() { w.state.OtherLeads = true })
	w.expect("the sync daemon is wanted", `
 0.000 sysctl -w net/ipv4/vs/backup_only=1
 0.000 sysctl -w net/ipv4/vs/expire_nodest_conn=0
 0.000 sysctl -w net/ipv4/vs/sync_refresh_period=10
 0.000 sysctl -w net/ipv4/vs/sync_retries=1
 0.000 sysctl -w net/ipv4/vs/sync_threshold=0 0
`+daemons)
}

// takenOver expects a takeover with a sync daemon: to balance, then the address, and then, in any order, what can wait for it.
func takenOver(w *world) {
	w.t.Helper()
	lines := strings.Split(w.forget(), "\n")
	slices.Sort(lines[min(2, len(lines)):])
	want := []string{" 0.000 sysctl -w net/ipv4/vs/backup_only=0", " 0.000 ip addr add 192.0.2.10 dev eth0",
		" 0.000 announce 192.0.2.10 dev eth0", " 0.000 sysctl -w net/ipv4/vs/expire_nodest_conn=1"}
	if !slices.Equal(lines, want) {
		w.t.Errorf("taking over: done\n%s", strings.Join(lines, "\n"))
	}
}

// TestSyncDaemonsRunAllTheTime: both are started once, and only two settings follow the role.
func TestSyncDaemonsRunAllTheTime(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		w.wait(20 * time.Second)
		w.expect("standing by", ``)
		w.lead(1)
		takenOver(w)
		w.wait(20 * time.Second)
		w.forget()
		w.withdraw()
		w.expect("stepping down", `
 0.000 ip addr del 192.0.2.10 dev eth0
 0.000 sysctl -w net/ipv4/vs/backup_only=1
 0.000 sysctl -w net/ipv4/vs/expire_nodest_conn=0
`)
		w.lead(2)
		w.forget()
		w.know(4, synchronised(func(s *config.SyncDaemon) { s.ID = 8 }))
		w.expect("another id", `
 0.000 ipvsadm --stop-daemon master
 0.000 ipvsadm --start-daemon master --mcast-interface eth1 --syncid 8
 0.000 ipvsadm --stop-daemon backup
 0.000 ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 8
`)
		if err := w.table.Fake.Foreign(ipvs.Op{Verb: ipvs.StopDaemon, Daemon: ipvs.Daemon{Role: ipvs.Master}}); err != nil {
			t.Fatal(err)
		}
		w.ring()
		w.expect("somebody stopped it", ` 0.000 ipvsadm --start-daemon master --mcast-interface eth1 --syncid 8`)
		w.check("somebody stopped it", "converged rev 4 web 192.0.2.10 present drift 1")
		if got := len(w.d.Status().Sync); got != 2 {
			t.Errorf("%d daemons in the status", got)
		}
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(w.forget(), "daemon"); got {
			t.Error("the end touched the daemons: what they know is lost then")
		}
	})
}

// TestSyncDaemonIsTakenBack: a standby's kernel must not stay under backup_only when nobody asks for daemons any more.
func TestSyncDaemonIsTakenBack(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		w.know(4, document(web("a", "b")))
		w.expect("none is wanted", `
 0.000 sysctl -w net/ipv4/vs/expire_nodest_conn=1
 0.000 ipvsadm --stop-daemon master
 0.000 ipvsadm --stop-daemon backup
 0.000 sysctl -w net/ipv4/vs/backup_only=0
`)
		w.wait(10 * time.Second)
		w.expect("and again", ``)
	})
}

// TestSyncDaemonFails: a router whose daemon does not run says so and is not fit while it stands by; nothing else is hindered.
func TestSyncDaemonFails(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.table.Lack("eth1")
		w.sys.put("net/ipv4/vs/backup_only", "1")
		for _, path := range []string{"sync_threshold", "sync_refresh_period", "sync_retries"} {
			w.sys.put("net/ipv4/vs/"+path, "")
		}
		w.start()
		running(w)
		w.know(3, synchronised(nil))
		const why = "ipvsadm --start-daemon master --mcast-interface eth1 --syncid 7: there is no device eth1: no such device"
		if s := w.d.Status(); len(s.Problems) != 2 || s.Problems[0].Why != why || len(s.Unfit) != 2 || s.Unfit[0] != "sync daemon: "+why {
			t.Errorf("standing by: problems %v, unfit %q", s.Problems, s.Unfit)
		}
		w.check("standing by", "converged rev 3")
		w.lead(1)
		w.wait(time.Minute)
		if s := w.d.Status(); len(s.Problems) != 2 || len(s.Unfit) != 0 {
			t.Errorf("directing: problems %v, unfit %q: a hand-over would break what the others do not know", s.Problems, s.Unfit)
		}
		w.check("directing", "converged rev 3 web 192.0.2.10 present")
		w.table.Lack()
		w.wait(restful)
		if s := w.d.Status(); len(s.Problems) != 0 || len(s.Sync) != 2 {
			t.Errorf("the device is there: problems %v, daemons %v", s.Problems, s.Sync)
		}
	})
}

func TestSyncDaemonWithoutItsInterface(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(3, synchronised(func(s *config.SyncDaemon) { s.Interface = "inside" }))
		got := w.d.Status().Unfit
		if want := `sync daemon: this router does not know interface "inside"`; len(got) != 1 || got[0] != want {
			t.Errorf("unfit %q, want %q", got, want)
		}
	})
}

// TestNothingIsHeldUnderBackupOnly: an address on a kernel that balances nothing would have every connection reset.
func TestNothingIsHeldUnderBackupOnly(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		w.sys.mu.Lock()
		w.sys.locked = true
		w.sys.mu.Unlock()
		w.lead(1)
		w.expect("taking over", ``)
		if s := w.d.Status(); s.Failing == 0 || len(s.Held) != 1 || s.Held[0].Present {
			t.Errorf("%+v", s)
		}
		w.sys.mu.Lock()
		w.sys.locked = false
		w.sys.mu.Unlock()
		w.wait(restful)
		if s := w.d.Status(); s.Failing != 0 || !s.Held[0].Present {
			t.Errorf("when it can be written again: %+v", s)
		}
	})
}

// TestReturningRouterListensFirst: it is not fit until it knows the connections of those who directed while it was away.
func TestReturningRouterListensFirst(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		expect := func(when string, want ...string) {
			t.Helper()
			if got := strings.Join(w.d.Status().Unfit, "; "); got != strings.Join(want, "; ") {
				t.Errorf("%s: unfit %q, want %q", when, got, want)
			}
		}
		expect("just started", Learning)
		w.wait(learning - time.Second)
		expect("a second before", Learning)
		w.wait(restful)
		expect("it has listened")

		w.change(func() { w.state.OtherLeads = false })
		w.wait(deafness / 2)
		w.change(func() { w.state.OtherLeads = true })
		expect("after an election")
		w.change(func() { w.state.OtherLeads = false })
		w.wait(time.Minute)
		w.change(func() { w.state.OtherLeads = true })
		expect("after a minute alone", Learning)
		w.wait(learning + restful)
		expect("it has listened again")

		w.edge.SetLink(vip.Link{Name: "eth1", Index: 3})
		w.wait(time.Minute)
		expect("its cable is pulled", "link eth1: is down, and the way to 2 servers", "link eth1 of the sync daemon is down")
		w.edge.SetLink(vip.Link{Name: "eth1", Index: 3, Up: true})
		w.wait(0)
		expect("its cable is back", Learning)

		w.wait(learning + restful)
		w.forget()
		w.edge.SetLink(vip.Link{Name: "eth1", Index: 9, Up: true})
		w.edge.SetLink(vip.Link{Name: "gone", Index: 3, Up: true})
		w.wait(0)
		expect("its device was made anew", Learning)
		w.expect("its device was made anew", ` 0.000 ipvsadm --stop-daemon master
 0.000 ipvsadm --stop-daemon backup
`+daemons)

		w.lead(1)
		expect("directing: it has the connections itself")
		w.wait(learning)
		w.withdraw()
		expect("it has directed")
	})
}

// TestForeseeTellsOfTheDaemons: a plan names what would be started and stopped.
func TestForeseeTellsOfTheDaemons(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		listening(w)
		next := w.state
		next.Document = document(web("a", "b"))
		f, err := w.d.Foresee(w.state, next)
		if err != nil || len(f.Drift) != 0 || len(f.Steps) != 2 || f.Steps[0].Verb != ipvs.StopDaemon {
			t.Errorf("drift %v, steps %v (%v)", f.Drift, f.Steps, err)
		}
	})
}

// TestSyncDaemonsOutliveUnreadLinks: a process that could not read the links yet has no reason to stop what its predecessor started.
func TestSyncDaemonsOutliveUnreadLinks(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		for _, role := range []ipvs.DaemonRole{ipvs.Master, ipvs.Backup} {
			if err := w.table.Foreign(ipvs.Op{Verb: ipvs.StartDaemon, Daemon: ipvs.Daemon{Role: role, Link: "eth1", ID: 7}}); err != nil {
				t.Fatal(err)
			}
		}
		w.edge.Before(func(c vip.Call) error {
			if c.Method == "Links" {
				return errBroken
			}
			return nil
		})
		w.know(2, synchronised(nil))
		w.start()
		w.edge.Before(nil)
		w.wait(restful)
		if got := w.forget(); strings.Contains(got, "daemon") {
			t.Errorf("done\n%s", got)
		}
		if got := len(w.d.Status().Sync); got != 2 {
			t.Errorf("%d daemons run", got)
		}
	})
}
