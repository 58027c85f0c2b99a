package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"polso/api"
	"polso/vip"
)

const edgeHCL = `virtual "web" {
  address = "10.9.0.50"
  port    = 80
  forward = "dr"
  server "a" {
    address = "10.9.0.21"
  }
  server "b" {
    address = "10.9.0.22"
    weight  = 3
  }
}
`

var webVIP = netip.MustParseAddr("10.9.0.50")

// A cluster's life: formed, written to, switched over, restarted, with routers that leave, are lost and come back. All the
// while at most one router has the address up. It runs alone, as it looks for goroutines that are left.
func TestClusterLife(t *testing.T) {
	mine := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, mine) }) // last, after every agent has been told to stop
	w := newNetwork(t, 3)
	r1, r2, r3 := w.nodes[0], w.nodes[1], w.nodes[2]
	ctx := t.Context()
	step := func(format string, args ...any) { w.note("--- "+format, args...) }
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	step("form")
	for _, r := range w.nodes {
		r.start()
	}
	made, err := r1.client.Init(ctx, api.InitRequest{Cluster: "edge", Advertise: []string{r1.listen}, Profile: testProfile})
	must("init", err)
	if made.Cluster != "edge" || made.Node != "r1" || made.Token == "" {
		t.Errorf("init: %+v", made)
	}
	join := func(r *router, token, replace string) (api.JoinAnswer, error) {
		return r.client.Join(ctx, api.JoinRequest{Addresses: made.Addresses, Token: token, Advertise: []string{r.listen}, Replace: replace})
	}
	for _, r := range []*router{r2, r3} {
		ans, err := join(r, made.Token, "")
		must("join", err)
		if ans.Cluster != "edge" || ans.Node != r.name {
			t.Errorf("joined %+v, want %s in edge", ans, r.name)
		}
	}
	r2.status("three voters", settled(3, 1))

	step("write on a follower, read on the third")
	applied, err := r2.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}, Message: "first"})
	must("apply", err)
	if applied.Revision != 2 {
		t.Errorf("revision %d, want 2", applied.Revision)
	}
	st := r3.status("revision 2 everywhere", func(st api.Status) error {
		if st.ActiveSince == nil { // of the first lead, too
			return errors.New("nobody says since when " + st.Active + " directs")
		}
		return settled(3, 2)(st)
	})
	if st.Leader != st.Active || w.holder(webVIP) != st.Active {
		t.Errorf("leader %s, active %s, holder %q; want one", st.Leader, st.Active, w.holder(webVIP))
	}
	doc, err := r3.client.Document(ctx)
	if err != nil || doc.Source != edgeHCL || doc.Author == "" {
		t.Errorf("read on r3: %+v, %v", doc, err)
	}
	sameTables(t, w, "-A -t 10.9.0.50:80 -s wlc\n-a -t 10.9.0.50:80 -r 10.9.0.21:80 -g -w 1\n-a -t 10.9.0.50:80 -r 10.9.0.22:80 -g -w 3\n")

	step("a switchover that was asked for, of a follower")
	var letGo atomic.Pointer[time.Time]
	slow := func(r *router) {
		r.addresses.Before(func(c vip.Call) error {
			if c.Method == "Remove" {
				time.Sleep(time.Second)
				letGo.CompareAndSwap(nil, new(time.Now())) // the director lets go once more
			}
			return r.watched(c)
		})
	}
	for _, r := range w.nodes {
		slow(r)
	}
	var moved api.Transferred
	st = r3.status("the lead moved to r2 as asked", func(st api.Status) (err error) {
		if st.Active == "r2" { // elected meanwhile, on a machine too busy to keep a lease
			_, err = r3.client.Transfer(ctx, api.TransferRequest{To: "r1"})
			return errors.Join(errors.New("r2 directs already"), err)
		}
		if moved, err = r3.client.Transfer(ctx, api.TransferRequest{To: "r2"}); err != nil {
			return err
		}
		now, err := r1.client.Status(ctx)
		if f := now.LastFailover; err != nil || f == nil || f.From != moved.From || f.To != "r2" || f.Reason != "transfer" {
			return fmt.Errorf("last failover %+v, want %s to r2 by transfer (%v)", now.LastFailover, moved.From, err)
		}
		return nil
	})
	if moved.To != "r2" || moved.Seconds <= 0 {
		t.Errorf("transfer: %+v", moved)
	}
	if went := letGo.Load(); went == nil || moved.Seconds > time.Since(*went).Seconds() {
		t.Errorf("addresses without a holder for %.3f s, but they went at %v", moved.Seconds, went)
	}
	for _, r := range w.nodes {
		r.addresses.Before(r.watched)
	}
	st = r1.status("one holds", settled(3, 2))
	if w.holder(webVIP) != st.Active {
		t.Errorf("active %s, holder %q", st.Active, w.holder(webVIP))
	}

	step("the director stops, its table stays")
	table := r2.table.String()
	r2 = w.router(st.Active)
	r2.halt()
	if r2.holds(webVIP) {
		t.Errorf("%s has stopped and still has the address up", r2.name)
	}
	r1.status("another holds", func(st api.Status) error {
		if st.Active == "" || st.Active == r2.name || w.holder(webVIP) != st.Active {
			return fmt.Errorf("active %q, holder %q", st.Active, w.holder(webVIP))
		}
		return nil
	})
	if got := r2.table.String(); got != table {
		t.Errorf("r2's table after the stop:\n%s\nwant it as it was:\n%s", got, table)
	}

	step("it comes back from its data directory")
	r2.table.Diary() // the diary begins anew
	r2.start()
	st = r2.status("all three again", settled(3, 2))
	if st.Active == r2.name {
		t.Errorf("active %s: who comes back waits", st.Active)
	}
	if d := r2.table.Diary(); len(d) != 0 {
		t.Errorf("coming back, r2 touched a table that was right: %s", strings.Join(d, "; "))
	}

	step("the name of a router that lives is not free")
	_, err = w.stranger("r4").client.Join(ctx, api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: []string{"127.0.0.1:1"}, Replace: "r1"})
	refused(t, "take the name of a living router", err, api.CodeRefused, "router r1 is alive")

	step("a router loses its data and takes its old name")
	asker, lost := w.router(st.Active), r2 // who directs keeps doing so: lose another one
	before := memberNamed(t, asker.status("before", settled(3, 2)), lost.name)
	lost.halt()
	must("lose the data", os.RemoveAll(lost.home()))
	lost.start()
	made.Addresses = []string{asker.listen}
	_, err = join(lost, made.Token, "")
	refused(t, "join under a name that is taken", err, api.CodeExists, lost.name, "--replace")
	if l, err := lost.client.Local(ctx); err != nil || l.Formed {
		t.Errorf("after the refusal %s is formed: %v, %v", lost.name, l.Formed, err)
	}
	_, err = join(lost, made.Token, lost.name)
	must("join in the old one's place", err)
	after := memberNamed(t, asker.status("three again", settled(3, 2)), lost.name)
	if after.ID == before.ID {
		t.Errorf("%s has its old ID %s, though its data was lost", lost.name, after.ID)
	}
	sameTables(t, w, table)

	step("removed, it knows, forgets and joins again")
	_, err = asker.client.Remove(ctx, lost.name)
	must("remove", err)
	asker.status("two are left", settled(2, 2))
	w.eventually("it knows that it was removed", func() error {
		l, err := lost.client.Local(ctx)
		if err != nil || len(l.Problems) == 0 || !strings.Contains(l.Problems[0].Why, "was removed from cluster edge") {
			return fmt.Errorf("problems %+v, %v", l.Problems, err)
		}
		return nil
	})
	_, err = lost.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}})
	refused(t, "apply on a removed router", err, api.CodeRefused, "was removed from cluster edge", "polso leave")
	_, err = lost.client.Status(ctx)
	refused(t, "status on a removed router", err, api.CodeRefused, "was removed from cluster edge")
	left, err := lost.client.Leave(ctx, api.LeaveRequest{})
	must("leave", err)
	if len(left.Done) != 2 || left.Done[0] != "This router has left cluster edge." || left.Done[1] != "Removed 1 service from its IPVS table." {
		t.Errorf("leaving: %q", left.Done)
	}
	token, err := asker.client.CreateToken(ctx, api.TokenRequest{Uses: 2})
	must("token", err)
	_, err = join(lost, token.Text, "")
	must("join after a removal", err)
	asker.status("three again", settled(3, 2))

	step("the director leaves and joins again")
	_, err = asker.client.Leave(ctx, api.LeaveRequest{})
	must("leave", err)
	if l, err := asker.client.Local(ctx); err != nil || l.Formed || asker.holds(webVIP) {
		t.Errorf("%s after leaving: formed %v, %v, has the address up: %v", asker.name, l.Formed, err, asker.holds(webVIP))
	}
	if got := asker.table.String(); got != "" {
		t.Errorf("%s left its table behind:\n%s", asker.name, got)
	}
	lost.status("two are left, one holds", settled(2, 2))
	made.Addresses = []string{lost.listen}
	_, err = join(asker, token.Text, "")
	must("join after leaving", err)
	lost.status("three again", settled(3, 2))

	step("all at once")
	for _, r := range w.nodes {
		r.halt()
	}
	if h := w.holder(webVIP); h != "" {
		t.Errorf("all have stopped, and %s has the address up", h)
	}
	r1.table.Diary()
	began := time.Now()
	for _, r := range w.nodes {
		r.start()
	}
	st = r1.status("as before", settled(3, 2))
	t.Logf("all started to one holder and all converged: %v", time.Since(began).Round(10*time.Millisecond))
	if h := w.holder(webVIP); h != st.Active {
		t.Errorf("holder %q, want %s", h, st.Active)
	}
	if d := r1.table.Diary(); len(d) != 0 {
		t.Errorf("restarted, r1 touched a table that was right: %s", strings.Join(d, "; "))
	}
	sameTables(t, w, table)
	history, err := r2.client.History(ctx, 20)
	if err != nil || len(history) != 2 || history[0].Message != "first" {
		t.Errorf("history %+v, %v; want two revisions", history, err)
	}
}

// A router that was admitted and has heard nothing yet is counted by the others: it does not leave without their word.
func TestLeaveBeforeAnythingWasHeard(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 2)
	r1, r2 := w.nodes[0], w.nodes[1]
	ctx := t.Context()
	r1.start()
	r2.start()
	made, err := r1.client.Init(ctx, api.InitRequest{Advertise: []string{r1.listen}})
	if err != nil {
		t.Fatal(err)
	}
	hung, hangUp := context.WithCancel(ctx)
	var joining sync.WaitGroup
	joining.Go(func() { // nobody listens where it says it is
		_, _ = r2.client.Join(hung, api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: []string{freePort(t)}})
	})
	members := func(want int) {
		t.Helper()
		r1.status("members", func(st api.Status) error {
			if len(st.Members) != want {
				return fmt.Errorf("%d members, want %d", len(st.Members), want)
			}
			return nil
		})
	}
	members(2)
	w.eventually("r2 is a member by its own account", func() error {
		if l, err := r2.client.Local(ctx); err != nil || !l.Formed {
			return errors.Join(errors.New("not formed"), err)
		}
		return nil
	})
	hangUp()
	joining.Wait()
	r2.halt()
	r2.start()
	_, err = r2.client.Leave(ctx, api.LeaveRequest{})
	refused(t, "leave", err, api.CodeNoLeader, "polso leave --force")
	members(2)
	done, err := r2.client.Leave(ctx, api.LeaveRequest{Force: true})
	if err != nil || len(done.Done) != 2 || !strings.Contains(done.Done[1], "polso remove router r2") {
		t.Errorf("leave --force: %+v, %v; want it done, with what is left to do", done, err)
	}
}

func sameTables(t *testing.T, w *network, want string) {
	t.Helper()
	for _, r := range w.nodes {
		if got := r.table.String(); got != want {
			t.Errorf("the table of %s:\n%s\nwant\n%s", r.name, got, want)
		}
	}
}

func memberNamed(t *testing.T, st api.Status, name string) api.Member {
	t.Helper()
	for _, m := range st.Members {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no member is called %s", name)
	return api.Member{}
}
