package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polso/api"
	"polso/config"
	"polso/health"
	"polso/vip"
)

// Each kind, passing and failing, in the words that people read.
func TestWhatARouterAsksItself(t *testing.T) {
	dir := t.TempDir()
	there, gone := filepath.Join(dir, "there"), filepath.Join(dir, "gone")
	if err := os.WriteFile(there, []byte("ready=yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe") // whose opening waits for somebody who writes
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	links := linkOf(func() (vip.Links, error) { return vip.Links{{Name: "eth0", Up: true}, {Name: "eth1"}}, nil },
		map[string]string{"outside": "eth0", "inside": "eth1", "gone": "eth9"})
	probe := func(_ context.Context, t health.Target) health.Result {
		switch {
		case t.Check.Kind == config.CheckICMP:
			return health.Result{OK: t.Addr.Addr() == netip.MustParseAddr("192.0.2.1"), Reason: "icmp: " + t.Addr.Addr().String()}
		case t.Check.Command[0] == "/two": // as with keepalived, a status of 2 is up, with a word on the weight
			return health.Result{OK: true, Reason: "script: exit 2", Advice: health.Advice{Kind: health.Absolute}}
		}
		return health.Result{OK: t.Check.User == "nobody", Reason: "script: " + t.Check.Command[0]}
	}
	r := newRouterChecks(nil, probe, links, slog.New(slog.DiscardHandler))
	view := func(c config.RouterCheck) health.Status {
		t.Helper()
		c.Every, c.Timeout, c.Rise, c.Fall = 10*time.Millisecond, 10*time.Millisecond, 1, 1
		target := selfTarget(c)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r.set.Set([]health.Target{target})
		ended := make(chan error, 1)
		set := r.set
		go func() { ended <- set.Run(ctx) }()
		defer func() { cancel(); <-ended; r = newRouterChecks(nil, probe, links, slog.New(slog.DiscardHandler)) }()
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if st := set.View()[target.Key()]; st.State != health.Unknown {
				return st
			}
		}
		t.Fatalf("%s: no verdict", c.Asks())
		return health.Status{}
	}
	for _, tt := range []struct {
		check config.RouterCheck
		want  health.State
		why   string
	}{
		{config.RouterCheck{File: there}, health.Up, "file: " + there + " is there"},
		{config.RouterCheck{File: gone}, health.Down, "file: " + gone + " is not there"},
		{config.RouterCheck{File: there, Contains: "ready=yes"}, health.Up, "file: " + there + ` holds "ready=yes"`},
		{config.RouterCheck{File: there, Contains: "ready=no"}, health.Down, "file: " + there + ` does not hold "ready=no"`},
		{config.RouterCheck{File: dir, Contains: "x"}, health.Down, "file: " + dir + " is no file that can be read"},
		{config.RouterCheck{File: pipe}, health.Up, "file: " + pipe + " is there"},
		{config.RouterCheck{File: pipe, Contains: "x"}, health.Down, "file: " + pipe + " is no file that can be read"},
		{config.RouterCheck{File: there, Absent: true}, health.Down, "file: " + there + " is there"},
		{config.RouterCheck{File: gone, Absent: true}, health.Up, "file: " + gone + " is not there"},
		{config.RouterCheck{File: there, Contains: "no", Absent: true}, health.Up, "file: " + there + ` does not hold "no"`},
		{config.RouterCheck{Interface: "outside"}, health.Up, "interface: eth0 is up"},
		{config.RouterCheck{Interface: "inside"}, health.Down, "interface: eth1 is down"},
		{config.RouterCheck{Interface: "gone"}, health.Down, "interface: there is no device eth9"},
		{config.RouterCheck{Interface: "dmz"}, health.Down, `interface: this router maps "dmz" to no device`},
		{config.RouterCheck{Ping: netip.MustParseAddr("192.0.2.1")}, health.Up, "icmp: 192.0.2.1"},
		{config.RouterCheck{Ping: netip.MustParseAddr("192.0.2.2")}, health.Down, "icmp: 192.0.2.2"},
		{config.RouterCheck{Command: []string{"/one"}, User: "nobody"}, health.Up, "script: /one"},
		{config.RouterCheck{Command: []string{"/one"}, User: "bob"}, health.Down, "script: /one"},
		{config.RouterCheck{Command: []string{"/two"}, User: "nobody"}, health.Down, "script: exit 2"},
	} {
		if st := view(tt.check); st.State != tt.want || st.Reason != tt.why {
			t.Errorf("%s: %v, %q; want %v, %q", tt.check.Asks(), st.State, st.Reason, tt.want, tt.why)
		}
	}
}

// A director whose own check fails hands over, by fitness or by a smaller penalty, and status, doctor and log say why. A check of some
// routers is asked there alone.
func TestRouterCheckMovesTheLead(t *testing.T) {
	w := newNetwork(t, 3)
	flags := func(r string) string { return filepath.Join(w.dir, "flag-"+r) }
	var text strings.Builder
	text.WriteString(edgeHCL)
	for _, r := range w.nodes {
		fmt.Fprintf(&text, "router_check \"fatal-%s\" {\n  file    = %q\n  absent  = true\n  every   = \"100ms\"\n  fall    = 1\n  rise    = 1\n  routers = [%q]\n}\n", r.name, flags(r.name), r.name)
		fmt.Fprintf(&text, "router_check \"light-%s\" {\n  file    = %q\n  absent  = true\n  every   = \"100ms\"\n  fall    = 1\n  rise    = 1\n  penalty = 10\n  routers = [%q]\n}\n", r.name, flags(r.name)+"-light", r.name)
	}
	w.gather(testProfile)
	if _, err := w.nodes[0].client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: text.String()}}}); err != nil {
		t.Fatal(err)
	}
	asked := func(st api.Status) error {
		if err := settled(3, 2)(st); err != nil {
			return err
		}
		for _, m := range st.Members {
			if len(m.Checks) != 2 || m.Checks[0].State != "up" {
				return fmt.Errorf("%s asks %+v", m.Name, m.Checks)
			}
		}
		return nil
	}
	st := w.nodes[0].status("all ask themselves", asked)
	for _, m := range st.Members {
		if m.Checks[0].Name != "fatal-"+m.Name || m.Checks[1].Name != "light-"+m.Name {
			t.Errorf("%s asks %+v", m.Name, m.Checks)
		}
	}
	for _, kind := range []string{"", "-light"} {
		old := w.router(st.Active)
		if err := os.WriteFile(flags(old.name)+kind, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		st = w.nodes[0].status("another directs", func(st api.Status) error {
			if st.Active == old.name || st.Active == "" {
				return errors.New("active " + st.Active)
			}
			for _, m := range st.Members {
				if m.Name == old.name && len(m.Unfit) == 0 && m.Penalty == 0 {
					return fmt.Errorf("%+v", m)
				}
			}
			return nil
		})
		t.Logf("%s%s: %s handed over to %s after %v: %s", "flag", kind, old.name, st.Active, time.Since(began).Round(time.Millisecond), st.LastFailover.Reason)
		want := "router_check fatal-" + old.name + ": file: "
		if kind != "" {
			want = "has a penalty of 0, this router of 10"
		}
		if !strings.Contains(st.LastFailover.Reason, want) {
			t.Errorf("reason %q, want %q in it", st.LastFailover.Reason, want)
		}
		found, err := old.client.Doctor(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, f := range found.Findings {
			if strings.HasPrefix(f.Name, "router_check ") {
				said += f.Level + " "
			}
		}
		if said != "fail ok " {
			t.Errorf("doctor says %q of the checks: %+v", said, found.Findings)
		}
		if log := old.log.tail(2000); !strings.Contains(log, "router_check fails") {
			t.Errorf("%s did not log it", old.name)
		}
		if _, err := w.nodes[0].client.Transfer(t.Context(), api.TransferRequest{To: old.name}); kind != "" &&
			(api.CodeOf(err) != api.CodeRefused || !strings.Contains(err.Error(), "it stands back by 10")) {
			t.Errorf("a switchover to who would hand the lead back: %v", err)
		}
		if err := os.Remove(flags(old.name) + kind); err != nil {
			t.Fatal(err)
		}
		st = w.nodes[0].status("it passes again", asked)
	}
}
