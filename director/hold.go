package director

import (
	"errors"
	"net/netip"
	"slices"

	"polso/ipvs"
	"polso/vip"
)

// hold puts up what is wanted and ready, until the ends of just now, and returns what is there then.
func (p *pass) hold(m Mandate, want *Want) map[spot]vip.Report {
	before := bySpot(p.o.VIP.Report())
	ready := p.ready(*want, before)
	for _, h := range ready {
		if p.memory.present[holdingOf(h)] && !before[spotOf(h)].Present {
			p.drift++ // somebody took it away under the same mandate
		}
	}
	ready, p.memory.lapsed = p.extended(m, want, ready)
	if len(ready) > 0 {
		err := p.o.VIP.Hold(ready)
		switch {
		case err == nil:
		case lapse(err):
			// No step failed: the mandate was read a moment too late, and may be a new one by now.
			p.memory.lapsed = true
		default:
			p.fail("ip addr add", err)
		}
	}
	after := bySpot(p.o.VIP.Report())
	p.memory.present = make(map[holding]bool)
	for _, r := range after {
		if r.Present {
			p.memory.present[holdingOf(r.Held)] = true
		}
	}
	return after
}

// extended gives what is to be held the ends of the mandate as it is now. What the pass did so far may have taken longer
// than a lease lasts; with the ends from its beginning it would come too late every time. Under another epoch, or for a
// group without a mandate by now, nothing was decided: that is left out, and lapsed says that the next pass is due soon.
func (p *pass) extended(m Mandate, want *Want, ready []vip.Held) (out []vip.Held, lapsed bool) {
	if len(ready) == 0 {
		return nil, false
	}
	now := p.o.Mandate()
	if now.Epoch != m.Epoch {
		return nil, true
	}
	fit := make(map[spot]bool, len(ready))
	for _, r := range ready {
		fit[spotOf(r)] = true
	}
	want.Held = held(now, want.Places)
	for _, h := range want.Held {
		if fit[spotOf(h)] {
			out = append(out, h)
		}
	}
	return out, len(out) < len(ready)
}

// lapse tells whether an error of Hold, or each of those joined in it, means that the mandate was over.
func lapse(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !lapse(err) })
	}
	return errors.Is(err, vip.ErrExpired) || errors.Is(err, vip.ErrStale)
}

// ready returns the wanted addresses that may attract traffic: those without services, and those of which at least one
// service is in the kernel. One scheduler that this kernel lacks must not take the other services of an address down with
// it, on every router. One that is held already and has lost its services is left as it is, neither renewed nor let go.
func (p *pass) ready(want Want, have map[spot]vip.Report) []vip.Held {
	made := make(map[ipvs.Key]bool)
	for _, s := range p.memory.survey.table.Services {
		made[s.Key] = true
	}
	p.unruled(want.Rules, made)
	services := make(map[netip.Addr][]ipvs.Key)
	for _, place := range want.Places {
		services[place.Addr] = place.Services
	}
	var out []vip.Held
	for _, h := range want.Held {
		keys := services[h.Addr]
		switch r := have[spotOf(h)]; {
		case len(keys) > 0 && p.passive(want) && !(r.Present && r.Epoch == h.Epoch):
			p.fail("ip addr add "+h.Addr.String()+" dev "+h.Link, errPassive)
		case len(keys) == 0 || slices.ContainsFunc(keys, func(k ipvs.Key) bool { return made[k] }):
			out = append(out, h)
		case r.Present && r.Epoch == h.Epoch:
		default:
			p.fail("ip addr add "+h.Addr.String()+" dev "+h.Link, errNotReady)
		}
	}
	return out
}

// blind wants what an address must have before it attracts traffic to a table that cannot be read just now: that the kernel
// balances, and the rules of the services that were there when it could be read.
func (w *Want) blind(in Inputs) {
	w.Rules = rules(in.State.Document, in.Last)
	if in.State.Document.Cluster.SyncDaemon == nil {
		return
	}
	w.Sysctls = Sysctls{BackupOnly: roleOf(in, w.Places)}
}

// roleOf is what BackupOnly is to be, with a sync daemon, by who directs and by the document's own sysctls.
func roleOf(in Inputs, places []Place) Setting {
	all := Sysctls(nil).synchronised(in)
	all.override(in.State.Document.Cluster.Sysctls, in.Links, places)
	return all[BackupOnly]
}

// passive tells whether the kernel would balance nothing, although this node directs: backup_only could not be taken back.
func (p *pass) passive(want Want) bool {
	return want.Sysctls[BackupOnly].Value == "0" && p.memory.sysctls[BackupOnly] == "1"
}

// errPassive means that an address would attract traffic to a kernel that is told to balance nothing.
var errPassive = errors.New("not done: backup_only is still set")

// errNotReady means that an address would attract traffic that nothing balances.
var errNotReady = errors.New("not done: none of its services is in the kernel")

func bySpot(reports []vip.Report) map[spot]vip.Report {
	out := make(map[spot]vip.Report, len(reports))
	for _, r := range reports {
		out[spotOf(r.Held)] = r
	}
	return out
}
