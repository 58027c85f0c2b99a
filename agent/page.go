package agent

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
)

// Virtuals is a page of virtuals: the members exchange the page, never the whole.
func (a *Agent) Virtuals(ctx context.Context, r api.VirtualsRequest) (api.Virtuals, error) {
	return paged(ctx, a, r.Local, pathVirtuals, r, (*body).virtualsHere, (*body).leaderVirtuals)
}

// Virtual is one virtual with a page of its servers.
func (a *Agent) Virtual(ctx context.Context, r api.VirtualRequest) (api.VirtualPage, error) {
	return paged(ctx, a, r.Local, pathVirtual, r, (*body).virtualHere, (*body).leaderVirtual)
}

// paged has the leader choose a page, or this router alone.
func paged[I, O any](ctx context.Context, a *Agent, alone bool, path string, in I, here, lead func(*body, I) (O, error)) (O, error) {
	return again(ctx, a, func(b *body) (O, error) {
		if b.unusable != nil {
			var none O
			return none, b.unusable
		}
		if alone || b.member == nil {
			return here(b, in)
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return askLeader(ctx, b, func() (O, error) { return lead(b, in) }, http.MethodGet, path+selecting(in), nil)
	})
}

// listed is a virtual before it is known whether it is on the page: what it is found and counted by.
type listed struct {
	name    string
	state   string
	address netip.AddrPort // zero: it is known by a mark alone
	rates   api.Rates
	active  func() int // established connections
	has     func(q string) bool
	whole   func() api.Virtual
}

// virtualsHere is a page of what this router sees.
func (b *body) virtualsHere(r api.VirtualsRequest) (api.Virtuals, error) {
	snap := b.snapshot()
	return pageOf(b.a.o.Name, snap.Revision, b.listedHere(snap), r), nil
}

func (b *body) listedHere(snap *fsm.Snapshot) []listed {
	if b.bare {
		return nil
	}
	return listable(snap, b.local.director.Status())
}

func listable(snap *fsm.Snapshot, dir *director.Status) []listed {
	o := observe(snap, dir)
	all := make([]listed, len(snap.Document.Virtuals))
	for i, v := range snap.Document.Virtuals {
		state, _ := o.state(v)
		key, _ := director.KeyOf(v)
		stats := dir.Stats[key]
		all[i] = listed{
			v.Name, state, firstOf(v.Address, v.Ports), rates(stats.Counters), func() int { return established(stats.Destinations) },
			func(q string) bool { return mentions(v, q) }, func() api.Virtual { return o.virtual(v) },
		}
	}
	return all
}

// leaderVirtuals is a page of what this node, the leader, sees; what the other routers see of servers that it sees otherwise
// stands beside it.
func (b *body) leaderVirtuals(r api.VirtualsRequest) (api.Virtuals, error) {
	m := b.member
	if err := b.leads(m); err != nil {
		return api.Virtuals{}, err
	}
	snap := m.state.Load()
	all := b.listedHere(snap)
	if b.witness() { // which tells what a router sees
		for _, v := range seenByARouter(m, snap) {
			at, _ := netip.ParseAddr(v.Address) // "" is a mark alone
			all = append(all, listed{
				v.Name, v.State, firstOf(at, v.Ports), v.Rates, func() int { return api.Listed(v).Active },
				func(q string) bool { return mentionsListed(v, q) }, func() api.Virtual { return v },
			})
		}
	}
	out := pageOf(m.nameOf(m.id), snap.Revision, all, r)
	if r.Servers {
		list := make([]api.Virtual, len(out.Virtuals))
		for i, v := range out.Virtuals {
			list[i] = v.Virtual
		}
		b.compareSights(m, snap, list) // into the servers, which both have
	}
	return out, nil
}

// seenByARouter are the virtuals as one of the routers told them lately.
func seenByARouter(m *member, snap *fsm.Snapshot) []api.Virtual {
	for _, n := range snap.Nodes {
		if rep, ok := m.reports.of(n.ID); ok && n.ID != m.id && time.Since(rep.at) <= fresh && len(rep.status.Virtuals) > 0 {
			return rep.status.Virtuals
		}
	}
	return nil
}

// pageOf chooses a page. Only what stands on it is put together.
func pageOf(node string, revision uint64, all []listed, r api.VirtualsRequest) api.Virtuals {
	out := api.Virtuals{Schema: api.Schema, Node: node, Revision: revision, All: len(all), Offset: r.Offset, States: make(map[string]int), Virtuals: []api.ListedVirtual{}}
	q := strings.ToLower(strings.TrimSpace(r.Q))
	var fits []listed
	for _, l := range all {
		if q != "" && !l.has(q) {
			continue
		}
		out.States[l.state]++
		if (r.State == "" || l.state == r.State) && (len(r.Names) == 0 || slices.Contains(r.Names, l.name)) {
			fits = append(fits, l)
		}
	}
	inOrder(fits, r.Order)
	if r.Reverse {
		slices.Reverse(fits)
	}
	out.Total = len(fits)
	from := min(r.Offset, len(fits))
	for _, l := range fits[from:min(from+r.Limit, len(fits))] {
		one := api.Listed(l.whole())
		if !r.Servers {
			one.Servers = []api.Server{}
		}
		out.Virtuals = append(out.Virtuals, one)
	}
	return out
}

// mentions tells whether q, in lower case, is in what people know a virtual by.
func mentions(v config.Virtual, q string) bool {
	has := func(s config.Server) bool { return found(q, s.Name, s.Address.String()) }
	if port, err := strconv.ParseUint(q, 10, 16); err == nil && slices.ContainsFunc(v.AllPorts(), func(r config.PortRange) bool { return r.From <= uint16(port) && uint16(port) <= r.To }) {
		return true
	}
	return found(q, v.Name) || v.Address.IsValid() && found(q, v.Address.String()) || slices.ContainsFunc(v.Servers, has) || slices.ContainsFunc(v.Sorry, has)
}

func mentionsListed(v api.Virtual, q string) bool {
	return found(q, v.Name, v.Address) || slices.ContainsFunc(v.Servers, func(s api.Server) bool { return found(q, s.Name, s.Address) })
}

func found(q string, in ...string) bool {
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), q) })
}

// virtualHere is a virtual as this router sees it.
func (b *body) virtualHere(r api.VirtualRequest) (api.VirtualPage, error) {
	snap := b.snapshot()
	v, err := virtualNamed(snap, r.Name)
	if err != nil {
		return api.VirtualPage{}, err
	}
	if b.bare {
		return api.VirtualPage{}, noTableAt(b.a.o.Name)
	}
	return serversOf(b.a.o.Name, snap.Revision, observe(snap, b.local.director.Status()).virtual(v), r.ServersRequest), nil
}

// leaderVirtual is a virtual as this node, the leader, sees it.
func (b *body) leaderVirtual(r api.VirtualRequest) (api.VirtualPage, error) {
	m := b.member
	if err := b.leads(m); err != nil {
		return api.VirtualPage{}, err
	}
	snap := m.state.Load()
	var out api.VirtualPage
	if b.witness() {
		if _, err := virtualNamed(snap, r.Name); err != nil {
			return api.VirtualPage{}, err
		}
		list := seenByARouter(m, snap)
		i := slices.IndexFunc(list, func(v api.Virtual) bool { return v.Name == r.Name })
		if i < 0 {
			return api.VirtualPage{}, api.Errorf(api.CodeUnreachable, "no router has told the witness that leads of %s yet", r.Name).WithHint("ask again in a second")
		}
		out = serversOf(m.nameOf(m.id), snap.Revision, list[i], r.ServersRequest)
	} else {
		var err error
		if out, err = b.virtualHere(r); err != nil {
			return out, err
		}
	}
	b.compareSights(m, snap, []api.Virtual{out.Virtual.Virtual})
	return out, nil
}

// serversOf chooses a page of a virtual's servers.
func serversOf(node string, revision uint64, v api.Virtual, r api.ServersRequest) api.VirtualPage {
	out := api.VirtualPage{Schema: api.Schema, Node: node, Revision: revision, Virtual: api.Listed(v), Offset: r.Offset}
	page, q := []api.Server{}, strings.ToLower(strings.TrimSpace(r.Q))
	for _, s := range v.Servers {
		if q != "" && !found(q, s.Name, s.Address) || r.State != "" && s.State != r.State {
			continue
		}
		if out.Total++; out.Total > r.Offset && len(page) < r.Limit {
			page = append(page, s)
		}
	}
	out.Virtual.Servers = page
	return out
}
