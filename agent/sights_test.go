package agent

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"polso/api"
	"polso/health"
)

const checkedHCL = `virtual "web" {
  address = "10.9.0.50"
  port    = 80
  forward = "dr"
  check "tcp" {
    every = "200ms"
    rise  = 1
    fall  = 2
  }
  server "a" {
    address = "10.9.0.21"
  }
  server "b" {
    address = "10.9.0.22"
  }
  server "c" {
    address = "10.9.0.23"
  }
  sorry_server "a" {
    address = "10.9.0.29"
  }
}
`

// eyes are what a router's probes come to.
type eyes struct {
	mu    sync.Mutex // guards below
	blind bool
	dead  map[netip.Addr]bool
}

func (e *eyes) probe(_ context.Context, t health.Target) health.Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.blind || e.dead[t.Addr.Addr()] {
		return health.Result{Reason: "tcp: no answer within 1s"}
	}
	return health.Result{OK: true, Reason: "tcp: connected after 1 ms"}
}

func (e *eyes) shut(blind bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blind = blind
}

func (e *eyes) kill(servers ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dead = make(map[netip.Addr]bool)
	for _, s := range servers {
		e.dead[netip.MustParseAddr(s)] = true
	}
}

// seeing makes a cluster of three routers whose servers are all up.
func seeing(t *testing.T) *network {
	t.Helper()
	w := newNetwork(t, 3)
	w.gather(testProfile)
	if _, err := w.nodes[0].client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: checkedHCL}}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.nodes {
		r.status("all follow and see", seesAll)
	}
	return w
}

func seesAll(st api.Status) error {
	if err := settled(3, 2)(st); err != nil {
		return err
	}
	for _, m := range st.Members {
		if m.Sees == nil || m.Sees.Up != 3 {
			return fmt.Errorf("%s sees %+v", m.Name, m.Sees)
		}
	}
	return nil
}

// pool is how many servers of web get connections by a router's kernel.
func (r *router) pool() (n int) {
	table, _, err := r.table.Table()
	if err != nil {
		r.net.t.Fatal(err)
	}
	for _, s := range table.Services {
		for _, d := range s.Destinations {
			if d.Weight > 0 {
				n++
			}
		}
	}
	return n
}

// A director that sees none of its servers, which the others see, hands over within seconds and says why; until then its pool
// stands. Blinded routers do not hand the lead round: the next one, blinded too, keeps it for a minute.
func TestBlindDirectorHandsOver(t *testing.T) {
	w := seeing(t)
	st := w.nodes[0].status("settled", settled(3, 2))
	old := w.router(st.Active)
	began := time.Now()
	old.eyes.shut(true)

	var said api.Problem
	after := w.others(old)[0].status("another directs", func(now api.Status) error {
		if now.Active == old.name || now.Active == "" {
			for _, p := range now.Problems {
				if p.What == "view" {
					said = p
				}
			}
			if n := old.pool(); n == 0 {
				t.Errorf("%s has emptied its pool", old.name)
			}
			return fmt.Errorf("active %q", now.Active)
		}
		return nil
	})
	took := time.Since(began)
	t.Logf("%s handed over to %s after %v", old.name, after.Active, took.Round(time.Millisecond))
	if f := after.LastFailover; f == nil || !strings.HasPrefix(f.Reason, "transfer: "+old.name+" sees 0 servers up, ") {
		t.Errorf("last failover %+v", f)
	}
	if old.pool() == 0 {
		t.Errorf("%s has emptied its pool", old.name)
	}
	if said.Node != old.name || !strings.HasPrefix(said.Why, old.name+" sees 0 servers up, ") || !strings.HasSuffix(said.Why, "; if that lasts it hands over to one that sees more") {
		t.Errorf("the problem before the hand-over: %+v", said)
	}

	differs := after.Virtuals[0].Servers[0].Views
	w.nodes[0].status("every router's view is shown", func(now api.Status) error {
		differs = now.Virtuals[0].Servers[0].Views
		if len(differs) != 3 {
			return fmt.Errorf("views %+v", differs)
		}
		if last := now.Virtuals[0].Servers[3]; !last.Sorry || last.Views != nil {
			t.Errorf("nobody probes the sorry server of the name: %+v", last)
		}
		return nil
	})
	for _, v := range differs {
		if want := map[bool]string{true: "down", false: "up"}[v.Router == old.name]; v.State != want || (v.Reason != "") != (v.State == "down") {
			t.Errorf("%s: %+v, want %s", v.Router, v, want)
		}
	}

	// It may not be given the lead back, and not on: who was handed it keeps it.
	next := w.router(after.Active)
	old.eyes.shut(false)
	w.nodes[0].status("all see again", seesAll)
	next.eyes.shut(true)
	still := time.After(6 * time.Second)
	for waiting := true; waiting; {
		select {
		case <-still:
			waiting = false
		case <-time.After(200 * time.Millisecond):
			now, err := old.client.Status(t.Context())
			if f := now.LastFailover; err == nil && f != nil && f.From == next.name && strings.HasPrefix(f.Reason, "transfer") { // an election is no hand-over
				t.Fatalf("%s directs: %+v; the lead goes round", now.Active, f)
			}
		}
	}
	if next.pool() == 0 {
		t.Errorf("%s has emptied its pool", next.name)
	}
}

// What each router sees reaches all the others by way of the leader, and what is old does not count.
func TestSightsReachEveryRouter(t *testing.T) {
	w := seeing(t)
	st := w.nodes[0].status("settled", settled(3, 2))
	body := func(r *router) *body { return r.agent.Load().current.Load() }
	leader := w.router(st.Active)
	others := w.others(leader)
	one, two := others[0], others[1]
	one.eyes.kill("10.9.0.21")
	w.eventually("the leader hears that one sees a server down", func() error {
		for _, s := range body(leader).others().Sights {
			if len(s.NotUp) == 1 && s.NotUp[0].Reason != "" {
				return nil
			}
		}
		return fmt.Errorf("%+v", body(leader).others())
	})
	if got := body(two).others(); len(got.Sights) > 0 {
		t.Errorf("nobody asked for it, and %s knows %+v", two.name, got)
	}
	w.eventually(two.name+" knows the others' two, the leader's among them", func() error { // told anew each time: they grow old within seconds
		body(leader).member.reports.spread(t.Context(), body(two).member.id)
		got := body(two).others()
		notUp := 0
		for _, s := range got.Sights {
			notUp += len(s.NotUp)
		}
		if len(got.Sights) != 2 || notUp != 1 || len(got.Director.Virtuals) != 1 || got.Director.Virtuals[0].Up != 3 {
			return fmt.Errorf("%s knows %+v", two.name, got)
		}
		return nil
	})
	w.eventually("it grows old", func() error {
		if got := body(two).others(); len(got.Sights) > 0 || len(got.Director.Virtuals) != 1 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
}
