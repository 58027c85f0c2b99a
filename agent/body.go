package agent

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"polso/api"
	"polso/config"
	"polso/consensus"
	"polso/consensus/store"
	"polso/director"
	"polso/fsm"
	"polso/vip"
)

// body is everything of an agent that depends on the cluster it is in, or on being in none.
type body struct {
	a      *Agent
	kind   string // fsm.Router or fsm.Witness; "" in no cluster
	bare   bool   // local has no kernel behind it
	local  *local
	member *member // nil: in no cluster

	unusable *api.Error // what is wrong with this node's data; it is a member then that can do nothing
	cluster  string     // the name of its cluster in that case, "" if even that cannot be read

	letGo   atomic.Pointer[time.Time] // when the addresses went last, before the lead was handed over
	served  unmoved[config.Virtual, config.Virtual]
	leaving unmoved[fsm.Leaving, director.Leaving]
}

// open builds a body on what the data directory says. What a crashed predecessor left on the links goes first, before the
// store is opened: that may take long.
func (a *Agent) open(ctx context.Context) (*body, error) {
	b := &body{a: a}
	t, formed, err := a.timing()
	if err != nil {
		if !lost(err) {
			return nil, err
		}
		b.cannotUse(err)
	}
	if err := b.settleKind(); err != nil {
		return nil, err
	}
	o := a.o
	o.passed = a.metrics.Passed
	if b.bare {
		o.openEdges, o.Interfaces = withoutKernel, nil
	}
	if b.local, err = openLocal(o, t.lease.H/10, b.asked, b.mandate, b.state, b.others); err != nil {
		return nil, err
	}
	if err := b.local.keeper.LetGo(nil); err != nil {
		a.log.Error("letting go of what was left behind", "err", err)
	}
	switch {
	case a.o.Dev:
		b.member, err = a.openDev(b)
	case formed:
		b.member, err = a.openMember(ctx, b, t)
	}
	if e, old := errors.AsType[*api.Error](err); old {
		b.outdated(e)
		err = nil
	}
	if lost(err) {
		b.cannotUse(err)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// timing is the cluster's as this node last applied it, or the default where there is no cluster, or none that can be read; that is an
// error too.
func (a *Agent) timing() (t timing, formed bool, err error) {
	c := store.Cluster{Profile: "lan"}
	switch {
	case a.o.Dev:
	case a.noHome != nil:
		err = a.noHome
	case a.home.Formed():
		var have store.Cluster
		if have, err = a.home.Cluster(); err == nil {
			c, formed = have, true
		}
	}
	t, unknown := timingOf(c.Profile, c.Next, c.Change)
	return t, formed, errors.Join(err, unknown)
}

func (b *body) role() consensus.Role {
	if b.member == nil {
		return consensus.Role{}
	}
	return b.member.node.Role()
}

func (b *body) snapshot() *fsm.Snapshot {
	if b.member == nil {
		return new(fsm.Snapshot)
	}
	return b.member.state.Load()
}

// mandate is what this node may hold; a witness that leads holds nothing.
func (b *body) mandate() director.Mandate {
	if b.witness() {
		return director.Mandate{}
	}
	return mandate(b.role(), b.snapshot())
}

func (b *body) state() director.State {
	if b.bare { // whatever the document says, there is nothing to do here
		s := b.snapshot()
		return director.State{Known: s.Known && s.Founded(), Revision: s.Revision}
	}
	snap := b.snapshot()
	out := state(snap)
	out.Document.Virtuals = b.served.again(snap.Document.Virtuals, out.Document.Virtuals)
	out.Leaving = b.leaving.again(snap.Leaving, out.Leaving)
	if b.member != nil {
		leader, known := b.member.node.Leader()
		out.OtherLeads = known && leader != b.member.id
	}
	if b.member != nil && b.member.claim != nil {
		out.Foreign = b.member.claim.foreign.Load()
		out.Known = out.Known && (out.Foreign || b.member.claim.own.Load())
	}
	return out
}

// run serves until ctx ends, something breaks, or again asks for a new body (an anew).
func (b *body) run(ctx context.Context, again <-chan anew) error {
	asked := func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case next := <-again:
			return next
		}
	}
	layers := [][]part{b.local.edgeParts, b.local.keeperParts, b.local.passParts}
	if b.member != nil {
		told := func(ctx context.Context) error { return b.notices(ctx, b.member) } // last, when nothing is held any more
		layers = slices.Concat([][]part{{told}}, layers, [][]part{b.member.wireParts, slices.Concat(b.member.raftParts, []part{b.renew}, b.askItself())})
	}
	return runLayers(ctx, append(layers, []part{asked})...)
}

// renew moves the ends of what is held as the lease goes on. It waits for nothing but time, so that a slow pass of the
// director lets no address go.
func (b *body) renew(ctx context.Context) error {
	tick := time.NewTicker(max(b.member.profile.H/12, 10*time.Millisecond))
	defer tick.Stop()
	led := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		r := b.role()
		if r.Leader {
			b.local.keeper.Extend(r.Epoch, vip.Instant(r.Until))
		}
		if r.Leader != led { // a lease also runs out without a word of raft's
			led = r.Leader
			b.member.takeover.leads(r)
			if b.member.told.news(b.member.view) {
				b.local.director.Ring()
			}
		}
	}
}
