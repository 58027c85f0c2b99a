package agent

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/events"
	"polso/fsm"
	"polso/vip"
)

// settleFailover is how long after its lease began a router waits for its addresses before it explains a takeover as far as it came.
const settleFailover = 10 * time.Second

// takeover is the last taking of the lead of this node, until it has been explained.
type takeover struct {
	mu   sync.Mutex // guards below
	last taken
	open bool // it is to be explained yet
}

// taken is a taking of the lead. Its times are since boot.
type taken struct {
	consensus.Taking
	leased time.Duration // when the lease ran first; 0: not yet
	epoch  uint64        // of it
}

// begins notes that this node was elected. It may be called again for the same term. A first lead took nothing over.
func (t *takeover) begins(taking consensus.Taking) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if taking.From != "" && taking.Term > t.last.Term {
		t.last, t.open = taken{Taking: taking}, true
	}
}

// leads notes since when this node may hold.
func (t *takeover) leads(r consensus.Role) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open && t.last.leased == 0 && r.Leader && r.Term == t.last.Term {
		t.last.leased, t.last.epoch = sinceBoot(), r.Epoch
	}
}

// waits returns what is to be explained, r being what this node is now. What was lost before it could hold anything is not.
func (t *takeover) waits(r consensus.Role) (taken, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last.leased == 0 && r.Term != t.last.Term {
		t.open = false
	}
	return t.last, t.open && t.last.leased > 0
}

// told closes what was explained.
func (t *takeover) told(was taken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last.Term == was.Term {
		t.open = false
	}
}

// arrival is when the last address of a holding was up and when each had been announced, zero for none; missing is what is not so yet.
type arrival struct {
	held, announced time.Duration
	missing         string
}

// moments are those of a takeover, and why there are no more of them; done is false while it is worth waiting, r being what this node is now.
func (t taken) moments(r consensus.Role, a arrival, now time.Duration) (m events.Moments, unfinished string, done bool) {
	m = events.Moments{Sign: time.Duration(t.Sign), Stood: time.Duration(t.Stood), Elected: time.Duration(t.Elected), Leased: t.leased}
	switch lost := !r.Leader || r.Epoch != t.epoch; {
	case a.missing == "":
		m.Held, m.Announced = a.held, a.announced
		return m, "", true
	case lost:
		return m, "it lost the lead again before all was done: " + a.missing, true
	}
	return m, a.missing, now-t.leased >= settleFailover
}

// arrived looks at the addresses of an epoch.
func (b *body) arrived(epoch uint64) (a arrival) {
	st := b.local.director.Status()
	if st.Epoch != epoch {
		return arrival{missing: "no pass of the director has ended"}
	}
	reports := b.local.keeper.Report()
	for _, h := range st.Held {
		i := slices.IndexFunc(reports, func(r vip.Report) bool { return r.Addr == h.Addr && r.Link == h.Link && r.Epoch == epoch })
		switch {
		case i < 0 || !reports[i].Present:
			return arrival{missing: h.Addr.String() + " is not up"}
		case reports[i].Told == 0:
			return arrival{missing: h.Addr.String() + " is not announced"}
		}
		a.held, a.announced = max(a.held, time.Duration(reports[i].Up)), max(a.announced, time.Duration(reports[i].Told))
	}
	return a
}

// explain tells of a takeover that has come to its end here, once.
func (b *body) explain(m *member) {
	role := b.role()
	taking, waits := m.takeover.waits(role)
	if !waits {
		return
	}
	moments, unfinished, done := taking.moments(role, b.arrived(taking.epoch), sinceBoot())
	if !done {
		return
	}
	m.takeover.told(taking)
	s := m.state.Load()
	from, reason := fsm.Lead{Node: taking.From}, m.because(string(taking.Reason), taking.Term)
	f := events.Takeover{To: m.nameOf(m.id), Term: taking.Term, At: now(), Unfinished: unfinished}
	if l := s.Lead; l.Term == taking.Term { // which knows of a witness that led in between
		f.At, reason = l.At, l.Reason
		if l.From != "" && l.From != taking.From {
			from.Node, f.Via = l.From, m.nameOf(taking.From)
		}
		if s.Before.Node == from.Node {
			from = s.Before // its name is known even if it is a member no more
		}
	}
	f.From, f.Reason = leaderName(s, from), reason
	if move, known := m.movedBy(taking.Term); known {
		f.By = move.By
		if move.Stops {
			f.Reason += ": " + cmp.Or(f.Via, f.From) + " stopped"
		}
	}
	stages, together := moments.Stages()
	f.Stages, f.Seconds = append([]events.Stage{}, stages...), together.Seconds()
	b.a.tookOver(f)
	b.a.flight.tookOver(together, m.profile.H) // addresses and announcements can be what was slow
}

// tookOver is told of every takeover by this router, when it is over or will not be.
func (a *Agent) tookOver(f events.Takeover) {
	args := []any{"from", f.From, "to", f.To, "reason", f.Reason, "term", f.Term}
	for _, s := range f.Stages {
		args = append(args, s.Name, time.Duration(s.Seconds*float64(time.Second)))
	}
	args = append(args, "total", time.Duration(f.Seconds*float64(time.Second)))
	for _, more := range [][2]string{{"by", f.By}, {"via", f.Via}, {"unfinished", f.Unfinished}} {
		if more[1] != "" {
			args = append(args, more[0], more[1])
		}
	}
	a.log.Info("failover", args...)
	a.ring.Add(events.Event{Kind: events.FailedOver, About: f.To, What: f.String(), Failover: &f})
}

// moving is what the leader tells the router that it is about to hand over to, for the explanation alone.
type moving struct {
	Term  uint64 `json:"term"`         // the leader's
	By    string `json:"by,omitempty"` // who asked for it
	Stops bool   `json:"stops,omitempty"`
}

// tellMoving tells to; it matters to nobody whether that was heard.
func (b *body) tellMoving(ctx context.Context, m *member, to string, why moving) {
	if m.peers == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.profile.H/2)
	defer cancel()
	why.Term = m.node.Role().Term
	if _, err := askPeer[struct{}](ctx, m, to, http.MethodPost, pathMoving, why); err != nil {
		b.a.log.Debug("who takes over is not told why", "to", m.nameOf(to), "err", err)
	}
}

// toldMoving notes why this router is about to be given the lead.
func (b *body) toldMoving(_ context.Context, why moving) (struct{}, error) {
	b.member.moving.Store(&why)
	return struct{}{}, nil
}

// movedBy is why the lead of that term was given to this router; false if that is not known.
func (m *member) movedBy(term uint64) (moving, bool) {
	why := m.moving.Load()
	if why == nil || why.Term+1 != term {
		return moving{}, false
	}
	return *why, true
}

// switchover is a transfer with who asked for it.
type switchover struct {
	api.TransferRequest
	By string `json:"by,omitempty"`
}

// asker is who asks, as the audit names them.
func asker(ctx context.Context) string {
	c, ok := api.CallerOf(ctx)
	if !ok {
		return ""
	}
	if c.Actor.Kind == fsm.ActorToken {
		return fmt.Sprintf("access token %s", c.Actor.Name)
	}
	return c.Actor.Name
}
