package health

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polso/config"
)

// TestTLSReadsNoPipe: reading a certificate from a pipe would wait for its writer, beyond the probe's timeout.
func TestTLSReadsNoPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ca.pem")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	at := handshakes(t, shows(newAuthority(t, "CA").sign(t, -time.Hour, time.Hour, "127.0.0.1")))
	check := config.Check{Kind: config.CheckTLS, Timeout: 20 * time.Second, CA: name}
	if got := ProbeFrom(nil, nil)(t.Context(), Target{Addr: at, Check: check}); got.OK || !strings.Contains(got.Reason, "is not a file") {
		t.Errorf("%+v, want the pipe refused", got)
	}
}
