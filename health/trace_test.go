package health

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// traced asks t and returns what was said of the steps, a line each.
func traced(t *testing.T, at netip.AddrPort, check config.Check) (Result, []string) {
	t.Helper()
	check.Timeout = 10 * time.Second
	var steps []string
	var last time.Duration
	ask := Traced(nil, nil, func(s Step) {
		if s.At < last {
			t.Errorf("%s at %s is before %s", s.What, s.At, last)
		}
		last = s.At
		line := s.What
		if strings.HasPrefix(line, "connected ") {
			if want := " to " + at.String(); !strings.HasSuffix(line, want) {
				t.Errorf("%q has no %q", line, want)
			}
			line = "connected"
		}
		if len(s.Bytes) > 0 {
			line = fmt.Sprintf("%s %q", line, s.Bytes)
		}
		steps = append(steps, line)
	})
	result := ask(t.Context(), Target{Addr: at, Check: check})
	return result, steps
}

func TestTraceOfTCP(t *testing.T) {
	result, steps := traced(t, listen(t, "tcp4", "127.0.0.1:0"), config.Check{Kind: config.CheckTCP})
	if want := []string{"connected", "closed"}; !result.OK || !slices.Equal(steps, want) {
		t.Errorf("got %+v\n%q\nwant %q", result, steps, want)
	}
	if _, steps := traced(t, closed(t), config.Check{Kind: config.CheckTCP}); len(steps) != 0 {
		t.Errorf("got %q of a connection that was refused", steps)
	}
}

func TestTraceOfHTTP(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	result, steps := traced(t, at, config.Check{Kind: config.CheckHTTP, Path: "/x"})
	all := strings.Join(steps, "\n")
	for _, want := range []string{`sent "GET /x HTTP/1.1\r\nHost: `, `received "HTTP/1.1 200 OK\r\n`, "\nclosed"} {
		if !result.OK || !strings.Contains(all, want) {
			t.Errorf("got %+v\n%s\nwhich lacks %s", result, all, want)
		}
	}
}
