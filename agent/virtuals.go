package agent

import (
	"net/netip"
	"slices"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/health"
	"polso/ipvs"
)

// observed is the document beside what this node sees of it.
type observed struct {
	snap      *fsm.Snapshot
	dir       *director.Status
	table     map[ipvs.Key][]ipvs.Destination
	leaving   map[ipvs.Key][]fsm.Leaving
	undecided map[string]bool
}

func observe(snap *fsm.Snapshot, dir *director.Status) observed {
	o := observed{snap: snap, dir: dir, leaving: leavingOf(snap),
		table: make(map[ipvs.Key][]ipvs.Destination, len(dir.Table.Services)), undecided: make(map[string]bool, len(dir.Undecided))}
	for _, s := range dir.Table.Services {
		o.table[s.Key] = s.Destinations
	}
	for _, name := range dir.Undecided {
		o.undecided[name] = true
	}
	return o
}

// virtuals are the document's virtuals with their servers as this node sees them.
func virtuals(snap *fsm.Snapshot, dir *director.Status) []api.Virtual {
	out := make([]api.Virtual, 0, len(snap.Document.Virtuals))
	o := observe(snap, dir)
	for _, v := range snap.Document.Virtuals {
		out = append(out, o.virtual(v))
	}
	return out
}

// state is the state of a virtual, and why it is not up.
func (o observed) state(v config.Virtual) (state, reason string) {
	if v.Inactive {
		return "inactive", "active = false in the document"
	}
	key, _ := director.KeyOf(v)
	pool, decided := o.dir.Pools[key]
	if !decided || o.undecided[v.Name] {
		return "unknown", ""
	}
	return pool.State()
}

// virtual is a virtual with its servers.
func (o observed) virtual(v config.Virtual) api.Virtual {
	key, _ := director.KeyOf(v)
	stats := o.dir.Stats[key]
	a := api.Virtual{
		Name: v.Name, Ports: nonNil(v.Ports), Ranges: words(v.Ranges), FWMark: v.FWMark, Mark: v.Mark(), Protocol: string(v.Protocol), Scheduler: v.Scheduler, Forward: string(v.Forward),
		Servers: make([]api.Server, 0, len(v.Servers)), Rates: rates(stats.Counters),
	}
	if v.Address.IsValid() {
		a.Address = v.Address.String()
	}
	if v.Persistent != nil {
		a.Persistent = v.Persistent.Timeout.Seconds()
	}
	a.State, a.Reason = o.state(v)
	pool, have := o.dir.Pools[key], make(map[netip.AddrPort]*ipvs.Destination, len(o.table[key]))
	for i := range o.table[key] {
		d := &o.table[key][i]
		have[d.Addr] = d
	}
	add := func(v config.Virtual, s config.Server) *api.Server {
		a.Servers = append(a.Servers, serverStatus(o.snap, o.dir.Health, v, s, have[s.Address], stats.Destinations[s.Address]))
		out := &a.Servers[len(a.Servers)-1]
		out.Reason = because(pool.Whys[s.Address], out.Reason)
		return out
	}
	for _, s := range v.Servers {
		add(v, s)
	}
	for _, s := range v.Sorry {
		add(director.Apart(v), s).Sorry = true
	}
	for _, l := range o.leaving[key] {
		at := stats.Destinations[l.Server.Address]
		a.Servers = append(a.Servers, api.Server{Name: l.Server.Name, Address: l.Server.Address.Addr().String(), Port: l.Server.Address.Port(),
			State: "leaving", Reason: "removed; drains", Until: &l.Until, Active: at.Active, Inactive: at.Inactive, Persistent: at.Persistent, Rates: rates(at.Counters)})
	}
	return a
}

// because puts why a server has the weight that it has before what its check says.
func because(why, check string) string {
	if why == "" || check == "" {
		return why + check
	}
	return why + "; " + check
}

// leavingOf are the servers that leave, by their service, which a renamed virtual still is.
func leavingOf(snap *fsm.Snapshot) map[ipvs.Key][]fsm.Leaving {
	out := make(map[ipvs.Key][]fsm.Leaving)
	for _, l := range snap.Leaving {
		if was, ok := director.KeyOf(l.Virtual); ok {
			out[was] = append(out[was], l)
		}
	}
	return out
}

func serverStatus(snap *fsm.Snapshot, view health.View, v config.Virtual, s config.Server, have *ipvs.Destination, stats ipvs.DestinationStats) api.Server {
	out := api.Server{
		Name: s.Name, Address: s.Address.Addr().String(), Port: s.Address.Port(), State: "up", Weight: s.Weight,
		Active: stats.Active, Inactive: stats.Inactive, Persistent: stats.Persistent, Rates: rates(stats.Counters),
	}
	if have != nil {
		out.EffectiveWeight = have.Weight
	}
	out.Health = "unchecked"
	if v.Check != nil || s.Check != nil {
		out.Health, out.State = health.Unknown.String(), health.Unknown.String()
	}
	if t, checked := director.TargetOf(v, s); checked {
		st := view[t.Key()]
		out.Health, out.State, out.Reason = st.State.String(), st.State.String(), st.Reason
		if !st.Since.IsZero() {
			out.Since = &st.Since
		}
	}
	tellOverrides(&out, slices.Concat(snap.OverridesOf(fsm.ServerTarget(v.Name, s.Name)), snap.OverridesOf(fsm.AddressTarget(s.Address.Addr()))))
	return out
}
