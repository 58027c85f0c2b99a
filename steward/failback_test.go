package steward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"polso/fsm"
)

// says changes what a router says of itself.
func (w *world) says(id string, change func(*Report)) {
	w.change(func() {
		reports := maps.Clone(w.in.Reports)
		r := reports[id]
		change(&r)
		reports[id] = r
		w.in.Reports = reports
	})
}

// member changes what raft says of a member.
func (w *world) member(id string, change func(*Member)) {
	w.change(func() {
		members := append([]Member(nil), w.in.Members...)
		for i := range members {
			if members[i].ID == id {
				change(&members[i])
			}
		}
		w.in.Members = members
	})
}

// state changes the replicated state.
func (w *world) state(change func(*fsm.Snapshot)) {
	w.change(func() {
		state := *w.in.State
		change(&state)
		w.in.State = &state
	})
}

// What a minute of fitness without a break is: r1 leads, r2 is preferred.
func TestFailback(t *testing.T) {
	drain := fsm.Override{Target: "router/r2-name", Kind: fsm.Drain}
	tests := []struct {
		name   string
		r2     string
		script func(*world)
		want   string
	}{
		{"fit all the time", "converged", func(*world) {}, `
 60.0  hand back to r2
`},
		{"fit later", "", func(w *world) {
			time.Sleep(20500 * time.Millisecond)
			w.says("r2", func(r *Report) { r.Converged, r.Revision = true, 7 })
		}, `
 81.0  hand back to r2
`},
		{"a link that flaps every half minute", "converged", func(w *world) {
			for range 4 {
				time.Sleep(29500 * time.Millisecond)
				w.says("r2", down)
				time.Sleep(time.Second)
				w.says("r2", whole)
			}
		}, ``},
		{"one failing pass", "converged", func(w *world) {
			time.Sleep(29500 * time.Millisecond)
			w.says("r2", func(r *Report) { r.Failing = 1 })
			time.Sleep(time.Second)
			w.says("r2", whole)
		}, `
 91.0  hand back to r2
`},
		{"silent for a moment", "converged", func(w *world) {
			time.Sleep(29500 * time.Millisecond)
			w.member("r2", func(m *Member) { m.Reachable = false })
			time.Sleep(time.Second)
			w.member("r2", func(m *Member) { m.Reachable = true })
		}, `
 91.0  hand back to r2
`},
		{"restarted between two passes", "converged", func(w *world) {
			time.Sleep(29500 * time.Millisecond)
			w.says("r2", func(r *Report) { r.Started = now })
		}, `
 90.0  hand back to r2
`},
		{"drained, and taken back", "converged", func(w *world) {
			w.state(func(s *fsm.Snapshot) { s.Overrides = []fsm.Override{drain} })
			time.Sleep(40500 * time.Millisecond)
			w.state(func(s *fsm.Snapshot) { s.Overrides = nil })
		}, `
101.0  hand back to r2
`},
		{"following new documents all the time is no break", "converged", func(w *world) {
			time.Sleep(100 * time.Millisecond)
			for revision := range uint64(20) {
				time.Sleep(2500 * time.Millisecond)
				w.state(func(s *fsm.Snapshot) { s.Revision = 8 + revision })
				time.Sleep(2500 * time.Millisecond)
				w.says("r2", func(r *Report) { r.Revision, r.Undecided = 8+revision, []string{"web"} })
				time.Sleep(time.Second)
				w.says("r2", func(r *Report) { r.Undecided = nil })
			}
		}, `
 61.0  hand back to r2
`},
		{"but taking long to follow one is", "converged", func(w *world) {
			time.Sleep(29500 * time.Millisecond)
			w.state(func(s *fsm.Snapshot) { s.Revision = 8 })
			time.Sleep(12 * time.Second)
			w.says("r2", func(r *Report) { r.Revision = 8 })
		}, `
102.0  hand back to r2
`},
		{"the lead was lost meanwhile", "converged", func(w *world) {
			time.Sleep(29500 * time.Millisecond)
			w.change(func() { w.lead = false })
			time.Sleep(time.Second)
			w.change(func() { w.lead = true })
		}, `
 91.0  hand back to r2
`},
		{"turned off in time", "converged", func(w *world) {
			time.Sleep(29500 * time.Millisecond)
			w.state(func(s *fsm.Snapshot) { s.Document.Cluster.Failback = false })
		}, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{lead: true, stepDown: true, in: scene(t, "r1", "r1 voter converged | r2 voter "+tt.r2+" | r3 voter converged | prefer r2 | failback")}
			diff(t, tt.want, w.run(t, 130*time.Second, func(*Steward) { tt.script(w) }))
		})
	}
}

// A router that does not take the lead when asked has to be fit for a minute again, and longer from the third time on.
func TestFailbackFails(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter converged | r2 voter converged | prefer r2 | failback")}
	w.fail = map[string]error{"hand back to r2": errors.New("no")}
	diff(t, `
 60.0  hand back to r2: no
121.0  hand back to r2: no
242.0  hand back to r2: no
483.0  hand back to r2: no
964.0  hand back to r2: no
`, w.run(t, 1800*time.Second, quiet))
}

// cluster is routers r1 to r3 with a steward each, in virtual time: whoever is handed the lead has it.
type cluster struct {
	world
	leader string
	moves  []move
}

type move struct {
	at   time.Duration
	kind Kind
	to   string
}

// live runs the three stewards for d while script plays.
func (c *cluster) live(t *testing.T, d time.Duration, script func(context.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.begin = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		for _, id := range []string{"r1", "r2", "r3"} {
			s := New(Options{
				Log:  slog.New(slog.DiscardHandler),
				Lead: func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.leader == id },
				Inputs: func(context.Context) Inputs {
					c.mu.Lock()
					defer c.mu.Unlock()
					in := c.in
					in.Self, in.Now = id, now.Add(time.Since(c.begin))
					return in
				},
				Act: func(_ context.Context, a Action) error {
					c.change(func() {
						if c.leader == id && (a.Kind == HandOver || a.Kind == HandBack) {
							c.moves = append(c.moves, move{time.Since(c.begin), a.Kind, a.ID})
							c.leader = a.ID
						}
					})
					return nil
				},
			})
			go func() { _ = s.Run(ctx) }()
		}
		script(ctx)
		<-ctx.Done()
		synctest.Wait()
	})
}

// told is the moves as a diary.
func (c *cluster) told() string {
	var b strings.Builder
	for _, m := range c.moves {
		fmt.Fprintf(&b, "%6.1f  %s %s\n", m.at.Seconds(), m.kind, m.to)
	}
	return b.String()
}

// sleep waits in a script and reports whether the scenario goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func newCluster(t *testing.T, leader string) *cluster {
	return &cluster{leader: leader, world: world{in: scene(t, "r1", "r1 voter converged | r2 voter converged | r3 voter converged | prefer r1 r2 | failback")}}
}

// A router whose link goes as soon as it directs is handed the lead back ever more rarely.
func TestFailbackPingPong(t *testing.T) {
	c := newCluster(t, "r2")
	c.live(t, 20*time.Minute, func(ctx context.Context) {
		for wait := 500 * time.Millisecond; sleep(ctx, wait); wait = time.Second {
			var directs bool
			c.change(func() { directs = c.leader == "r1" })
			c.says("r1", map[bool]func(*Report){true: down, false: whole}[directs])
		}
	})
	diff(t, `
  60.0  hand back to r1
  63.0  hand over to r2
 124.0  hand back to r1
 127.0  hand over to r2
 248.0  hand back to r1
 251.0  hand over to r2
 492.0  hand back to r1
 495.0  hand over to r2
 976.0  hand back to r1
 979.0  hand over to r2
`, c.told())
}

// TestFailbackFlapping: whatever flaps, however fast, there is at most one handing back a minute, to somebody who was fit at that
// moment and is preferred to who leads; and when all is well the preferred router has the lead in the end.
func TestFailbackFlapping(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		c := newCluster(t, "r3")
		c.live(t, 2*time.Hour, func(ctx context.Context) {
			for time.Since(c.begin) < 45*time.Minute && sleep(ctx, time.Duration(random.ExpFloat64()*float64(time.Duration(1+seed)*2*time.Second))) {
				id := []string{"r1", "r2", "r3"}[random.IntN(3)]
				switch random.IntN(4) {
				case 0:
					c.says(id, down)
				case 1:
					c.says(id, stuck)
				case 2:
					c.says(id, func(r *Report) { r.Converged = !r.Converged })
				default:
					c.says(id, func(r *Report) { *r = Report{Revision: 7, Converged: true} })
				}
			}
			for _, id := range []string{"r1", "r2", "r3"} {
				c.says(id, func(r *Report) { *r = Report{Revision: 7, Converged: true} })
			}
		})
		last := -time.Minute
		for _, m := range c.moves {
			if m.kind != HandBack {
				continue
			}
			if m.at-last < time.Minute || m.to == "r3" {
				t.Errorf("seed %d: hand back to %s at %s, the one before at %s", seed, m.to, m.at, last)
			}
			last = m.at
		}
		if c.leader != "r1" {
			t.Errorf("seed %d: %s leads in the end:\n%s", seed, c.leader, c.told())
		}
	}
}
