package director

import (
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
	spared     Spared  // the last pass's
	grounds    Grounds // likewise
	hushed     bool    // likewise
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
	in.Others = d.o.Others()
	in.Spared, in.Grounds, in.Hushed = d.memory.spared, d.memory.grounds, d.memory.hushed
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
	known := survey.large() && !d.memory.last
	if known { // what is to be done comes before the looking
		observe(func(IPVS, time.Time) error { return nil })
	} else {
		observe(survey.look)
	}
	took := takes && err == nil && p.takeUp(in)
	switch {
	case took:
		observe(survey.check)
	case takes && known:
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
	d.memory.homes, d.memory.pools, d.memory.again = want.Homes, want.Pools, want.Again
	d.memory.spared, d.memory.grounds, d.memory.hushed = want.Spared, want.Grounds, want.Hushed
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
	if known {
		p.glance(want, now)
	}
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
