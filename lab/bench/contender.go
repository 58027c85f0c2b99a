package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"polso/lab"
)

// contender is a way to keep a director: how its routers are set up, and what it needs for each event.
type contender struct {
	name    string
	limits  map[event]time.Duration // what the median may be at most; absent: no promise
	start   func(ctx context.Context, l *lab.Lab) error
	respawn func(ctx context.Context, r *lab.Router) error
	settle  func(ctx context.Context, l *lab.Lab) error // until the next event may come
	relieve func(ctx context.Context, l *lab.Lab, active *lab.Router) error
	binary  string
	kernel  kernel

	peer      bool // not Polso: a failure is its own, and none of the measurement
	transfers bool // relieve leaves the process running; it may direct again when the other one fails to
}

// excluded is the router that cannot be the director after an event.
func (c contender) excluded(e event, active *lab.Router) *lab.Router {
	if e == planned && c.transfers {
		return nil
	}
	return active
}

// strike lets an event happen to the director.
func (c contender) strike(ctx context.Context, l *lab.Lab, e event, active *lab.Router) error {
	switch e {
	case cut:
		return l.Cut(ctx, active.Node)
	case kill:
		return active.Kill()
	case planned:
		return c.relieve(ctx, l, active)
	default:
		panic("bench: unknown event")
	}
}

// restore undoes an event, so that the next one finds the router at work again.
func (c contender) restore(ctx context.Context, l *lab.Lab, e event, active *lab.Router) error {
	switch {
	case e == cut:
		return l.Heal(ctx, active.Node)
	case e == planned && c.transfers:
		return nil // it went on as a backup
	}
	if err := active.Wait(ctx); err != nil {
		return err
	}
	return c.respawn(ctx, active)
}

// leave ends a laboratory and keeps its logs, always: what took the time is asked after good runs too.
func leave(l *lab.Lab, name string, err error) error {
	where, kerr := l.KeepLogs(name)
	if err != nil && kerr == nil {
		err = fmt.Errorf("%w (logs: %s)", err, where)
	}
	return errors.Join(err, kerr, l.Close())
}

// notInTime is the command line's exit status for what did not come true.
const notInTime = 7

// event is what happens to the director.
type event int

// The events.
const (
	cut event = iota
	kill
	planned
)

var events = []event{cut, kill, planned}

func (e event) String() string { return [...]string{"cut off", "killed", "planned"}[e] }

// kernel is what the routers' kernels do for a virtual server.
type kernel string

// The kernels.
const (
	balances kernel = "real"      // IPVS sends the datagrams on to real servers
	answers  kernel = "simulated" // none: the router that holds the address answers itself, so any kernel will do
)

func contenders(binary string, k kernel) []contender {
	l := load{services: []lab.Virtual{service}}
	return []contender{
		polso(binary, k, l, "lan", map[event]time.Duration{cut: 600 * time.Millisecond, planned: 100 * time.Millisecond}),
		polso(binary, k, l, "fast", map[event]time.Duration{cut: 300 * time.Millisecond, planned: 100 * time.Millisecond}),
		keepalived(k, l, "1s", 2, "1", time.Second),
		keepalived(k, l, "0.1s", 3, "0.1", 100*time.Millisecond),
	}
}

// polso is the product with one of its profiles. Its planned event is `polso transfer`.
func polso(binary string, k kernel, w load, profile string, limits map[event]time.Duration) contender {
	return contender{
		name: "polso-" + profile, limits: limits, binary: binary, kernel: k, transfers: true,
		start: func(ctx context.Context, l *lab.Lab) error {
			for _, r := range l.Routers {
				if err := r.Start(ctx); err != nil {
					return err
				}
			}
			if err := l.Form(ctx, "--profile", profile); err != nil {
				return err
			}
			return l.Apply(ctx, l.Routers[0], w.document(l))
		},
		respawn: func(ctx context.Context, r *lab.Router) error { return r.Start(ctx) },
		settle: func(ctx context.Context, l *lab.Lab) error {
			if err := l.WaitWhole(ctx); err != nil || k == answers {
				return err
			}
			if _, err := l.SameTable(ctx, w.lines()); err != nil || !w.shared {
				return err
			}
			return l.WaitShared(ctx)
		},
		relieve: func(ctx context.Context, _ *lab.Lab, active *lab.Router) error {
			_, err := active.Polso(ctx, "transfer", "--yes")
			if err == nil || lab.ExitStatus(err) == notInTime {
				return nil // the other one lost the lead again: what the client saw of it counts all the same
			}
			// So does it if a third one was elected instead, which only the lead itself shows.
			if s, unasked := active.Status(ctx, lab.OwnBrief); unasked == nil && !s.Lease.Held {
				return nil
			}
			return err
		},
	}
}

// keepalived is Debian's, with VRRP multicast and the same virtual server. Its planned event is SIGTERM, which makes it
// send priority 0.
func keepalived(k kernel, w load, name string, version int, advert string, interval time.Duration) contender {
	spawn := func(ctx context.Context, r *lab.Router) error {
		dir, err := os.MkdirTemp("", "ka-"+r.Name+"-")
		if err != nil {
			return err
		}
		conf := keepalivedConfig(k, w, r, version, advert)
		if err := os.WriteFile(dir+"/conf", []byte(conf), 0o644); err != nil {
			return err
		}
		// What a killed predecessor left would be refused as already there.
		for _, a := range w.addresses() {
			if err := r.Batch(ctx, "addr flush dev "+a.device+" to "+a.addr.String()); err != nil {
				return err
			}
		}
		if err := w.settings(r); err != nil {
			return err
		}
		return r.Spawn("keepalived", "--dont-fork", "--log-console", "--no-syslog", "--use-file="+dir+"/conf",
			"--pid="+dir+"/pid", "--vrrp_pid="+dir+"/vrrp", "--checkers_pid="+dir+"/checkers")
	}
	return contender{
		name: "keepalived-" + name, kernel: k, peer: true,
		start: func(ctx context.Context, l *lab.Lab) error {
			for _, r := range l.Routers {
				if err := spawn(ctx, r); err != nil {
					return err
				}
			}
			return nil
		},
		respawn: spawn,
		settle: func(ctx context.Context, l *lab.Lab) error {
			// It says nothing of its readiness. Three silent intervals make a master: after four a backup has heard one.
			return lab.Pause(ctx, time.Second+4*interval)
		},
		relieve: func(ctx context.Context, _ *lab.Lab, active *lab.Router) error { return active.Term() },
	}
}
