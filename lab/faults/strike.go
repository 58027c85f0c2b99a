package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"polso/lab"
)

// blow is a fault that happens to a laboratory: what it does, and how it is undone.
type blow struct {
	lab            *lab.Lab
	round          round
	lease          time.Duration
	victim, helper *lab.Router // helper is another one
	note           func(format string, args ...any)

	wall *lab.Wall
}

// notNow are the command line's exit statuses for what cannot be done while a cluster is in trouble.
func notNow(err error) bool {
	switch lab.ExitStatus(err) {
	case 1, 4, 7: // refused, no leader, not in time
		return true
	default:
		return false
	}
}

// strike lets the fault happen.
func (b *blow) strike(ctx context.Context) (err error) {
	switch b.round.fault {
	case cut:
		return b.lab.Cut(ctx, b.victim.Node)
	case oneWay:
		return b.lab.CutOneWay(ctx, b.victim.Node, b.round.way)
	case onePair:
		return b.lab.CutPair(ctx, b.victim.Node, b.helper.Node)
	case onePath:
		return b.lab.CutPath(ctx, b.round.path)
	case loss, delay:
		return b.lab.Trouble(ctx, b.victim, b.round.weather)
	case kill:
		return b.victim.Kill()
	case stop:
		return b.victim.Stop()
	case restart:
		return b.victim.Term()
	case stall:
		return b.victim.StallDisk()
	case full:
		return b.victim.FillDisk()
	case clock:
		b.wall, err = lab.StepWall(b.round.step)
		return err
	case leap:
		return b.leap(ctx)
	case transfer:
		text, err := b.victim.Polso(ctx, "transfer", b.helper.Name, "--yes")
		if notNow(err) {
			b.note("transfer: %v", err) // the promise is that nothing breaks, not that it comes about
			return nil
		}
		b.note("%s", text)
		return err
	case member:
		return b.unmember(ctx)
	default:
		panic("faults: unknown fault")
	}
}

// undo has everything as it was, the agent running and the router a member. Of what needs no other router it may be asked
// twice.
func (b *blow) undo(ctx context.Context) error {
	switch b.round.fault {
	case cut, oneWay, onePair:
		return b.lab.Heal(ctx, b.victim.Node)
	case onePath:
		return b.lab.HealPath(ctx)
	case loss, delay:
		return b.lab.Calm(ctx, b.victim)
	case kill, restart:
		if err := b.victim.Wait(ctx); err != nil {
			return err
		}
		return b.victim.Start(ctx)
	case stop, leap:
		return b.victim.Cont() // a clock does not go back
	case stall:
		return b.victim.ResumeDisk()
	case full:
		return b.victim.FreeDisk()
	case clock:
		if b.wall == nil {
			return nil
		}
		return b.wall.Restore()
	case transfer:
		return nil
	case member:
		return b.remember(ctx)
	default:
		panic("faults: unknown fault")
	}
}

// leap lets the victim find itself after a suspend. The director's process goes on all the while: for the others nothing has
// happened, so it must let go although nobody takes over. Another router has promised the leader time by its clock, and
// that time must have passed when the clock says so: it stands still for as long as a promise runs.
func (b *blow) leap(ctx context.Context) error {
	if b.round.director {
		return b.victim.Leap(b.round.step)
	}
	if err := b.victim.Stop(); err != nil {
		return err
	}
	_ = lab.Pause(ctx, b.lease)
	return errors.Join(b.victim.Leap(b.round.step), b.victim.Cont())
}

// memberTime is how long is tried to change the members; a cluster that writes meanwhile may lose its lead at any time.
const memberTime = 60 * time.Second

// insist repeats a command until it is done.
func (b *blow) insist(ctx context.Context, what string, do func(context.Context) error) error {
	err := lab.Eventually(ctx, memberTime, func(ctx context.Context) error {
		err := do(ctx)
		if err != nil {
			b.note("%s: %v", what, err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// unmember takes the victim out.
func (b *blow) unmember(ctx context.Context) error {
	switch b.round.change {
	case leaves:
		return b.insist(ctx, "leave", func(ctx context.Context) error { return b.leave(ctx) })
	case removed:
		return b.insist(ctx, "remove", func(ctx context.Context) error {
			_, err := b.helper.Polso(ctx, "remove", "router", b.victim.Name, "--yes")
			if lab.ExitStatus(err) == 6 {
				return nil // an earlier try, whose end was not seen, did it
			}
			return err
		})
	case replaced:
		return errors.Join(b.victim.Kill(), b.victim.Wipe())
	default:
		panic("faults: unknown change")
	}
}

func (b *blow) leave(ctx context.Context, flags ...string) error {
	s, err := b.victim.Status(ctx, lab.Own)
	if err != nil || s.Cluster == "" {
		return err // out already
	}
	_, err = b.victim.Polso(ctx, append([]string{"leave", "--yes"}, flags...)...)
	return err
}

// remember takes the victim in again.
func (b *blow) remember(ctx context.Context) error {
	var flags []string
	switch b.round.change {
	case leaves:
	case removed: // it may not have heard of it
		if err := b.insist(ctx, "leave", func(ctx context.Context) error { return b.leave(ctx, "--force") }); err != nil {
			return err
		}
	case replaced:
		if err := b.victim.Start(ctx); err != nil {
			return err
		}
		flags = []string{"--replace", b.victim.Name}
	}
	return b.insist(ctx, "join", func(ctx context.Context) error {
		if s, err := b.victim.Status(ctx, lab.Own); err != nil || s.Cluster != "" {
			return err // in already
		}
		return b.lab.Join(ctx, b.helper, b.victim, flags...)
	})
}
