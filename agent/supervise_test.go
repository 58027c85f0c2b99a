package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polso/api"
)

// TestSupervised: a supervisor hears that the node serves, and then that it lives.
func TestSupervised(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "300000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Name: "r1", Dev: true, Socket: filepath.Join(dir, "s"), Version: api.Version{Version: "test"}})
	}()
	heard := map[string]int{}
	for heard["READY=1"] < 1 || heard["WATCHDOG=1"] < 2 || heard["STATUS=directs dev, revision 1"] < 1 {
		if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 256)
		n, err := l.Read(b)
		if err != nil {
			t.Fatalf("%v; heard %v", err, heard)
		}
		heard[string(b[:n])]++
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStatusLine(t *testing.T) {
	for want, st := range map[string]api.Status{
		"belongs to no cluster: polso init, or polso join":                {},
		"directs edge, revision 42":                                       {Formed: true, Cluster: "edge", Revision: 42, Leader: "r1", Lease: api.Lease{Held: true}},
		"stands by in edge, which r1 directs, revision 42":                {Formed: true, Cluster: "edge", Revision: 42, Leader: "r1"},
		"votes in edge, which r1 leads, revision 42":                      {Formed: true, Cluster: "edge", Revision: 42, Leader: "r1", Kernel: "none"},
		"sees no leader in edge, revision 42; 2 problems: disk: full now": {Formed: true, Cluster: "edge", Revision: 42, Problems: []api.Problem{{What: "disk", Why: "full\nnow"}, {}}},
	} {
		if got := statusLine(st); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
