package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"polso/api"
	"polso/consensus/store"
	"polso/fsm"
)

// leaderless waits until r knows no leader and has nothing up.
func (r *router) leaderless() {
	r.net.t.Helper()
	r.net.eventually(r.name+" knows no leader", func() error {
		l, err := r.client.Local(r.net.t.Context())
		if err != nil || l.Leader != "" || r.holds(webVIP) {
			return fmt.Errorf("leader %q, holds %v, %v", l.Leader, r.holds(webVIP), err)
		}
		return nil
	})
}

// Most are lost for ever: the last one goes on, with everything but the others and the tokens; they are refused, know why, and
// come back under their old names.
func TestRecover(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 4)
	made := w.form()
	r1, r2, r3, r4 := w.nodes[0], w.nodes[1], w.nodes[2], w.nodes[3]
	ctx := t.Context()
	before := r1.status("before", settled(4, 2))
	edge := api.RecoverRequest{Cluster: "edge"}

	_, err := r1.client.Recover(ctx, edge)
	refused(t, "recover a cluster that is well", err, api.CodeRefused, "cluster edge has a leader", "polso remove router")
	r4.halt()
	r3.halt()
	r1.leaderless()
	_, err = r1.client.Recover(ctx, edge)
	refused(t, "recover while another lives", err, api.CodeRefused, "r2 answers", "stop the agent there")
	r2.halt()
	_, err = r1.client.Recover(ctx, api.RecoverRequest{Cluster: "polso"})
	refused(t, "recover another cluster", err, api.CodeInvalid, `of cluster edge, not "polso"`)
	r1.leaderless()

	done, err := r1.client.Recover(ctx, edge)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(done.GivenUp)
	if done.Cluster != "edge" || done.Node != "r1" || done.Generation != 2 || done.Revision != 2 || fmt.Sprint(done.GivenUp) != "[r2 r3 r4]" ||
		len(done.Addresses) != 1 || done.Addresses[0] != r1.listen || done.Token == "" {
		t.Errorf("recovered: %+v", done)
	}
	st := r1.status("it goes on alone", settled(1, 2))
	if st.Members[0].ID != memberNamed(t, before, "r1").ID || w.holder(webVIP) != "r1" {
		t.Errorf("members %+v, holder %q", st.Members, w.holder(webVIP))
	}
	if h, err := r1.client.History(ctx, 9); err != nil || len(h) != 2 || h[0].Message != "first" {
		t.Errorf("history %+v, %v", h, err)
	}
	if tokens, err := r1.client.Tokens(ctx); err != nil || len(tokens) != 1 {
		t.Errorf("tokens %+v, %v; want the new one alone", tokens, err)
	}
	_, err = w.stranger("n1").client.Join(ctx, api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: []string{"127.0.0.1:1"}})
	refused(t, "join with a token of before", err, api.CodeDenied, "of another cluster")
	text, err := r1.client.Snapshot(ctx)
	if err != nil || !strings.Contains(string(text), "generation 2 begins with r1 alone; given up: r2, r3, r4") {
		t.Errorf("the audit does not tell: %v", err)
	}
	r1.halt()
	r1.start()
	r1.status("after a restart", settled(1, 2))
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: strings.Replace(edgeHCL, "10.9.0.21", "10.9.0.29", 1)}}}); err != nil {
		t.Fatal(err)
	}

	// An old member comes back.
	r2.start()
	w.eventually("r2 knows what happened", func() error {
		l, err := r2.client.Local(ctx)
		if err != nil || len(l.Problems) == 0 || !strings.Contains(l.Problems[0].Why, "recovered without this router") || !strings.Contains(l.Problems[0].Fix, "polso rejoin") {
			return fmt.Errorf("%+v, %v", l.Problems, err)
		}
		return nil
	})
	_, err = r2.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}})
	refused(t, "a write to an old member", err, api.CodeRefused, "recovered without this router", "polso rejoin")
	_, err = r2.client.Recover(ctx, edge)
	refused(t, "recover a second time elsewhere", err, api.CodeRefused, "recovered without this router")
	r1.status("nobody was taken back", settled(1, 3))

	// They come back under their old names, one beside its old data, one that was away.
	for _, r := range []*router{r2, r3} {
		if r.stop == nil {
			r.start()
			w.eventually(r.name+" knows what happened", func() error {
				if l, err := r.client.Local(ctx); err != nil || len(l.Problems) == 0 || !strings.Contains(l.Problems[0].Fix, "polso rejoin") {
					return fmt.Errorf("%+v, %v", l.Problems, err)
				}
				return nil
			})
		}
		ans, err := r.client.Rejoin(ctx, api.RejoinRequest{Addresses: done.Addresses, Token: done.Token})
		if err != nil || ans.Node != r.name || ans.Aside == "" {
			t.Fatalf("%s rejoins: %+v, %v", r.name, ans, err)
		}
	}
	st = r3.status("three again", settled(3, 3))
	for _, name := range []string{"r2", "r3"} {
		if memberNamed(t, st, name).ID == memberNamed(t, before, name).ID {
			t.Errorf("%s came back as what it was", name)
		}
	}
}

// A recovery that was interrupted is carried out at the next start, wherever it was. The survivor is the second of two, which
// never had a vote.
func TestRecoverInterrupted(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"decided", "the store is done"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			w := newNetwork(t, 2)
			w.form()
			r1, r2 := w.nodes[0], w.nodes[1]
			r1.halt()
			r2.halt()
			home, err := store.OpenHome(r2.home(), "r2")
			if err != nil {
				t.Fatal(err)
			}
			a := &Agent{o: r2.options(), log: slog.New(slog.DiscardHandler), home: home}
			next, err := a.nextGeneration(fsm.Actor{Kind: "local", Name: "root"})
			if err != nil {
				t.Fatal(err)
			}
			interrupted := errors.New("interrupted")
			if err := a.recover(next, func(*fsm.Snapshot) error { return interrupted }); !errors.Is(err, interrupted) {
				t.Fatalf("not begun: %v", err)
			}
			if err := home.BeginRecovery(next); err != nil {
				t.Fatal(err)
			}
			if stage != "decided" {
				id := home.Identity().ID
				logs, err := store.Open(store.Options{Dir: home.StoreDir(), Cluster: next.Cluster.ID, Node: id})
				if err != nil {
					t.Fatal(err)
				}
				var g fsm.Generation
				if err := errors.Join(json.Unmarshal(next.Note, &g), a.recoverStore(id, next.Cluster.Profile, logs, func(s *fsm.Snapshot) (*fsm.Snapshot, error) { return s.Recovered(g) }),
					logs.Close()); err != nil {
					t.Fatal(err)
				}
			}
			home.Close()
			r2.start()
			st := r2.status("it goes on alone", settled(1, 2))
			if st.Members[0].Name != "r2" || w.holder(webVIP) != "r2" {
				t.Errorf("members %+v, holder %q", st.Members, w.holder(webVIP))
			}
			if _, err := r2.client.CreateToken(t.Context(), api.TokenRequest{}); err != nil {
				t.Errorf("token: %v", err)
			}
		})
	}
}

// What speaks against a recovery stops it before anything is changed.
func TestRecoverRefusesWithoutState(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	w.form()
	r1 := w.nodes[0]
	r1.halt()
	home, err := store.OpenHome(r1.home(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{o: r1.options(), log: slog.New(slog.DiscardHandler), home: home}
	next, err := a.nextGeneration(fsm.Actor{Kind: "local", Name: "root"})
	if err != nil {
		t.Fatal(err)
	}
	var g fsm.Generation
	if err := json.Unmarshal(next.Note, &g); err != nil {
		t.Fatal(err)
	}
	g.Node = "n9"
	if next.Note, err = json.Marshal(g); err != nil {
		t.Fatal(err)
	}
	err = a.recover(next, func(*fsm.Snapshot) error { t.Error("it was begun"); return nil })
	if !errors.Is(err, fsm.ErrInvalid) {
		t.Errorf("for a node that is not in the state: %v, want ErrInvalid", err)
	}
	home.Close()
	r1.start()
	r1.status("as before", settled(1, 2))
}
