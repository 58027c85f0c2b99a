package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"polso/api"
	"polso/vip"
)

const preferHCL = `cluster {
  prefer = ["r3", "r1"]
}
` + edgeHCL

// An operator's words about who should direct: the document's order, drained routers, a switchover that looks first. All the while
// at most one router has the address up.
func TestWhoShouldDirect(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	r1 := w.nodes[0]
	ctx := t.Context()
	w.gather(testProfile)
	r1.status("three voters", settled(3, 1))
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: preferHCL}}}); err != nil {
		t.Fatal(err)
	}
	directs := func(name string) func(api.Status) error {
		return func(st api.Status) error {
			if st.Active != name || w.holder(webVIP) != name {
				return fmt.Errorf("active %q, holder %q, want %s; problems %+v", st.Active, w.holder(webVIP), name, st.Problems)
			}
			return nil
		}
	}
	states := func(want string) func(api.Status) error {
		return func(st api.Status) error {
			var got []string
			for _, m := range st.Members {
				got = append(got, m.State)
			}
			if strings.Join(got, " ") != want || st.Quorum.Healthy != 3 {
				return fmt.Errorf("members are %s, %d healthy; want %s", strings.Join(got, " "), st.Quorum.Healthy, want)
			}
			return nil
		}
	}
	drain := func(name string) api.Done {
		t.Helper()
		w.note("drain %s", name)
		d, err := r1.client.DrainRouter(ctx, name, api.DrainRequest{Reason: "new kernel"})
		if err != nil {
			t.Fatalf("drain %s: %v", name, err)
		}
		return d
	}
	undrain := func(name string) {
		t.Helper()
		w.note("undrain %s", name)
		if _, err := r1.client.UndrainRouter(ctx, name); err != nil {
			t.Fatalf("undrain %s: %v", name, err)
		}
	}
	// move repeats a switchover that an election on a busy machine came between, until want directs.
	move := func(req api.TransferRequest, want string) (moved api.Transferred) {
		t.Helper()
		w.note("transfer to %q", req.To)
		r1.status("moved to "+want, func(st api.Status) error {
			if st.Active == "" || st.Active == want || w.holder(webVIP) != st.Active {
				return directs(want)(st)
			}
			now, err := r1.client.Transfer(ctx, req)
			if err == nil {
				moved = now
			}
			return errors.Join(errors.New("asked"), err)
		})
		return moved
	}
	// refuses asks until the answer is that refusal: without a leader there is another.
	refuses := func(req api.TransferRequest, words ...string) {
		t.Helper()
		w.eventually(fmt.Sprintf("transfer to %q is refused", req.To), func() error {
			_, err := r1.client.Transfer(ctx, req)
			e, ok := errors.AsType[*api.Error](err)
			if !ok || e.Code != api.CodeRefused {
				return fmt.Errorf("got %w", err)
			}
			for _, word := range append(words, "--force") {
				if !strings.Contains(e.Error()+" / "+e.Hint, word) {
					return fmt.Errorf("%w / %s lacks %q", err, e.Hint, word)
				}
			}
			return nil
		})
	}

	// The one that the document prefers, and with it drained the next one, whoever directs.
	r1.status("revision 2 everywhere", settled(3, 2))
	move(api.TransferRequest{To: "r2"}, "r2")
	drain("r2")
	st := r1.status("drained, r2 hands over to the preferred one", func(st api.Status) error { return errors.Join(directs("r3")(st), states("up drain up")(st)) })
	if m := memberNamed(t, st, "r2"); m.Drained == nil || m.Drained.Reason != "new kernel" {
		t.Errorf("r2 is %+v, want it drained for a new kernel", m)
	}
	move(api.TransferRequest{}, "r1") // the next in the order
	refuses(api.TransferRequest{To: "r2"}, "r2 is not ready to direct", "it is drained by")

	// More than one thing is in the way, and all of it is said.
	link := vip.Link{Name: "eth0"}
	w.router("r2").addresses.SetLink(link)
	refuses(api.TransferRequest{To: "r2"}, "it is drained by", "; link eth0 of vip 10.9.0.50 is down")

	// Every other router drained or unfit: r1 goes on, and the status says why.
	drain("r3")
	if d := drain("r1"); strings.Join(d.Warnings, "; ") != "every router is drained now, so the one that directs goes on" {
		t.Errorf("the last one: %+v", d)
	}
	undrain("r2")
	st = r1.status("r1 still directs and says why", func(st api.Status) error {
		for _, p := range st.Problems {
			if p.Node == "r1" && p.What == "drain" && strings.Contains(p.Why, "still directs") && strings.Contains(p.Why, "r2: link") && strings.Contains(p.Why, "r3: it is drained by") {
				return errors.Join(directs("r1")(st), states("drain up drain")(st))
			}
		}
		return fmt.Errorf("problems %+v", st.Problems)
	})
	if st.Health != api.Degraded {
		t.Errorf("health %s, want DEGRADED", st.Health)
	}
	refuses(api.TransferRequest{}, "no other router could take over", "r2: link", "r3: it is drained")

	// Its link is back: the addresses move at once. r3 may direct again, and does when asked without a name.
	link.Up = true
	w.router("r2").addresses.SetLink(link)
	r1.status("r2 is fit again and takes over", directs("r2"))
	undrain("r3")
	undrain("r1")
	r1.status("nobody is drained", states("up up up"))
	move(api.TransferRequest{}, "r3")

	// By force, where only fitness is in the way. Drained, it hands over again at once.
	drain("r2")
	w.eventually("by force", func() error {
		forced, err := r1.client.Transfer(ctx, api.TransferRequest{To: "r2", Force: true})
		if err == nil && (len(forced.Despite) != 1 || !strings.Contains(forced.Despite[0], "drained") || forced.Note == "") {
			t.Errorf("by force: %+v", forced)
		}
		return err
	})
	r1.status("a drained router hands over as soon as it leads", directs("r3"))

	// A stop hands over in the same order.
	w.router("r3").halt()
	r1.status("r1 is next", directs("r1"))
}
