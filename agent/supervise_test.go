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
	for i, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 256)
		n, err := l.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Fatalf("word %d: %q %v, want %q", i, b[:n], err, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
