package director

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"polso/ipvs"
)

// batch is how many steps are done before the pass looks up: whoever has withdrawn the mandate waits no longer for the
// addresses to go than these take.
const batch = 1024

// follow does the smallest steps from have to want and tells whether the kernel then is as wanted. Services of addresses that
// are stuck stay until those have gone: without them the kernel would reset the connections that it balances now. When all
// services that come have come, and before any goes, it is turn's turn.
func (p *pass) follow(m Mandate, want, have ipvs.Table, stuck map[netip.Addr]bool, turn func()) bool {
	ops := ipvs.Plan(want, have)
	if len(ops) == 0 {
		turn()
		p.reached(want)
		return true
	}
	// Nothing new is wanted since the kernel was as wanted: then somebody else changed it.
	repairs := p.memory.left != nil && len(ipvs.Plan(want, *p.memory.left)) == 0
	p.memory.left = nil
	stays := func(op ipvs.Op) bool { return op.Verb == ipvs.DeleteService && stuck[p.addressOf(op.Service.Key)] }
	failed := slices.ContainsFunc(ops, stays) // at the address: that is among the failures
	ops = slices.DeleteFunc(ops, stays)
	defer func() {
		if p.steps > logged {
			p.log.Info("ipvs changed", "steps", p.steps)
		}
	}()
	goes := slices.IndexFunc(ops, func(op ipvs.Op) bool { return op.Verb == ipvs.DeleteService }) // removals come last
	if goes < 0 {
		goes = len(ops)
	}
	for i, list := range [][]ipvs.Op{ops[:goes], ops[goes:]} {
		for part := range slices.Chunk(list, batch) {
			for i, err := range p.o.IPVS.Batch(part) {
				op := part[i]
				switch {
				case errors.Is(err, ipvs.ErrSkipped):
				case err != nil:
					p.refused(op, err)
					failed = true
				default:
					p.did(op)
					if repairs {
						p.drift++
					}
				}
			}
			if p.recalled(m) {
				p.memory.survey.forget()
				p.Ring()
				return false
			}
		}
		if i == 0 {
			turn()
		}
	}
	if err := p.memory.survey.confirm(p.o.IPVS, ops, time.Now()); err != nil {
		p.fail("ipvsadm -L", err)
		return false
	}
	if left := ipvs.Plan(want, p.memory.survey.table); len(left) > 0 && !failed {
		p.refused(left[0], errNotKept)
		failed = true
	}
	if failed {
		return false
	}
	p.reached(want)
	return true
}

// reached notes that the kernel is as wanted.
func (p *pass) reached(want ipvs.Table) {
	p.memory.left = &want
	p.memory.survey.adopt(want)
}

// logged is how many steps of a pass are logged one by one.
const logged = 100

// did notes a step that was done.
func (p *pass) did(op ipvs.Op) {
	p.steps++
	if p.steps <= logged {
		p.log.Info("ipvs changed", "op", op.String())
	}
}

// errNotKept means that the kernel took a step without complaint and yet is not as wanted: somebody else writes there too.
var errNotKept = errors.New("done, but the kernel does not show it; does something else write there?")

// glance looks at a part of a large table, if that is due, after a pass that went by what was known: what asks for a pass does not wait
// for it. What is not as wanted has another pass begin.
func (p *pass) glance(want Want, now time.Time) {
	s := &p.memory.survey
	seen := s.at
	if err := s.look(p.o.IPVS, now); err != nil || s.at.Equal(seen) {
		return // the next pass reads everything, and says it if it cannot
	}
	shown := *p.Status()
	shown.Table, shown.Stats = s.table, s.stats
	p.status.Store(&shown)
	if !want.KeepTable && len(ipvs.Plan(want.Table, s.table)) > 0 {
		p.Ring()
	}
}
