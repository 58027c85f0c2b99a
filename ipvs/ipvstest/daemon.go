package ipvstest

import (
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/ipvs"
)

// daemons starts, changes and stops the synchronisation daemons, and holds the edge to the kernel's answers.
func daemons(t *testing.T, e Edge) {
	master, backup := ipvs.Daemon{Role: ipvs.Master, Link: "lo", ID: 7}, ipvs.Daemon{Role: ipvs.Backup, Link: "lo", ID: 7}
	six := ipvs.Daemon{Role: ipvs.Backup, Link: "lo", Group: netip.MustParseAddr("ff02::81"), Port: 8850, TTL: 3, MaxLen: 9000}
	t.Cleanup(func() { run(t, e) })
	for _, tt := range []struct {
		name string
		want []ipvs.Daemon
		plan string
	}{
		{"one", []ipvs.Daemon{backup}, "--start-daemon backup --mcast-interface lo --syncid 7\n"},
		{"both, and the first untouched", []ipvs.Daemon{master, backup}, "--start-daemon master --mcast-interface lo --syncid 7\n"},
		{"everything said", []ipvs.Daemon{master, six}, "--stop-daemon backup\n" +
			"--start-daemon backup --mcast-interface lo --syncid 0 --sync-maxlen 9000 --mcast-port 8850 --mcast-ttl 3 --mcast-group ff02::81\n"},
		{"less said", []ipvs.Daemon{master, backup}, "--stop-daemon backup\n--start-daemon backup --mcast-interface lo --syncid 7\n"},
		{"none", nil, "--stop-daemon master\n--stop-daemon backup\n"},
		{"and again", []ipvs.Daemon{backup, master}, "--start-daemon master --mcast-interface lo --syncid 7\n--start-daemon backup --mcast-interface lo --syncid 7\n"},
	} {
		if diff := cmp.Diff(tt.plan, run(t, e, tt.want...)); diff != "" {
			t.Errorf("%s (-want +did):\n%s", tt.name, diff)
		}
	}
	for _, tt := range []struct {
		name string
		op   ipvs.Op
		is   error
		says string
	}{
		{"start one that runs", ipvs.Op{Verb: ipvs.StartDaemon, Daemon: master}, fs.ErrExist, "a master runs already"},
		{"start on no device", ipvs.Op{Verb: ipvs.StartDaemon, Daemon: ipvs.Daemon{Role: ipvs.Master, Link: "nosuch0"}}, syscall.ENODEV, "there is no device nosuch0"},
	} {
		if err := e.Do(tt.op); !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.is)
		}
	}
	run(t, e)
	stop := ipvs.Op{Verb: ipvs.StopDaemon, Daemon: ipvs.Daemon{Role: ipvs.Backup}}
	if err := e.Do(stop); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stop one that does not run: %v", err)
	}
}

// run makes the wanted daemons run, checks that they do, and returns the steps that it took.
func run(t *testing.T, e Edge, want ...ipvs.Daemon) string {
	t.Helper()
	now := func() []ipvs.Daemon {
		have, err := e.Daemons()
		if err != nil {
			t.Fatalf("daemons: %v", err)
		}
		return have
	}
	var steps strings.Builder
	ops := ipvs.PlanDaemons(want, now())
	for i, err := range e.Batch(ops) {
		steps.WriteString(ops[i].String() + "\n")
		if err != nil {
			t.Fatalf("do: %v", err)
		}
	}
	if again := ipvs.PlanDaemons(want, now()); len(again) != 0 {
		t.Fatalf("done twice, the second time does %v\nwant %v\nhave %v", again, want, now())
	}
	return steps.String()
}
