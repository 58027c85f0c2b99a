package director

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// memory is what one pass must know of those before it.
type memory struct {
	links   vip.Links // as last read
	asked   *asked    // of the last pass's document
	past    past      // of the last decision
	probes  []health.Target
	homes   map[netip.Addr]Home
	pools   map[ipvs.Key]Pool
	again   time.Duration      // the next pass is due then; 0: when it is
	survey  survey             // of the kernel's table
	rules   *ipvs.Rules        // as last read or made; nil: not to be had
	ruled   *ipvs.Rules        // what the last pass wanted and reached; nil if it did not
	left    *ipvs.Table        // the same of the table
	present map[holding]bool   // what was in the kernel after the last pass
	sysctls map[string]string  // settings seen as wanted
	changed map[string]Changed // settings that were changed, by processes before this one too; nil: not read yet
	// unrecorded: the last change of them could not be recorded
	unrecorded bool
	last       bool          // there is no pass after this one
	lapsed     bool          // an address was not held because its mandate had run out meanwhile
	mandate    Mandate       // the last pass's
	decided    *decided      // likewise
	synced     []ipvs.Daemon // those that ran after the last pass that could read them
	syncDevice int           // the index of the device that they were last seen on
	hearing    hearing
	scar       scar
	spared     Spared // the last pass's
}

// spot is an address on a link.
type spot struct {
	addr netip.Addr
	link string
}

// holding is a spot under one mandate.
type holding struct {
	spot
	epoch uint64
}

func spotOf(h vip.Held) spot { return spot{h.Addr, h.Link} }

func holdingOf(h vip.Held) holding { return holding{spotOf(h), h.Epoch} }

// pass is one pass under way.
type pass struct {
	*Director
	failures []Failure
	drift    uint64
	now      map[string]string // settings that are wanted, as they are
	steps    int               // of the table
}

// pass completes the inputs, mandate and state, by what the node and its kernel are like, decides, and does what is
// missing: let go, ready the table, hold. As soon as everything that must go has gone, or could not, it says so to gone; the
// rest of the pass brings nothing back. It publishes a Status and returns what it said.
func (d *Director) pass(in Inputs, gone func(error)) error {
	p := &pass{Director: d}
	defer func(began time.Time) { d.o.Passed(time.Since(began)) }(time.Now())
	// Who may hold nothing lets go before anything that could be slow.
	nothing := len(in.Mandate.Groups) == 0 || !in.State.Known || in.State.Foreign
	var letGo error
	if nothing {
		letGo = p.letGo(nil)
		gone(letGo)
	}
	in.Health, in.Interfaces, in.Homes = d.o.Health.View(), d.o.Interfaces, d.memory.homes
	in.Others, in.Spared = d.o.Others(), d.memory.spared
	d.memory.asked = askedOf(d.memory.asked, in.State.Document)
	in.asked, in.past = d.memory.asked, &d.memory.past
	survey := &d.memory.survey
	now := time.Now()
	in.Now, in.Pools, in.Daemons = now, d.memory.pools, d.memory.synced
	var err error
	var have ipvs.Table
	observe := func(look func(IPVS, time.Time) error) {
		err = look(d.o.IPVS, now)
		have, in.Observed = survey.table, nil
		if err == nil {
			in.Observed, in.Stats = &have, survey.stats
		}
	}
	takes := !nothing && p.takes(in.Mandate)
	known := takes && survey.large()
	if known { // the addresses come before the looking
		observe(func(IPVS, time.Time) error { return nil })
	} else {
		observe(survey.look)
	}
	took := takes && err == nil && p.takeUp(in)
	switch {
	case took:
		observe(survey.check)
	case known:
		observe(survey.look)
	}
	d.memory.mandate = in.Mandate
	turned := func() bool { return !took && !d.memory.last && p.turned(in.Mandate) }
	if turned() {
		return p.leave(letGo, nothing, gone)
	}
	in.Links = p.links()
	if err != nil {
		p.fail("ipvsadm -L", err)
	}
	in.Last = survey.table
	p.memory.rules, in.Ruleless = p.readRules()
	var deaf error
	in.Daemons, deaf = p.daemons()
	want := Decide(in)
	if turned() {
		return p.leave(letGo, nothing, gone)
	}
	d.memory.homes, d.memory.pools, d.memory.again, d.memory.spared = want.Homes, want.Pools, want.Again, want.Spared
	if !same(d.memory.probes, want.Probes) {
		d.o.Health.Set(want.Probes)
		d.memory.probes = want.Probes
	}
	want.Problems = append(want.Problems, d.o.Troubles()...)
	if !nothing {
		letGo = p.letGo(want.Held)
		gone(letGo)
	}
	converged := false
	if !want.KeepTable {
		p.set(p.attentive(want.Sysctls, in.Links), in.Links)
		converged = p.balance(in.Mandate, want, have, p.stuck(letGo, want.Held))
	} else {
		if value, ok := want.Sysctls[BackupOnly]; ok {
			p.set(Sysctls{BackupOnly: value}, in.Links)
		}
		d.memory.left, d.memory.ruled = nil, nil
	}
	reports := p.hold(in.Mandate, &want)
	var running []ipvs.Daemon
	if !want.KeepTable { // last: no address waits for it
		running = p.synchronise(in, &want, deaf)
		want.Unfit = append(want.Unfit, p.unheard(in, want)...)
	}
	d.memory.decided = &decided{in.State, want}
	p.publish(in, want, running, reports, converged)
	return letGo
}

// fail notes a step that failed.
func (p *pass) fail(step string, err error) {
	p.failures = append(p.failures, Failure{Step: step, Err: err.Error()})
}

// refused notes an operation that failed, its words once. The table may be another than was believed.
func (p *pass) refused(op ipvs.Op, err error) {
	p.memory.survey.forget()
	p.failures = append(p.failures, Failure{Step: "ipvsadm " + op.String(), Err: strings.TrimPrefix(err.Error(), op.String()+": ")})
}

// letGo removes every address of ours that is not in keep.
func (p *pass) letGo(keep []vip.Held) error {
	err := p.o.VIP.LetGo(keep)
	if err != nil {
		p.fail("ip addr del", err)
	}
	return err
}

// stuck returns the addresses that are still there although they had to go, and could not: clients still come to them.
func (p *pass) stuck(letGo error, keep []vip.Held) map[netip.Addr]bool {
	if letGo == nil {
		return nil
	}
	out := make(map[netip.Addr]bool)
	for _, r := range p.o.VIP.Report() {
		if r.Present && !slices.ContainsFunc(keep, func(h vip.Held) bool { return spotOf(h) == spotOf(r.Held) }) {
			out[r.Addr] = true
		}
	}
	return out
}

// links reads the links. When that fails the last known ones stand: an address must not be let go because netlink was busy.
func (p *pass) links() vip.Links {
	links, err := p.o.VIP.Links()
	if err != nil {
		p.fail("ip addr show", err)
		return p.memory.links
	}
	p.memory.links = links
	return links
}

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

// recalled tells whether the mandate under which the pass began is no longer whole. Its addresses have to go before
// anything else, with which a new pass begins.
func (p *pass) recalled(m Mandate) bool {
	now := p.o.Mandate()
	for g := range m.Groups {
		if _, still := now.Groups[g]; !still || now.Epoch != m.Epoch {
			return true
		}
	}
	return false
}

// turned tells whether the mandate has come or gone since the pass began. Addresses wait for the next pass then, while this one is for
// deciding about a table, which takes the longer the larger it is.
func (p *pass) turned(m Mandate) bool {
	now := p.o.Mandate()
	return len(now.Groups) > 0 != (len(m.Groups) > 0) || len(m.Groups) > 0 && now.Epoch != m.Epoch
}

// leave ends a pass that has changed nothing yet but let go, if it had to; the next one begins at once.
func (p *pass) leave(letGo error, told bool, gone func(error)) error {
	if !told {
		gone(letGo)
	}
	p.Ring()
	return letGo
}

// errNotKept means that the kernel took a step without complaint and yet is not as wanted: somebody else writes there too.
var errNotKept = errors.New("done, but the kernel does not show it; does something else write there?")

// publish makes the pass's Status and logs what is new in it.
func (p *pass) publish(in Inputs, want Want, running []ipvs.Daemon, reports map[spot]vip.Report, converged bool) {
	old := p.Status()
	s := &Status{
		At:        time.Now(),
		Revision:  old.Revision,
		Converged: converged && len(p.failures) == 0,
		Epoch:     in.Mandate.Epoch,
		Places:    want.Places,
		Table:     p.memory.survey.table,
		Stats:     p.memory.survey.stats,
		Sync:      running,
		Links:     in.Links,
		Health:    in.Health,
		Problems:  want.Problems,
		Unfit:     want.Unfit,
		Undecided: want.Undecided,
		Pools:     want.Pools,
		Failures:  p.failures,
		Drift:     old.Drift + p.drift,
		Passes:    old.Passes + 1,
		Settings:  p.settings(want.Sysctls),
	}
	if s.Converged {
		s.Revision = in.State.Revision
	}
	if len(p.failures) > 0 {
		s.Failing = old.Failing + 1
	}
	s.Unfit = append(slices.Clip(s.Unfit), p.scarred(in, s)...)
	places := make(map[netip.Addr]Place)
	for _, place := range want.Places {
		places[place.Addr] = place
	}
	for _, h := range want.Held {
		r, place := reports[spotOf(h)], places[h.Addr]
		s.Held = append(s.Held, HeldStatus{Held: h, Name: place.Name, Group: place.Group, Present: r.Present, Announced: r.Announced, Conflict: r.Conflict})
	}
	p.tell(old, s)
	if in.State.Known || len(s.Unfit) > 0 { // a process that ends is not fit again
		p.tellFitness(old, s)
	}
	p.status.Store(s)
}

// tell logs transitions; a state that lasts is one line.
func (p *pass) tell(old, s *Status) {
	for _, f := range news(s.Failures, old.Failures) {
		p.log.Error("step failed", "step", f.Step, "err", f.Err)
	}
	if old.Failing > 0 && s.Failing == 0 {
		p.log.Info("kernel follows again", "rev", s.Revision, "failing", old.Failing)
	}
	for _, q := range news(s.Problems, old.Problems) {
		p.log.Warn("problem", "what", q.What, "why", q.Why, "fix", q.Fix)
	}
	was := make(map[holding]bool)
	for _, h := range old.Held {
		if h.Present {
			was[holdingOf(h.Held)] = true
		}
	}
	for _, h := range s.Held {
		key := holdingOf(h.Held)
		if h.Present && !was[key] {
			p.log.Info("address held", "vip", h.Addr.String(), "link", h.Link, "epoch", h.Epoch)
		}
		delete(was, key)
	}
	for key := range was {
		p.log.Info("address let go", "vip", key.addr.String(), "link", key.link, "epoch", key.epoch)
	}
}

// news returns what of the list is not among the old, in the list's order.
func news[T comparable](list, old []T) []T {
	known := make(map[T]bool, len(old))
	for _, v := range old {
		known[v] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return known[v] })
}
