package director

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// TestChaos throws everything at a router for a while, seed by seed, and holds it to what must be true throughout: no
// address comes up whose services are all missing; without a mandate, and while the kernel's services may be somebody
// else's, nothing is held once the pass is over, and in the latter case nothing changes in the table. When the chaos ends,
// the kernel is as the document wants it.
func TestChaos(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				chaos(t, w, rand.New(rand.NewPCG(seed, 1)))
			})
		})
	}
}

func chaos(t *testing.T, w *world, r *rand.Rand) {
	hash := with(web("x", "y"), func(v *config.Virtual) { v.Name, v.Address = "hash", netip.MustParseAddr("192.0.2.11") })
	docs := []config.Document{
		document(), document(web("a")), document(web("a", "b", "c")), document(hash, web("b")),
		document(hash, with(web("a", "b"), func(v *config.Virtual) { v.Scheduler = "rr" })),
		document(with(web("a", "b"), func(v *config.Virtual) { v.Ports = []uint16{443} })),
	}
	cold := document(hash, web("a", "c"))
	cold.Cluster.Standby = config.Cold
	docs = append(docs, cold)
	w.start()
	epoch, revision := uint64(0), uint64(1)
	var blind atomic.Bool // the table cannot be read: the one last seen counts
	luck := &dice{r: rand.New(rand.NewPCG(r.Uint64(), 2))}
	w.table.Fail(func(ipvs.Op) error {
		if luck.bad() {
			return errBroken
		}
		return nil
	})
	w.edge.Before(func(c vip.Call) error {
		// A removal that fails leaves an address, which is what the second rule is about: not here.
		if c.Method == "Add" && luck.bad() {
			return errBroken
		}
		if c.Method == "Add" && !blind.Load() && !serves(w.table.Fake, c.Addr) {
			t.Errorf("%s comes up, and the kernel has\n%s", c.Addr, w.table)
		}
		return nil
	})
	steps := []func(){
		func() { revision++; w.know(revision, docs[r.IntN(len(docs))]) },
		func() { epoch++; w.lead(epoch) },
		func() {
			w.withdraw()
			w.wait(breath) // a pass that failed before takes a breath first
			if left := w.edge.String(); left != "" {
				t.Errorf("held without a mandate: %s", left)
			}
		},
		func() { verdict(w, r) },
		func() { verdict(w, r) },
		func() { w.wait(time.Duration(r.IntN(3000)) * time.Millisecond) },
		func() {
			blind.Store(true)
			w.table.FailTable(errBroken)
			w.ring()
			w.wait(30 * time.Millisecond)
			blind.Store(false)
			w.table.FailTable(nil)
		},
		func() { w.change(func() { w.state.OtherLeads = !w.state.OtherLeads }) },
		func() {
			w.change(func() { w.state.Foreign = true })
			w.wait(breath)
			had := w.table.String()
			w.wait(time.Duration(r.IntN(3000)) * time.Millisecond)
			if left := w.edge.String(); left != "" {
				t.Errorf("held beside somebody else's services: %s", left)
			}
			if has := w.table.String(); has != had {
				t.Errorf("had\n%s\nof somebody else's, has\n%s", had, has)
			}
			w.change(func() { w.state.Foreign = false })
		},
		func() { _ = w.edge.Take(netip.MustParsePrefix("192.0.2.10/32"), "eth0") }, // if it is there
		func() {
			var have ipvs.Table
			have, _, _ = w.table.Table()
			if len(have.Services) > 0 {
				_ = w.table.Foreign(ipvs.Op{Verb: ipvs.DeleteService, Service: have.Services[0]})
			}
		},
	}
	for range 60 {
		steps[r.IntN(len(steps))]()
	}

	w.table.Fail(nil)
	w.edge.Before(nil)
	w.know(revision+1, docs[4])
	w.wait(2 * restful)
	in := Inputs{State: w.state, Mandate: w.mandate, Health: w.health.View(), Links: links(), Observed: &ipvs.Table{}}
	have, _, err := w.table.Table()
	if err != nil {
		t.Fatal(err)
	}
	in.Observed = &have
	want := Decide(in)
	if ops := ipvs.Plan(want.Table, have); len(ops) > 0 {
		t.Errorf("the kernel has\n%s\nand still lacks %v", have, ops)
	}
	var addrs strings.Builder
	for _, h := range want.Held {
		fmt.Fprintf(&addrs, "%s/32 dev %s\n", h.Addr, h.Link)
	}
	if got := w.edge.String(); got != addrs.String() {
		t.Errorf("held\n%s\nwant\n%s", got, addrs.String())
	}
	if s := w.d.Status(); !s.Converged || s.Revision != revision+1 || s.Failing != 0 {
		t.Errorf("status: %+v", s)
	}
}

// dice are thrown by the director's goroutine and the keeper's.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) bad() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(2) == 0
}

// verdict gives every server of the present document a random state.
func verdict(w *world, r *rand.Rand) {
	w.mu.Lock()
	doc := w.state.Document
	w.mu.Unlock()
	view := make(health.View)
	for _, p := range askedOf(nil, doc).probes {
		view[p.Key()] = health.Status{State: health.State(r.IntN(3))}
	}
	w.health.mu.Lock()
	w.health.view = view
	w.health.mu.Unlock()
	w.ring()
}

// serves tells whether the kernel has a service at addr.
func serves(k *ipvs.Fake, addr netip.Addr) bool {
	return strings.Contains(k.String(), "-A -t "+addr.String()+":")
}
