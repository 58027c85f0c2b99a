// Package agent is one node, wired: it opens everything, starts every goroutine in one group and closes in reverse.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"polso/api"
	"polso/consensus/store"
	"polso/events"
	"polso/metrics"
)

// Agent is one node. Run it once.
type Agent struct {
	o       Options
	log     *slog.Logger
	home    *store.Home // nil with Dev, and while the data directory cannot be used at all
	noHome  error       // why it cannot
	door    *door
	metrics *metrics.Registry
	ring    *events.Ring // what this router saw
	recent  *recent
	ending  <-chan struct{}
	flight  *flight // nil: nothing is recorded
	started time.Time

	forming  sync.Mutex // one init, join or leave at a time
	current  atomic.Pointer[body]
	restart  chan struct{} // a doorbell: this node's part in the cluster should begin anew
	renewing atomic.Bool   // it does just now
	again    chan anew     // the cluster is entered or left: end the body, and build another
}

// Run is one node from its start to its end: it serves until ctx ends, then hands its addresses over and returns. An error
// says what could not be opened, or what broke; it is an *OptionsError when o cannot be, before anything is opened.
func Run(ctx context.Context, o Options) error {
	o, err := o.check()
	if err != nil {
		return err
	}
	return permitted(run(ctx, o), o)
}

// tryIt is how Polso runs where one may do nothing special.
const tryIt = "polso agent --dev --socket /tmp/polso.sock"

// permitted gives a want of privileges its next step.
func permitted(err error, o Options) error {
	if _, ok := errors.AsType[*api.Error](err); ok || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	e := api.Errorf(api.CodeDenied, "%v", err)
	if o.Dev {
		return e.WithHint("%s needs no privileges; then export POLSO_ADDR=unix:///tmp/polso.sock for the commands", tryIt)
	}
	return e.WithHint("run as root, or choose places that you may write to with --data-dir and --socket; to try it without privileges: %s", tryIt)
}

func run(ctx context.Context, o Options) (err error) {
	if o.needsKernel && o.Kernel != NoKernel && !store.HasCluster(o.DataDir) { // before anything is written
		if err := o.able(); err != nil {
			return err
		}
	}
	var last *recent
	o.Log, last = remembering(o.Log)
	a := &Agent{o: o, log: o.Log, ring: events.NewRing(o.Name), recent: last, ending: ctx.Done(), started: time.Now(), again: make(chan anew), restart: make(chan struct{}, 1)}
	if o.FlightRecorder && !o.Dev {
		a.flight = newFlight(o.DataDir, o.Log.With("part", "flight"))
	}
	if o.begun != nil {
		o.begun(a)
	}
	if !o.Dev {
		if a.home, err = store.OpenHome(o.DataDir, o.Name); err != nil {
			if !lost(err) {
				return err
			}
			a.home, a.noHome = nil, err
		}
		defer func() {
			if a.home != nil {
				a.home.Close()
			}
		}()
	}
	a.metrics = metrics.New(a.scraped, o.Version)
	for _, c := range o.Numbers {
		a.metrics.Register(c)
	}
	if a.door, err = openDoor(ctx, a); err != nil {
		return err
	}
	defer a.door.close()
	l, err := listenSocket(o.Socket)
	if err != nil {
		return err
	}
	return a.run(ctx, l)
}

func (a *Agent) run(ctx context.Context, l net.Listener) error {
	first, err := a.open(ctx)
	if err != nil {
		l.Close()
		return err
	}
	a.current.Store(first)
	for _, f := range examineInterfaces(first.local.links, a.o.Interfaces) {
		if f.Level != "ok" && !first.bare {
			a.log.Warn("interface cannot be used", "interface", f.Name, "why", f.Detail, "fix", f.Fix)
		}
	}
	a.ring.Add(events.Event{Kind: events.Started, About: a.o.Name, What: "polso " + a.o.Version.Version})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveAPI(ctx, l, a.socketHandler()) })
	g.Go(func() error { return a.door.run(ctx) })
	g.Go(func() error { return a.bodies(ctx, first) })
	g.Go(func() error { return a.supervise(ctx) })
	g.Go(func() error { return a.statusLines(ctx) })
	g.Go(func() error { return a.restarts(ctx) })
	if a.flight != nil {
		g.Go(func() error { return a.flight.run(ctx) })
	}
	a.log.Info("agent started", "node", a.o.Name, "version", a.o.Version.Version, "socket", a.o.Socket, "https", a.door.addresses(), "formed", first.member != nil, "kind", first.kind)
	return ignoreCanceled(g.Wait())
}

// anew asks for another body, and for what is to be done between the two, while nothing of the node runs.
type anew struct {
	between func() error
	done    chan error // of between, once the new body is the current one
}

// Error makes it what a body ends with.
func (anew) Error() string { return "the cluster is entered or left" }

// bodies runs one body after the other: a node that enters or leaves a cluster begins anew.
func (a *Agent) bodies(ctx context.Context, b *body) error {
	for {
		err := b.run(ctx, a.again)
		next, asked := errors.AsType[anew](err)
		if !asked {
			return err
		}
		failed := next.between()
		if b, err = a.open(ctx); err != nil {
			next.done <- errors.Join(failed, err)
			return fmt.Errorf("after entering or leaving the cluster: %w", err)
		}
		a.current.Store(b)
		next.done <- failed
	}
}

// reform ends the body, does between, and waits until another body has taken over.
func (a *Agent) reform(ctx context.Context, between func() error) error {
	next := anew{between: between, done: make(chan error, 1)}
	select {
	case a.again <- next:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-next.done
}

// through is a context for what must not be left half done because who asked has hung up.
func through(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}

// waitFor returns nil once is answers true, looking every 10 ms, or ctx's error.
func waitFor(ctx context.Context, is func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// waitUpTo is waitFor for at most limit.
func waitUpTo(ctx context.Context, limit time.Duration, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return waitFor(ctx, is)
}
