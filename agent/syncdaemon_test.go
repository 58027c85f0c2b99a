package agent

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/director"
	"polso/ipvs"
	"polso/vip"
)

func TestSyncDaemonStatus(t *testing.T) {
	master, backup := ipvs.Daemon{Role: ipvs.Master, Link: "eth1", ID: 7}, ipvs.Daemon{Role: ipvs.Backup, Link: "eth1", ID: 7}
	for name, tt := range map[string]struct {
		status director.Status
		want   *api.SyncDaemon
	}{
		"none":     {director.Status{}, nil},
		"both":     {director.Status{Sync: []ipvs.Daemon{master, backup}}, &api.SyncDaemon{Interface: "eth1", ID: 7, Master: true, Backup: true, Ready: true}},
		"learning": {director.Status{Sync: []ipvs.Daemon{master, backup}, Unfit: []string{director.Learning}}, &api.SyncDaemon{Interface: "eth1", ID: 7, Master: true, Backup: true}},
		"one":      {director.Status{Sync: []ipvs.Daemon{master}}, &api.SyncDaemon{Interface: "eth1", ID: 7, Master: true}},
	} {
		if diff := cmp.Diff(tt.want, syncDaemon(&tt.status)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := lasting([]string{"a link is down", director.Learning}); len(got) != 1 || got[0] != "a link is down" {
		t.Errorf("a problem is what somebody has to do something about, not %q", got)
	}
}

// TestEmptyStopsTheSyncDaemons: who lets go of the table leaves nothing that tells of it.
func TestEmptyStopsTheSyncDaemons(t *testing.T) {
	table := foreignTable(t)
	for _, role := range []ipvs.DaemonRole{ipvs.Master, ipvs.Backup} {
		if err := table.Do(ipvs.Op{Verb: ipvs.StartDaemon, Daemon: ipvs.Daemon{Role: role, Link: "eth1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := empty(table); err != nil {
		t.Fatal(err)
	}
	left, err := table.Daemons()
	have, _, _ := table.Table()
	if err != nil || len(left) > 0 || len(have.Services) > 0 {
		t.Errorf("left: %v, %v (%v)", left, have, err)
	}
}

// TestUnrelay: a machine that serves what its table relays balances nothing while a sync daemon listens, and keeps what that was
// told of; without one the services go. A daemon is no reason to go with them.
func TestUnrelay(t *testing.T) {
	for _, listens := range []bool{false, true} {
		table, sys := new(ipvs.Fake), memSys{map[string]string{}}
		web := ipvs.Service{Key: ipvs.Key{Addr: netip.MustParseAddr("192.0.2.10"), Port: 80, Protocol: ipvs.TCP, Family: ipvs.IPv4}, Scheduler: "wlc"}
		ops := []ipvs.Op{{Verb: ipvs.AddService, Service: web},
			{Verb: ipvs.AddDestination, Service: web, Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("192.0.2.2:80"), Weight: 1, Forward: ipvs.Direct}}}
		role := ipvs.Master
		if listens {
			role = ipvs.Backup
		}
		ops = append(ops, ipvs.Op{Verb: ipvs.StartDaemon, Daemon: ipvs.Daemon{Role: role, Link: "eth1"}})
		if err := errors.Join(table.Batch(ops)...); err != nil {
			t.Fatal(err)
		}
		n, err := unrelay(table, sys, []vip.Placed{{Addr: netip.MustParseAddr("192.0.2.2")}})
		have, _, _ := table.Table()
		daemons, _ := table.Daemons()
		want := 1
		if listens {
			want = 0
		}
		if err != nil || n != want || len(have.Services) != 1-want || (sys.values[director.BackupOnly] == "1") != listens || len(daemons) != 1 {
			t.Errorf("it listens %v: removed %d, left %v, %v, %v (%v)", listens, n, have, sys.values, daemons, err)
		}
	}
}

// TestSysctlOfTwoNumbers: the kernel puts a tab where one writes a space, and must not be written to for it in every pass.
func TestSysctlOfTwoNumbers(t *testing.T) {
	p := procSys{t.TempDir()}
	if err := os.WriteFile(filepath.Join(p.root, "sync_threshold"), []byte("0\t0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Read("sync_threshold"); err != nil || got != "0 0" {
		t.Errorf("%q, %v", got, err)
	}
}
