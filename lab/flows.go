package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Flows are established connections in numbers: what must live through a failover. Its methods may be called by one goroutine at a time.
type Flows struct {
	node  *Node
	to    []netip.AddrPort
	every time.Duration
	all   []*Flow
}

// Tally is what became of connections.
type Tally struct {
	Flows   int
	Broken  int
	Silence time.Duration // the longest of one that lives
	Why     []string      // each broken connection's error
}

// String is the tally as part of a sentence.
func (t Tally) String() string {
	text := fmt.Sprintf("%d of %d connections broken, longest silence %d ms", t.Broken, t.Flows, t.Silence.Milliseconds())
	for _, why := range t.Why {
		text += "\n" + why
	}
	return text
}

// Plus is what became of both.
func (t Tally) Plus(o Tally) Tally {
	return Tally{t.Flows + o.Flows, t.Broken + o.Broken, max(t.Silence, o.Silence), slices.Concat(t.Why, o.Why)}
}

// patient is how long a connection may be silent until it counts as broken. Who has retried in vain for some seconds waits for as many
// until it does again.
const patient = 25 * time.Second

// StartFlows opens so many connections from a node to echo services, one after another in turn, each of which says something so often.
// Stop them.
func StartFlows(ctx context.Context, n *Node, count int, every time.Duration, to ...netip.AddrPort) (*Flows, error) {
	f := &Flows{node: n, to: to, every: every, all: make([]*Flow, count)}
	return f, f.mend(ctx)
}

// mend opens those that are not there or broken anew. Who has just taken over may need a moment.
func (f *Flows) mend(ctx context.Context) error {
	for i, flow := range f.all {
		if flow != nil {
			if _, err := flow.Lap(); err == nil {
				continue
			}
			_, _, _ = flow.Stop() // it was counted
		}
		err := Eventually(ctx, startupTimeout, func(ctx context.Context) (err error) {
			f.all[i], err = StartFlow(ctx, f.node, f.to[i%len(f.to)], f.every)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Tally waits until every connection has spoken after a moment or is broken, and says what became of them since it was asked before.
// Those that are broken are opened anew.
func (f *Flows) Tally(ctx context.Context, after time.Time) (Tally, error) {
	_ = eventually(ctx, often, patient, func(context.Context) error { // those that stay silent are counted
		for _, flow := range f.all {
			if !flow.settled(after) {
				return errors.New("silent")
			}
		}
		return nil
	})
	t := Tally{Flows: len(f.all)}
	for _, flow := range f.all {
		silence, err := flow.Lap()
		switch {
		case err != nil:
			t.broke(err)
		case !flow.settled(after):
			err := fmt.Errorf("flow to %s: silent for %v", flow.Server, silence.Round(time.Millisecond))
			t.broke(err)
			flow.give(err)
		default:
			t.Silence = max(t.Silence, silence)
		}
	}
	return t, f.mend(ctx)
}

func (t *Tally) broke(why error) {
	t.Broken++
	t.Why = append(t.Why, why.Error())
}

// Stop closes every connection.
func (f *Flows) Stop() {
	for _, flow := range f.all {
		if flow != nil {
			_, _, _ = flow.Stop() // Tally has told
		}
	}
}

// settled tells whether the connection has spoken after a moment, or never will.
func (f *Flow) settled(after time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err != nil || f.last.After(after)
}

// give gives the connection up.
func (f *Flow) give(err error) {
	f.stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// WaitShared waits until every router shares its connections with the others and has listened long enough to know theirs.
func (l *Lab) WaitShared(ctx context.Context) error {
	return Eventually(ctx, 3*startupTimeout, func(ctx context.Context) error {
		for _, r := range l.Routers {
			s, err := r.Status(ctx, OwnBrief)
			if err != nil {
				return err
			}
			if d := s.SyncDaemon; !d.Master || !d.Backup || !d.Ready {
				return fmt.Errorf("%s: sync daemon %+v", r.Name, d)
			}
		}
		return nil
	})
}

// SharedConnections is the block of a document that has the routers tell each other of their connections, on the inner segment.
const SharedConnections = "cluster {\n  sync_daemon {\n    interface = \"inside\"\n    id        = 7\n  }\n}\n\n"

// Told is how long it takes until the other routers know of a new connection: the kernel collects for two seconds and looks once in a
// second whether it has.
const Told = 4 * time.Second
