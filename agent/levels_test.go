package agent

import (
	"fmt"
	"strings"
	"testing"

	"polso/api"
	"polso/config"
	"polso/fsm"
)

// laterHCL is edgeHCL with what a release of level 2 has brought, as far as this test is concerned.
var laterHCL = strings.Replace(edgeHCL, "  server ", "  hysteresis = 1\n  server ", 1)

// runsAs has a router that is halted begin with another build.
func (r *router) runsAs(version string, levels fsm.Levels) {
	r.version, r.levels = version, &levels
}

// TestLevels: what a release has brought is used once every member knows it, and from then on no member can be below it.
func TestLevels(t *testing.T) {
	t.Parallel()
	older, newer := fsm.Levels{}, fsm.Levels{Document: config.Since{"virtual.hysteresis": 2}}
	w := newNetwork(t, 3)
	for _, r := range w.nodes {
		r.runsAs("0.1.0", older)
	}
	w.form()
	ctx := t.Context()
	apply := func(r *router) error {
		_, err := r.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: laterHCL}}})
		return err
	}
	upgrade := func(r *router, version string, levels fsm.Levels) {
		r.halt()
		r.runsAs(version, levels)
		r.start()
	}
	leader := func() *router { return w.router(w.nodes[0].status("settled", settled(3, 2)).Leader) }

	first := leader()
	rest := w.others(first)
	upgrade(rest[0], "0.2.0", newer)
	leader()
	refused(t, "the leader is the older one", apply(rest[0]), api.CodeRefused,
		"virtual.hysteresis needs command level 2, and the router that leads does not know it", "polso upgrade status")
	upgrade(first, "0.2.0", newer) // hands over; the last one that is older may lead now
	if leader() == rest[1] {
		if _, err := rest[1].client.Transfer(ctx, api.TransferRequest{To: first.name}); err != nil {
			t.Fatal(err)
		}
		leader()
	}
	refused(t, "one is older", apply(rest[0]), api.CodeRefused, "virtual.hysteresis needs command level 2, and not every member knows it",
		rest[1].name+" runs 0.1.0, which knows level 1", "polso upgrade status")
	rest[1].halt()
	refused(t, "the older one is down", apply(rest[0]), api.CodeRefused, rest[1].name+" runs 0.1.0, which knows level 1")
	rest[1].runsAs("0.2.0", newer)
	rest[1].start()
	leader()
	if err := apply(rest[0]); err != nil {
		t.Fatalf("every member knows it: %v", err)
	}
	level := func(r *router, what string) {
		t.Helper()
		r.status(what, func(st api.Status) error {
			if err := settled(3, 3)(st); err != nil {
				return err
			}
			if st.Level != 2 || st.Members[0].Level != 2 || st.Members[2].Level != 2 {
				return fmt.Errorf("level %d is in use, of members %+v", st.Level, st.Members)
			}
			return nil
		})
	}
	level(first, "it is in use")

	// Who knows less can neither join nor come back.
	stranger := w.machine("r9")
	stranger.runsAs("0.1.0", older)
	w.strangers = append(w.strangers, stranger)
	stranger.start()
	token, err := first.client.CreateToken(ctx, api.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	join := func() error {
		_, err := stranger.client.Join(ctx, api.JoinRequest{Addresses: []string{first.listen}, Token: token.Text, Advertise: []string{stranger.listen}})
		return err
	}
	refused(t, "an older release joins", join(), api.CodeRefused, "r9 cannot join: this cluster uses command level 2, and it knows 1", "r9 runs 0.1.0", "polso upgrade status")

	back := w.others(leaderOf(w))[0]
	w.eventually("it is written down", func() error {
		if c, err := back.agent.Load().home.Cluster(); err != nil || c.Level != 2 || c.Release != "0.2.0" {
			return fmt.Errorf("%+v, %v", c, err)
		}
		return nil
	})
	upgrade(back, "0.1.0", older)
	l, err := back.client.Local(ctx)
	if err != nil || l.Health != api.Down || l.Cluster != "edge" || len(l.Problems) != 1 ||
		!strings.Contains(l.Problems[0].Why, "this release, 0.1.0, is too old for cluster edge: the cluster uses command level 2, and this release knows 1") ||
		!strings.Contains(l.Problems[0].Fix, "install 0.2.0 here") {
		t.Errorf("an older release has come back: %s, %+v, %v", l.Health, l.Problems, err)
	}
	_, err = back.client.Status(ctx)
	refused(t, "status of an older release", err, api.CodeRefused, "is too old for cluster edge", "install 0.2.0 here")
	upgrade(back, "0.2.0", newer)
	level(back, "it is back")
}

// leaderOf is the router that leads.
func leaderOf(w *network) *router {
	w.t.Helper()
	return w.router(w.nodes[0].status("a leader", func(st api.Status) error {
		if st.Leader == "" {
			return fmt.Errorf("nobody leads")
		}
		return nil
	}).Leader)
}

// TestJoiningAndRaising: a node of a lower level that is being admitted, and an entry that raises the level, do not pass each other.
func TestJoiningAndRaising(t *testing.T) {
	m := &member{id: "n1", state: fsm.New(fsm.Options{})}
	levels := fsm.Levels{Document: config.Since{"virtual.hysteresis": 2}}
	b := &body{a: &Agent{o: Options{levels: &levels}}}
	m.reports = newReports(b, m)
	need := fsm.Need{Level: 2, What: "virtual.hysteresis"}

	done, err := m.joins(application{ID: "n2", Name: "r2", Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "raised while an older one joins", b.raise(t.Context(), m, need), api.CodeRefused, "r2 runs 0.1.0, which knows level 1")
	done()
	if err := b.raise(t.Context(), m, need); err != nil {
		t.Errorf("nobody else is there: %v", err)
	}
	_, err = m.joins(application{ID: "n3", Name: "r3"})
	refused(t, "an older one joins while it is raised", err, api.CodeRefused, "r3 cannot join", "uses command level 2, and it knows 1")
	if done, err = m.joins(application{ID: "n4", Name: "r4", Version: "0.2.0", Level: 2}); err != nil {
		t.Errorf("one that knows it: %v", err)
	}
	done()
}

// TestNotEverywhere: a member that has said nothing does not count as knowing.
func TestNotEverywhere(t *testing.T) {
	need := fsm.Need{Level: 3, What: "virtual.zone"}
	e := notEverywhere(need, []runs{{"r1", "0.3.0", 3}, {"r2", "0.2.0", 2}, {"r3", "", 0}, {"r4", "", 1}})
	if want := "r2 runs 0.2.0, which knows level 2; r3 has not said what it runs; r4 runs a release before there were levels, which knows level 1"; e == nil || e.Detail != want {
		t.Errorf("got %+v, want %s", e, want)
	}
	if e := notEverywhere(need, []runs{{"r1", "0.3.0", 3}, {"r2", "0.4.0", 4}}); e != nil {
		t.Errorf("all know it: %v", e)
	}
}
