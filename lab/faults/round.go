package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/lab"
)

// addresses are what must have one holder.
var addresses = []netip.Addr{lab.WebVIP, lab.WebVIP6}

const (
	wholeTime = 90 * time.Second       // until a cluster whose fault is gone must be whole again
	roundTime = 5 * time.Minute        // of a whole round
	calmTime  = 500 * time.Millisecond // that the segment is watched after everything is well
	udpEvery  = 20 * time.Millisecond
)

// trial is one round while it goes on.
type trial struct {
	*runner
	round  round
	result result
	was    lab.Status // the director's, before: its own revision, its term
	gone   int        // how often the victim had let go of an address before, as it says
	notes  []string

	clients *clients
	watch   *lab.Watch
	prober  *lab.Prober
}

func (t *trial) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf("%8.3f ", time.Since(t.clients.began).Seconds())+strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (t *trial) violate(format string, args ...any) {
	t.result.violations = append(t.result.violations, fmt.Sprintf(format, args...))
	t.note("VIOLATION "+format, args...)
}

// run is a round from one quiet moment to the next. An error means that the laboratory itself does not do what it should.
func (t *trial) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	began := time.Now()
	t.result = result{number: t.round.number, fault: t.round.fault}
	t.clients = newClients(fmt.Sprintf("%d.%d", t.seed, t.round.number), &t.serial, t.document)
	blow, err := t.aim(ctx)
	if err != nil {
		return err
	}
	if t.watch, err = t.lab.StartWatch(addresses...); err != nil {
		return err
	}
	defer t.watch.Stop()
	to := netip.AddrPortFrom(lab.WebVIP, servicePort)
	if t.prober, err = lab.StartProber(t.lab.Client, lab.Traffic{Network: "udp", To: to, Every: udpEvery}); err != nil {
		return err
	}
	defer t.prober.Stop()
	if err := t.prober.WaitAnswer(ctx, time.Now(), wholeTime); err != nil {
		return err
	}
	t.clients.start(ctx, [2]*lab.Router{t.lab.Routers[t.round.writers[0]], t.lab.Routers[t.round.writers[1]]}, t.lab.Routers)
	_ = lab.Pause(ctx, t.round.leadIn)

	t.gone = gone(blow.victim)
	struck := time.Now()
	t.note("%s strikes %s", t.round.fault, blow.victim.Name)
	err = blow.strike(ctx)
	bound := struck // nothing is excused
	if d := t.round.bound(t.lease); d > 0 {
		bound = time.Now().Add(d)
	}
	if err == nil {
		_ = lab.Pause(ctx, t.round.hold)
	}
	t.note("undo")
	undone := time.Now()
	uerr := t.undo(ctx, blow)
	t.note("undone")
	_ = lab.Pause(ctx, t.lease)
	t.clients.stop()
	if err != nil || uerr != nil {
		t.violate("%v could not be carried out: %v; undone: %v", t.round.fault, err, uerr)
	}
	t.settle(ctx)
	t.lone(ctx)
	t.observe(blow, struck, bound, undone)
	switch {
	case t.round.fault == onePath:
		t.unmoved(ctx)
	case t.round.fault == leap && t.round.director:
		t.dropped(ctx, blow.victim, struck, undone)
	}
	t.result.line = fmt.Sprintf("%s (%s): gap %d ms, overlap %d ms, %d writes%s, %.1f s", t.round, blow.victim.Name,
		t.result.gap.Milliseconds(), t.result.overlap.Milliseconds(), t.result.acked, t.result.detail, time.Since(began).Seconds())
	return ctx.Err()
}

// undo happens whatever was before, and if the run was ended too.
func (t *trial) undo(ctx context.Context, b *blow) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*memberTime)
	defer cancel()
	return b.undo(ctx)
}

// aim finds out who is who.
func (t *trial) aim(ctx context.Context) (*blow, error) {
	active, err := t.lab.Active(ctx)
	if err != nil {
		return nil, err
	}
	s, err := active.Status(ctx, lab.Own)
	if err != nil {
		return nil, err
	}
	t.was = s
	if s.Fence != "nftables" {
		t.violate("%s: the fence is %q, want nftables", active.Name, s.Fence)
	}
	others := slices.DeleteFunc(slices.Clone(t.lab.Routers), func(r *lab.Router) bool { return r == active })
	b := &blow{lab: t.lab, round: t.round, lease: t.lease, victim: active, helper: others[t.round.other], note: t.note}
	if !t.round.director {
		b.victim = others[t.round.other]
		b.helper = active
		if t.round.fault == onePair {
			b.helper = others[t.round.peer()]
		}
	}
	return b, nil
}

// settle waits until the cluster is whole, has the last word written, and wants every router to have it.
func (t *trial) settle(ctx context.Context) {
	for _, r := range t.lab.Routers {
		if !r.Running() {
			t.violate("%s: the agent ended by itself: %s", r.Name, r.LogTail(3))
			if err := r.Start(ctx); err != nil {
				t.violate("%v", err)
				return
			}
		}
	}
	if err := t.whole(ctx); err != nil {
		t.violate("not whole %v after the fault: %v", wholeTime, err)
		return
	}
	on := t.lab.Routers[t.round.writers[0]]
	var last uint64
	err := lab.Eventually(ctx, wholeTime, func(ctx context.Context) error {
		if last = t.clients.change(ctx, closer, on.Name, on); last == 0 {
			return fmt.Errorf("%s takes no write", on.Name)
		}
		return nil
	})
	if err != nil {
		t.violate("%v", err)
		return
	}
	table := t.table(int(t.serial.Load()))
	err = lab.Eventually(ctx, wholeTime, func(ctx context.Context) error {
		for _, r := range t.lab.Routers {
			s, err := r.Status(ctx, lab.Own)
			if err != nil {
				return err
			}
			if s.Revision != last || s.AppliedRevision != last {
				return fmt.Errorf("%s knows revision %d and follows %d, want %d", r.Name, s.Revision, s.AppliedRevision, last)
			}
			got, err := r.Table(ctx)
			if err != nil {
				return err
			}
			if got != table {
				return fmt.Errorf("%s's table is\n%s\nwant\n%s", r.Name, got, table)
			}
		}
		return nil
	})
	if err != nil {
		t.violate("not quiet: %v", err)
	}
	if err := t.prober.WaitAnswer(ctx, time.Now(), wholeTime); err != nil {
		t.violate("clients are not served: %v", err)
	}
	t.account(ctx, last)
	t.count()
}

// account compares what clients were told with what every router has.
func (t *trial) account(ctx context.Context, last uint64) {
	ends := make(map[string]history)
	for _, r := range t.lab.Routers {
		var list []revision
		if err := r.Ask(ctx, http.MethodGet, fmt.Sprintf("/v1/revisions?n=%d", min(last-t.was.Revision+1, 100)), nil, &list); err != nil {
			t.violate("history: %v", err)
			return
		}
		ends[r.Name] = make(history)
		for _, x := range list {
			ends[r.Name][x.Number] = x.Message
		}
	}
	ops := t.clients.all()
	found := lost(ops, ends)
	t.result.lost = len(found)
	for _, v := range slices.Concat(found, unwanted(ops, ends), diverging(ends)) {
		t.violate("%s", v)
	}
	for _, o := range ops {
		switch {
		case o.write && o.outcome == done:
			t.result.acked++
		case o.write && o.outcome == unknown:
			t.result.open++
		}
	}
	t.drawing.Reset()
	if why := linearizable(t.was.Revision, ops, &t.drawing); why != "" {
		t.violate("%s", why)
	}
}

// count looks at what every agent has open.
func (t *trial) count() {
	for _, r := range t.lab.Routers {
		now, err := r.Usage()
		if err != nil {
			t.violate("%v", err)
			continue
		}
		if t.usage[r.Name].PID != now.PID {
			t.usage[r.Name] = now
		}
		for _, v := range leaks(r.Name, t.usage[r.Name], now) {
			t.violate("%s", v)
		}
	}
}

// observe looks at what the segment and the client saw.
func (t *trial) observe(b *blow, struck, bound, undone time.Time) {
	now := time.Now()
	t.result.gap = t.prober.Between(struck.Add(-100*time.Millisecond), now).Gap
	for _, a := range addresses {
		all := stretches(t.watch.Overlaps(a, time.Time{}, now))
		t.result.overlap = max(t.result.overlap, longest(all))
		for _, s := range all {
			if s.excused(struck, bound) {
				t.note("within the bound, %v: %v, for %v", a, s.who, s.to.Sub(s.from))
				continue
			}
			t.violate("%v: %v, for %v, %v after the fault", a, s.who, s.to.Sub(s.from), s.from.Sub(struck))
		}
		// A process that cannot do anything: its kernel must be silent by the bound, and until it is back.
		if t.round.bound(t.lease) > 0 && undone.After(bound) {
			if v := spoke(b.victim.Name, t.watch.Answers(a, bound, undone), bound); v != "" {
				t.violate("%s", v)
			}
		}
	}
}

// lone waits until one router answers for each address. Who it is may change at any time: that is for elections to say.
func (t *trial) lone(ctx context.Context) {
	_ = lab.Pause(ctx, calmTime)
	err := lab.Eventually(ctx, wholeTime, func(context.Context) error {
		for _, a := range addresses {
			now := time.Now()
			if holders := t.watch.Holders(a, now.Add(-calmTime), now); len(holders) != 1 {
				return fmt.Errorf("%v is held by %v when all is quiet", a, holders)
			}
		}
		return nil
	})
	if err != nil {
		t.violate("%v", err)
	}
}
