package agent

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/config"
	"polso/health"
)

// A server is asked by the router that is named. What has no check is not asked.
func TestRunCheck(t *testing.T) {
	w := newNetwork(t, 3)
	w.form()
	r1 := w.nodes[0]
	got, err := r1.client.RunCheck(t.Context(), api.CheckRequest{On: "r2", Virtual: "web"})
	if err != nil {
		t.Fatal(err)
	}
	want := []api.CheckProbe{{Virtual: "web", Server: "a", Address: "10.9.0.21:80", State: "unchecked", Reason: "there is no check: it counts as up"},
		{Virtual: "web", Server: "b", Address: "10.9.0.22:80", State: "unchecked", Reason: "there is no check: it counts as up"}}
	if d := cmp.Diff(want, got.Results); d != "" || got.Node != "r2" {
		t.Errorf("by %s (-want +got):\n%s", got.Node, d)
	}
	if got, err := r1.client.RunCheck(t.Context(), api.CheckRequest{Virtual: "web", Server: "b"}); err != nil || got.Node != "r1" || len(got.Results) != 1 {
		t.Errorf("one server here: %+v, %v", got, err)
	}
	for _, r := range []api.CheckRequest{{Virtual: "nope"}, {Virtual: "web", Server: "z"}, {Virtual: "web", On: "r9"}} {
		if _, err := r1.client.RunCheck(t.Context(), r); api.CodeOf(err) != api.CodeNotFound {
			t.Errorf("%+v: %v, want not found", r, err)
		}
	}
}

// A probe tells what it got, and when it is asked for what passed, without secrets.
func TestProbeOnce(t *testing.T) {
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "s3cret") }))
	defer well.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	b := &body{local: &local{traced: func(note func(health.Step)) health.Prober { return health.Traced(nil, nil, note) }}}
	v := config.Virtual{Name: "web", Check: &config.Check{Kind: config.CheckHTTP, Every: time.Second, Timeout: time.Second, Rise: 1, Fall: 1, Path: "/", Status: []config.StatusRange{{From: 200, To: 299}}}}
	ask := func(server *httptest.Server, steps bool) (p api.CheckProbe) {
		s := config.Server{Name: "a", Address: netip.MustParseAddrPort(server.Listener.Addr().String())}
		b.probeOnce(t.Context(), v, s, steps, &p)
		return p
	}
	if p := ask(gone, true); p.State != "down" || !strings.Contains(p.Reason, "refused") {
		t.Errorf("a server that is gone: %+v", p)
	}
	if p := ask(well, false); p.State != "up" || p.Seconds <= 0 || !strings.HasPrefix(p.Reason, "http: 200 after ") || p.Steps != nil {
		t.Errorf("a server that is well: %+v", p)
	}
	var passed strings.Builder
	for _, s := range ask(well, true).Steps {
		passed.Write(s.Bytes)
	}
	if s := passed.String(); !strings.HasPrefix(s, "GET / HTTP/1.1\r\n") || !strings.Contains(s, "HTTP/1.1 200") || strings.Contains(s, "s3cret") {
		t.Errorf("what passed is %q", s)
	}
}

// A trace is bounded, and tells that it was.
func TestTraceIsBounded(t *testing.T) {
	var few, many, long trace
	few.note(health.Step{At: time.Millisecond, What: "sent", Bytes: []byte("PING")})
	if s := few.steps[0]; few.cut || s.At != 0.001 || s.What != "sent" || string(s.Bytes) != "PING" {
		t.Errorf("got %+v", few)
	}
	for range mostSteps + 1 {
		many.note(health.Step{What: "sent"})
	}
	if !many.cut || len(many.steps) != mostSteps {
		t.Errorf("%d steps, cut %v", len(many.steps), many.cut)
	}
	for range 3 {
		long.note(health.Step{Bytes: make([]byte, mostBytes/2+1)})
	}
	if !long.cut || long.bytes != mostBytes || len(long.steps) != 3 {
		t.Errorf("%d bytes in %d steps, cut %v", long.bytes, len(long.steps), long.cut)
	}
}

// No secret is in a trace, however it is spelt, and what is none is left.
func TestSecretsAreMasked(t *testing.T) {
	const open = "GET / HTTP/1.1\r\nHost: www\r\n"
	for _, name := range []string{"Authorization", "authorization", "Proxy-Authorization", "Cookie", "SET-COOKIE", "X-Api-Key", "Apikey", "X-Vault-Token", "PRIVATE-TOKEN", "X-Shared-Secret", "X-Hub-Signature"} {
		got := string(masked([]byte(open + name + ": s3cret=x; y\r\nX-Authorization-Is: open\r\n\r\nbody")))
		if want := open + name + ": (11 bytes)\r\nX-Authorization-Is: open\r\n\r\nbody"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got := masked([]byte(open)); string(got) != open {
		t.Errorf("got %q", got)
	}
	if got := string(masked([]byte("Authorization:tight"))); strings.Contains(got, "tight") {
		t.Errorf("got %q", got)
	}
	if masked(nil) != nil {
		t.Error("nothing became something")
	}
}
