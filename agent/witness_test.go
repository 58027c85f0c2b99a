package agent

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/consensus/trust"
	"polso/fsm"
)

// formPair makes a cluster of r1 with what joins it in this order, "r2 w1" or "w1 r2": names beginning with w are witnesses.
func formPair(t *testing.T, w *network, order ...string) (addresses []string) {
	t.Helper()
	ctx := t.Context()
	r1 := w.router("r1")
	r1.start()
	made, err := r1.client.Init(ctx, api.InitRequest{Cluster: "edge", Advertise: []string{r1.listen}, Profile: testProfile})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range order {
		r, kind := w.router(name), fsm.Router
		if strings.HasPrefix(name, "w") {
			kind = fsm.Witness
		}
		r.start()
		token, err := r1.client.CreateToken(ctx, api.TokenRequest{Kind: kind})
		if err != nil || token.Kind != kind {
			t.Fatalf("token: %+v, %v; want one for a %s", token, err, kind)
		}
		if _, err := r.client.Join(ctx, api.JoinRequest{Addresses: made.Addresses, Token: token.Text, Advertise: []string{r.listen}}); err != nil {
			t.Fatalf("%s joins: %v", name, err)
		}
	}
	voters := 1 + len(order)
	if voters < 3 { // the second gets its vote with the third
		voters = 1
	}
	follows := func(revision uint64) func(api.Status) error {
		return func(st api.Status) error {
			if len(st.Members) == 2 {
				st.Members = st.Members[:1]
			}
			return settled(voters, revision)(st)
		}
	}
	r1.status("everybody votes", follows(1))
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}}); err != nil {
		t.Fatal(err)
	}
	r1.status("revision 2 everywhere", follows(2))
	return made.Addresses
}

// directs is a cluster in which that router holds the address, and everybody knows it.
func (w *network) directs(name string) func(api.Status) error {
	return func(st api.Status) error {
		if st.Active != name || w.holder(webVIP) != name {
			return fmt.Errorf("active %q, holder %q, want %s; problems %+v", st.Active, w.holder(webVIP), name, st.Problems)
		}
		return nil
	}
}

// Two routers and a witness, in both orders: the service goes on with one of the routers lost, and with the witness lost; with two
// of the three lost nobody holds an address.
func TestTwoRoutersAndAWitness(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"r2 w1", "w1 r2"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			w := newNetwork(t, 2)
			r1, r2, w1 := w.router("r1"), w.router("r2"), w.add("w1")
			w1.kernel = NoKernel
			formPair(t, w, strings.Fields(order)...)
			st := r1.status("settled", settled(3, 2))
			if m := memberNamed(t, st, "w1"); m.Kind != fsm.Witness || m.Raft != "follower" || m.Director != "" {
				t.Errorf("w1 is %+v, want a witness that votes", m)
			}
			nobody := func(alive *router) {
				t.Helper()
				w.eventually("without a quorum nobody holds", func() error {
					l, err := alive.client.Local(t.Context())
					if err != nil || l.Leader != "" || l.Active != "" || l.Lease.Held || l.Health != api.Down || w.holder(webVIP) != "" {
						return fmt.Errorf("holder %q, leader %q, active %q, health %s, %v", w.holder(webVIP), l.Leader, l.Active, l.Health, err)
					}
					return nil
				})
			}

			w.note("--- a router is lost")
			first, second := w.router(st.Active), r1
			if first == r1 {
				second = r2
			}
			first.halt()
			w1.status("the other directs", w.directs(second.name))
			if _, err := w1.client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL + "# again\n"}}}); err != nil {
				t.Errorf("a write with one router and the witness: %v", err)
			}
			w.note("--- and the other")
			second.halt()
			nobody(w1)
			first.start()
			first.status("the one that came back directs", w.directs(first.name))

			w.note("--- the witness is lost")
			second.start()
			first.status("all three", settled(3, first.status("", func(api.Status) error { return nil }).Revision))
			w1.halt()
			st = first.status("two are left and one directs", func(st api.Status) error {
				if st.Quorum.Healthy != 2 || st.Active == "" {
					return fmt.Errorf("quorum %+v, active %q", st.Quorum, st.Active)
				}
				return w.directs(st.Active)(st)
			})
			w.note("--- and a router")
			last := second
			if st.Active != second.name {
				last = first
			}
			for _, r := range []*router{first, second} {
				if r != last {
					r.halt()
				}
			}
			nobody(last)
			w1.start()
			last.status("with the witness it directs again", w.directs(last.name))
			if n := w1.opened.Load(); n != 0 {
				t.Errorf("the witness opened a kernel %d times", n)
			}
		})
	}
}

// A witness that is elected holds nothing and hands over at once; what is written meanwhile is not lost.
func TestWitnessHandsOver(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 2)
	r1, w1 := w.router("r1"), w.add("w1")
	formPair(t, w, "r2", "w1")
	id := memberNamed(t, r1.status("settled", settled(3, 2)), "w1").ID
	ctx := t.Context()
	elected := func() int { return strings.Count(w1.log.tail(1<<20), "took the lead") }
	before, revision := elected(), uint64(0)
	var gone time.Time
	st := r1.status("the witness was elected", func(st api.Status) error {
		leader := w.router(st.Active)
		if leader == nil {
			return errors.New("no leader")
		}
		gone = time.Now()
		return leader.agent.Load().current.Load().member.node.Transfer(ctx, id)
	})
	was := st.Active
	w.eventually("a write right after", func() error {
		a, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL + "# while a witness leads\n"}}})
		revision = a.Revision
		return err
	})
	st = r1.status("a router directs", func(st api.Status) error {
		if st.Active == "" {
			return errors.New("nobody is active")
		}
		return w.directs(st.Active)(st)
	})
	took := time.Since(gone)
	if n := elected() - before; n < 1 {
		t.Errorf("the witness took the lead %d times, want one", n)
	}
	if f := st.LastFailover; f == nil || f.From == "w1" || f.To == "w1" {
		t.Errorf("last failover %+v: a witness directs nothing", f)
	}
	if w1.holds(webVIP) || st.Revision < revision {
		t.Errorf("the witness holds: %v; revision %d, written %d", w1.holds(webVIP), st.Revision, revision)
	}
	t.Logf("%s -> w1 -> %s: %v from the order to a holder", was, st.Active, took.Round(time.Millisecond))
}

// Where no router is left the witnesses lead without addresses, so that what is wrong can be mended.
func TestWitnessesAlone(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	r1, w1 := w.router("r1"), w.add("w1")
	w.add("w2")
	formPair(t, w, "w1", "w2")
	r1.halt()
	why := "a witness leads; it hands over as soon as a router can take the lead: r1:"
	w1.status("a witness leads, and says why", func(st api.Status) error { // right after the hand-over r1 still seems able to take the lead back
		if st.Leader == "" || st.Leader == "r1" || st.Active != "" || st.Lease.Held || st.Health != api.Down || !strings.Contains(fmt.Sprint(st.Problems), why) {
			return fmt.Errorf("leader %q, active %q, health %s, problems %+v", st.Leader, st.Active, st.Health, st.Problems)
		}
		return nil
	})
	w.eventually("one of them leads, without a mandate", func() error {
		for _, r := range w.nodes[1:] {
			if b := r.agent.Load().current.Load(); b.role().Leader {
				if m := b.mandate(); len(m.Groups) > 0 || m.Epoch != 0 {
					t.Errorf("%s leads with the mandate %+v", r.name, m)
				}
				return nil
			}
		}
		return errors.New("neither does")
	})
	if _, err := w1.client.Transfer(t.Context(), api.TransferRequest{}); api.CodeOf(err) != api.CodeRefused {
		t.Errorf("transfer: %v, want it refused", err)
	}
	mended := []api.File{{Name: "edge.hcl", Text: strings.Replace(edgeHCL, "weight  = 3", "weight  = 4", 1)}}
	w.eventually("apply", func() error { // the router that stops may have been handed the lead once more
		a, err := w1.client.Apply(t.Context(), api.ApplyRequest{Files: mended, RequestID: "mend"})
		if err == nil && a.Revision != 3 {
			t.Errorf("apply made revision %d, want 3", a.Revision)
		}
		return err
	})
	r1.start()
	r1.status("the router directs, with what was written", func(st api.Status) error {
		return errors.Join(w.directs("r1")(st), settled(3, 3)(st))
	})
}

// What a witness refuses and is refused, and what it says of itself.
func TestWitnessAndOperators(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 2)
	r1, w1 := w.router("r1"), w.add("w1")
	w1.kernel = NoKernel
	ctx := t.Context()
	w1.start()
	_, err := w1.client.Init(ctx, api.InitRequest{Advertise: []string{w1.listen}})
	refused(t, "init without a kernel", err, api.CodeRefused, "--kernel none", "only be a witness")
	w1.halt()
	formPair(t, w, "r2")
	w1.start()
	join := func(r *router, at string, kind string) (api.JoinAnswer, error) {
		t.Helper()
		token, err := r1.client.CreateToken(ctx, api.TokenRequest{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		return r.client.Join(ctx, api.JoinRequest{Addresses: []string{at}, Token: token.Text, Advertise: []string{r.listen}})
	}
	_, err = join(w1, r1.listen, fsm.Router)
	refused(t, "a router's token without a kernel", err, api.CodeRefused, "admits a router, and w1 cannot be one", "--kind witness")
	if l, err := w1.client.Local(ctx); err != nil || l.Formed || l.Kernel != "none" {
		t.Errorf("after the refusal: %+v, %v", l, err)
	}
	if _, err := join(w1, r1.listen, fsm.Witness); err != nil {
		t.Fatal(err)
	}
	w1.status("three voters", settled(3, 2))
	if key, other := caKeysOf(t, w1); key != "" || other != "" {
		t.Error("the CA's key is on the witness")
	}
	if key, _ := caKeysOf(t, r1); key == "" {
		t.Error("the CA's key is not on the router: the test shows nothing")
	}

	_, err = w1.client.CreateToken(ctx, api.TokenRequest{})
	refused(t, "token on a witness", err, api.CodeRefused, "w1 is a witness: it admits nobody", "on a router")
	_, err = join(w.stranger("r3"), w1.listen, fsm.Router)
	refused(t, "join through a witness", err, api.CodeRefused, "w1 is a witness: it admits nobody", "polso join "+r1.listen)
	token, err := r1.client.CreateToken(ctx, api.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _, err := trust.ParseToken(token.Text)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := hex.DecodeString(trust.HashSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	for name, app := range map[string]application{"r2": {Name: "mole", Secret: hash}, "w1": {Name: "mole", Secret: secret}} {
		m := w.router(name).agent.Load().current.Load().member
		leader, _ := m.node.Leader()
		if leader == m.id { // elected meanwhile: the other one asks
			m = w.router("r1").agent.Load().current.Load().member
		}
		_, err := askPeer[welcome](ctx, m, leader, http.MethodPost, pathAdmit, app)
		want, word := api.CodeDenied, "admits nobody" // the hash stands in the replicated state
		if name == "w1" {
			want, word = api.CodeRefused, "a witness admits nobody"
		}
		refused(t, "admission asked for by "+name, err, want, word)
	}
	_, err = r1.client.Transfer(ctx, api.TransferRequest{To: "w1", Force: true})
	refused(t, "transfer to a witness", err, api.CodeRefused, "w1 is a witness: it votes and never directs")
	_, err = r1.client.DrainRouter(ctx, "w1", api.DrainRequest{})
	refused(t, "drain a witness", err, api.CodeRefused, "w1 is a witness: it never directs")
	prefer := []api.File{{Name: "edge.hcl", Text: "cluster {\n  prefer = [\"r1\", \"w1\"]\n}\n" + edgeHCL}}
	_, err = w1.client.Plan(ctx, api.PlanRequest{Files: prefer})
	refused(t, "plan to prefer a witness", err, api.CodeInvalid, "w1 is a witness, which never directs", "polso members")
	_, err = w1.client.Apply(ctx, api.ApplyRequest{Files: prefer})
	refused(t, "prefer a witness", err, api.CodeInvalid, "w1 is a witness, which never directs", "polso members")

	l, err := w1.client.Local(ctx)
	if err != nil || l.Health != api.Healthy || l.Kernel != "none" || l.Fence != "none" || l.AppliedRevision != 2 || len(l.Virtuals) != 0 || l.Members[0].Kind != fsm.Witness {
		t.Errorf("local: %+v, %v", l, err)
	}
	d, err := w1.client.Doctor(ctx, "")
	if err != nil || len(d.Findings) == 0 {
		t.Fatalf("doctor: %+v, %v", d, err)
	}
	for _, f := range d.Findings {
		if f.Level != "ok" {
			t.Errorf("doctor: %+v", f)
		}
	}

	// It knows what it is, whatever it is started with; a router does too.
	w1.halt()
	if done, err := Release(ctx, Remains{DataDir: w1.home()}, Addresses); err != nil || strings.Join(done, "") != "This node is a witness: it holds nothing." {
		t.Errorf("release: %q, %v", done, err)
	}
	w1.kernel = SimulatedKernel
	w1.start()
	w1.status("three voters again", settled(3, 2))
	if n := w1.opened.Load(); n != 0 {
		t.Errorf("the witness opened a kernel %d times", n)
	}
	r2 := w.router("r2")
	r2.halt()
	r2.kernel = NoKernel
	refused(t, "a router without a kernel", Run(ctx, r2.options()), api.CodeRefused, "--kernel none")
	r2.kernel = SimulatedKernel
	r2.start()

	// A node of its own again, it can be a router.
	w.eventually("it leaves", func() error {
		_, err := w1.client.Leave(ctx, api.LeaveRequest{})
		if api.CodeOf(err) == api.CodeNotFormed { // an election on a busy machine took the answer
			return nil
		}
		return err
	})
	if _, err := join(w1, r1.listen, fsm.Router); err != nil {
		t.Fatal(err)
	}
	st := r1.status("three routers", settled(3, 2))
	if m := memberNamed(t, st, "w1"); m.Kind != fsm.Router {
		t.Errorf("it came back as %+v, want a router", m)
	}
}

// A witness lets the routers stand first.
func TestWitnessStandsLast(t *testing.T) {
	m := &member{}
	m.profile.H = 600 * time.Millisecond
	if got := (&body{kind: fsm.Witness}).later(m); got != 400*time.Millisecond {
		t.Errorf("it waits %v longer, want two thirds of H: more than any router", got)
	}
}
