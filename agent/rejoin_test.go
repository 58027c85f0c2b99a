package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polso/api"
)

// unusable waits until r says that its data cannot be used, for that reason.
func (r *router) unusable(reason string) {
	t := r.net.t
	t.Helper()
	l, err := r.client.Local(t.Context())
	if err != nil || l.Health != api.Down || len(l.Problems) != 1 || l.Problems[0].What != "data" || !strings.Contains(l.Problems[0].Why, reason) ||
		!strings.Contains(l.Problems[0].Fix, "polso rejoin") {
		t.Fatalf("%s: health %s, problems %+v, %v; want %s", r.name, l.Health, l.Problems, err, reason)
	}
	for what, try := range map[string]func() error{
		"status":   func() error { _, err := r.client.Status(t.Context()); return err },
		"document": func() error { _, err := r.client.Document(t.Context()); return err },
		"leave":    func() error { _, err := r.client.Leave(t.Context(), api.LeaveRequest{Force: true}); return err },
		"init": func() error {
			_, err := r.client.Init(t.Context(), api.InitRequest{Advertise: []string{r.listen}})
			return err
		},
		"recover": func() error { _, err := r.client.Recover(t.Context(), api.RecoverRequest{Cluster: "edge"}); return err },
		"join": func() error {
			_, err := r.client.Join(t.Context(), api.JoinRequest{Addresses: []string{r.listen}, Token: "T", Advertise: []string{r.listen}})
			return err
		},
	} {
		refused(t, what+" on "+r.name, try(), api.CodeRefused, "cannot be used", reason, "polso rejoin")
	}
}

// Whatever is broken: the agent comes up, says so and takes no part; one command takes the router in again under its old name, and
// what it had is still there.
func TestRejoin(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	made := w.form()
	r1, r3 := w.nodes[0], w.nodes[2]
	ctx := t.Context()
	token, err := r1.client.CreateToken(ctx, api.TokenRequest{Uses: 9})
	if err != nil {
		t.Fatal(err)
	}
	again := api.RejoinRequest{Addresses: made.Addresses, Token: token.Text}
	_, err = r3.client.Rejoin(ctx, again)
	refused(t, "rejoin a router that is well", err, api.CodeRefused, "its data is good", "polso leave")

	write := func(file, text string) func() error {
		return func() error { return os.WriteFile(filepath.Join(r3.home(), file), []byte(text), 0o600) }
	}
	for _, tt := range []struct {
		name, reason string
		hurt         func() error
		needs        api.RejoinRequest // beside address and token
	}{
		{"the store is gone", "there is no store", func() error { return os.RemoveAll(filepath.Join(r3.home(), "raft")) }, api.RejoinRequest{}},
		{"the log is damaged", "the store is damaged", func() error {
			path := filepath.Join(r3.home(), "raft", "raft.db")
			text, err := os.ReadFile(path)
			for i := range text {
				text[i] ^= 0x55
			}
			if err == nil {
				err = os.WriteFile(path, text, 0o600)
			}
			return err
		}, api.RejoinRequest{}},
		{"its key is gone", "credentials.json is gone", func() error { return os.Remove(filepath.Join(r3.home(), "credentials.json")) }, api.RejoinRequest{}},
		{"the cluster's file is damaged", "cluster.json", write("cluster.json", "{"), api.RejoinRequest{Advertise: []string{r3.listen}}},
		{"the identity is damaged", "identity.json", write("identity.json", "{"), api.RejoinRequest{Advertise: []string{r3.listen}, Name: "r3"}},
	} {
		w.note("--- %s", tt.name)
		before := memberNamed(t, r1.status("before", settled(3, 2)), "r3")
		r3.halt()
		if err := tt.hurt(); err != nil {
			t.Fatal(err)
		}
		r3.start()
		r3.unusable(tt.reason)
		files, err := os.ReadDir(r3.home())
		if err != nil {
			t.Fatal(err)
		}
		bad := again
		bad.Token, bad.Advertise = made.Token+"X", tt.needs.Advertise
		_, err = r3.client.Rejoin(ctx, bad)
		refused(t, "rejoin with a bad token", err, api.CodeInvalid, "token")
		if left, err := os.ReadDir(r3.home()); err != nil || len(left) != len(files) {
			t.Errorf("%s: a refusal changed the data directory: %v, %v", tt.name, left, err)
		}
		if tt.needs.Advertise != nil {
			_, err = r3.client.Rejoin(ctx, again)
			refused(t, "rejoin without an address", err, api.CodeInvalid, "--advertise")
		}
		req := again
		req.Advertise, req.Name = tt.needs.Advertise, tt.needs.Name
		ans, err := r3.client.Rejoin(ctx, req)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if ans.Node != "r3" || ans.Cluster != "edge" || filepath.Dir(ans.Aside) != r3.home() {
			t.Errorf("%s: rejoined %+v", tt.name, ans)
		}
		if kept, err := os.ReadDir(ans.Aside); err != nil || len(kept) < 3 {
			t.Errorf("%s: set aside: %v, %v", tt.name, kept, err)
		}
		after := memberNamed(t, r1.status("three again after: "+tt.name, settled(3, 2)), "r3")
		if after.ID == before.ID || after.Addresses[0] != r3.listen {
			t.Errorf("%s: ID %s at %v, before %s", tt.name, after.ID, after.Addresses, before.ID)
		}
	}
	r3.halt()
	r3.start()
	r1.status("after a restart", settled(3, 2))

	w.note("--- removed")
	if _, err := r1.client.Remove(ctx, "r3"); err != nil {
		t.Fatal(err)
	}
	w.eventually("it knows that it was removed", func() error {
		if l, err := r3.client.Local(ctx); err != nil || len(l.Problems) == 0 || !strings.Contains(l.Problems[0].Fix, "polso rejoin") {
			return fmt.Errorf("problems %+v, %v", l.Problems, err)
		}
		return nil
	})
	if _, err := r3.client.Rejoin(ctx, again); err != nil {
		t.Fatalf("rejoin after a removal: %v", err)
	}
	r1.status("three again", settled(3, 2))

	w.note("--- no majority for a while")
	w.nodes[1].halt()
	r1.halt()
	r3.leaderless()
	_, err = r3.client.Rejoin(ctx, again)
	refused(t, "rejoin while the others are away", err, api.CodeNoLeader, "may be what the others need")
}

// A machine that cannot be a router's is not taken in as one: its agent would end, and the member of before would be gone.
func TestRejoinNeedsAMachineForIt(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	made := w.form()
	r1, r3 := w.nodes[0], w.nodes[2]
	ctx := t.Context()
	token, err := r1.client.CreateToken(ctx, api.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	before := memberNamed(t, r1.status("before", settled(3, 2)), "r3")
	r3.halt()
	if err := os.Remove(filepath.Join(r3.home(), "credentials.json")); err != nil {
		t.Fatal(err)
	}
	r3.kernel = NoKernel
	r3.start()
	_, err = r3.client.Rejoin(ctx, api.RejoinRequest{Addresses: made.Addresses, Token: token.Text})
	refused(t, "rejoin as a router without a kernel", err, api.CodeRefused, "admits a router, and r3 cannot be one", "--kind witness")
	r3.unusable("credentials.json is gone")
	st := r1.status("nothing has changed", func(st api.Status) error {
		if len(st.Members) != 3 {
			return fmt.Errorf("members %+v", st.Members)
		}
		return nil
	})
	if after := memberNamed(t, st, "r3"); after.ID != before.ID {
		t.Errorf("r3 is %s now, was %s", after.ID, before.ID)
	}
}
