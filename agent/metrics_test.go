package agent

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polso/api"
)

// A router that directs says so to Prometheus, on the socket.
func TestMetricsOfADirector(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	socket, ended := filepath.Join(t.TempDir(), "s"), make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{Name: "r1", Dev: true, Socket: socket, Version: api.Version{Version: "test"}})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	var text string
	err := waitUpTo(ctx, 20*time.Second, func() bool {
		resp, err := client.Get("http://polso" + metricsPath)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		text = string(b)
		return err == nil && strings.Contains(text, "\npolso_director 1\n") && strings.Contains(text, "\npolso_converged 1\n") &&
			!strings.Contains(text, "\npolso_pass_seconds_count 0\n")
	})
	if err != nil || !strings.Contains(text, "\npolso_takeovers_total 1\n") || !strings.Contains(text, `polso_build_info{commit="",go="",version="test"} 1`) {
		t.Errorf("%v:\n%s", err, text)
	}
}
