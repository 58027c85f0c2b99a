package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"polso/api"
)

// The profile changes under way, up and down, with writes on every router all the time: none fails, no two routers ever have the
// address, and a router that is away holds the change up until it is back.
func TestProfile(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	r1 := w.nodes[0]
	ctx := t.Context()
	up, down := "vm", "lan"
	if testProfile != "lan" {
		up, down = "wan", testProfile
	}
	w.gather(down)
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}}); err != nil {
		t.Fatal(err)
	}
	st := r1.status("three voters", settled(3, 2))
	_, err := r1.client.SetProfile(ctx, api.ProfileRequest{Profile: "turbo"})
	refused(t, "an unknown profile", err, api.CodeInvalid, "fast, lan, vm and wan are known", "polso profile show")

	// One router is away: the others apply the change, and it goes no further.
	away := w.nodes[2]
	if st.Active == away.name {
		away = w.nodes[1]
	}
	away.halt()
	if _, err := r1.client.SetProfile(ctx, api.ProfileRequest{Profile: up}); err != nil {
		t.Fatal(err)
	}
	waits := func(st api.Status) error {
		c := st.ProfileChange
		if st.Profile != down || c == nil || c.To != up || c.Step != "both" || !slices.Equal(c.Waiting, []string{away.name}) {
			return fmt.Errorf("profile %s, change %+v", st.Profile, c)
		}
		return nil
	}
	r1.status("it waits for "+away.name, waits)
	time.Sleep(2 * fresh) // time in which it must not move on
	r1.status("it waits still", waits)
	_, err = r1.client.SetProfile(ctx, api.ProfileRequest{Profile: "fast"})
	refused(t, "a third profile", err, api.CodeConflict, "is under way", "polso profile set "+down)
	away.start()
	is := func(profile string) func(api.Status) error {
		return func(st api.Status) error {
			if st.Profile != profile || st.ProfileChange != nil {
				return fmt.Errorf("profile %s, change %+v, members %+v", st.Profile, st.ProfileChange, st.Members)
			}
			for _, m := range st.Members {
				if m.Timing == nil || m.Timing.Lease != profile || m.Timing.Promise != profile || m.Timing.Restart {
					return fmt.Errorf("%s applies %+v", m.Name, m.Timing)
				}
			}
			return settled(3, 2)(st)
		}
	}
	r1.status("the profile is "+up, is(up))

	// All there, and writes on each all the time.
	term := r1.status("before", settled(3, 2)).Term
	written := w.writing()
	if _, err := r1.client.SetProfile(ctx, api.ProfileRequest{Profile: down}); err != nil {
		t.Fatal(err)
	}
	st = r1.status("the profile is "+down, is(down))
	n, failed := written()
	t.Logf("%d writes, terms %d to %d", n, term, st.Term)
	if len(failed) > 0 {
		t.Errorf("%d writes, failed: %v", n, failed)
	}

	// Taken back half way, and what a router applies outlives its agent.
	away.halt()
	for _, p := range []string{up, down} {
		if _, err := r1.client.SetProfile(ctx, api.ProfileRequest{Profile: p}); err != nil {
			t.Fatal(err)
		}
	}
	r1.status("it stays", func(st api.Status) error {
		if st.Profile != down || st.ProfileChange != nil {
			return fmt.Errorf("profile %s, change %+v", st.Profile, st.ProfileChange)
		}
		return nil
	})
	away.start()
	r1.status("the profile is "+down, is(down))
}

// writing has every router write all the time, until twenty writes after the function that it returns is called; that says how many
// there were and which failed.
func (w *network) writing() (end func() (n int, failed []error)) {
	ctx, stop := context.WithCancel(w.t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex // guards the two
	n, failed := 0, []error(nil)
	for _, r := range w.nodes {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				// Each write is an entry of its own, and the document stays revision 2.
				_, err := r.client.Apply(context.WithoutCancel(ctx), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}})
				mu.Lock()
				n++
				if err != nil {
					failed = append(failed, fmt.Errorf("%s, write %d: %w", r.name, i, err))
				}
				mu.Unlock()
				select {
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	return func() (int, []error) {
		mu.Lock()
		enough := n + 20
		mu.Unlock()
		w.eventually("twenty writes more", func() error {
			mu.Lock()
			defer mu.Unlock()
			if n < enough {
				return fmt.Errorf("%d of %d", n, enough)
			}
			return nil
		})
		stop()
		all.Wait()
		return n, failed
	}
}
