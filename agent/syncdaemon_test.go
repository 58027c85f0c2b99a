package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/director"
	"polso/ipvs"
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
	if _, err := removeServices(table, every); err != nil {
		t.Fatal(err)
	}
	left, err := table.Daemons()
	have, _, _ := table.Table()
	if err != nil || len(left) > 0 || len(have.Services) > 0 {
		t.Errorf("left: %v, %v (%v)", left, have, err)
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
