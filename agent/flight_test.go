package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polso/consensus"
	"polso/consensus/lease"
)

// A slow takeover leaves a recording whose name is in the log; one that is not slow, and a second one soon after, leave none.
func TestFlight(t *testing.T) {
	log := new(logBuffer)
	f := newFlight(t.TempDir(), slog.New(slog.NewTextHandler(log, nil)))
	f.wait = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.run(ctx) }()
	defer func() { cancel(); <-ended }()

	f.tookOver(slowTakeover(400*time.Millisecond), 400*time.Millisecond) // at the bound: not slow
	f.tookOver(3*time.Second, 400*time.Millisecond)
	var names []string
	if err := waitUpTo(ctx, patience, func() bool {
		names, _ = flights(f.dir)
		return len(names) > 0 && strings.Contains(log.tail(10), "look=")
	}); err != nil {
		t.Fatalf("%v\n%s", err, log.tail(10))
	}
	path := filepath.Join(f.dir, names[0])
	text, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(text, []byte("go 1.")) {
		t.Errorf("%.20q, %v", text, err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Error(i.Mode(), err)
	}
	if said := log.tail(10); strings.Count(said, "level=WARN") != 1 || !strings.Contains(said, `took=3s file=`+path+` look="go tool trace `+path+`"`) {
		t.Error(said)
	}
	f.tookOver(3*time.Second, 400*time.Millisecond)
	if err := waitUpTo(ctx, patience, func() bool { return len(f.slow) == 0 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	ended <- nil
	if names, err = flights(f.dir); err != nil || len(names) != 1 {
		t.Error(names, err)
	}
}

// Old recordings make room.
func TestFlightsKept(t *testing.T) {
	f := newFlight(t.TempDir(), slog.New(slog.DiscardHandler))
	f.wait = time.Millisecond
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := os.WriteFile(filepath.Join(f.dir, flightName(time.Unix(int64(i), 0))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(f.dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.run(ctx) }()
	defer func() { cancel(); <-ended }()
	f.tookOver(time.Minute, time.Second)
	if err := waitUpTo(ctx, patience, func() bool {
		names, err := flights(f.dir)
		return err == nil && len(names) == flightsKept && names[0] == flightName(time.Unix(3, 0))
	}); err != nil {
		names, _ := flights(f.dir)
		t.Fatal(err, names)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "mine")); err != nil {
		t.Error(err)
	}
}

// A router that takes the lead tells its recorder how long that took, as it is elected and when all is done, and polso debug has the
// recordings. Without a recorder nothing happens.
func TestFlightOfARouter(t *testing.T) {
	t.Parallel()
	lead := func(b *body) {
		b.consensusOptions(b.member, nil, nil, nil, nil, nil).Lead(consensus.Taking{Term: 9, Reason: consensus.Lost, Took: time.Minute})
	}
	explain := func(b *body) {
		role, long := b.role(), lease.Instant(sinceBoot()-time.Minute)
		b.member.takeover.begins(consensus.Taking{Term: role.Term, From: "r0", Reason: consensus.Lost, Sign: long, Stood: long, Elected: long})
		b.member.takeover.leads(role)
		b.explain(b.member)
	}
	for _, test := range []struct {
		name     string
		recorded bool
		slow     func(*body)
	}{{"elected", true, lead}, {"explained", true, explain}, {"elected, not recorded", false, lead}} {
		t.Run(test.name, func(t *testing.T) {
			w := newNetwork(t, 1)
			r1 := w.nodes[0]
			r1.flight = test.recorded
			w.gather("vm")
			a := r1.agent.Load()
			if (a.flight != nil) != test.recorded {
				t.Fatalf("recorder: %v", a.flight)
			}
			var kept []string
			w.eventually("what was slow is recorded, if it is", func() error {
				test.slow(a.current.Load())
				var err error
				if kept, err = flights(flightDir(r1.home())); err == nil && test.recorded && len(kept) == 0 {
					err = errors.New("no file")
				}
				return err
			})
			if !test.recorded && len(kept) > 0 {
				t.Fatal(kept)
			}
			inside, err := r1.client.Debug(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last := inside.Parts[len(inside.Parts)-1]
			if got := strings.HasPrefix(last.Name, "traces/takeover-"); got != test.recorded {
				t.Errorf("the last part is %s", last.Name)
			}
			if test.recorded && (last.Name != "traces/"+kept[0] || len(last.Data) == 0) {
				t.Errorf("%s has %d bytes, %s", last.Name, len(last.Data), last.Why)
			}
		})
	}
}
