package agent

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/config"
	"polso/consensus"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
)

var _ api.Backend = (*Agent)(nil)

// Status is the cluster as the leader sees it.
func (a *Agent) Status(ctx context.Context, detail api.Detail) (api.Status, error) {
	return again(ctx, a, func(b *body) (api.Status, error) {
		switch {
		case b.unusable != nil:
			return api.Status{}, b.unusable
		case b.member == nil:
			return b.statusHere(detail), nil
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		path := pathStatus
		if detail == api.Brief {
			path += "?" + briefly
		}
		return askLeader(ctx, b, func() (api.Status, error) { return b.leaderStatus(b.member, detail) }, http.MethodGet, path, nil)
	})
}

// Local is this router alone.
func (a *Agent) Local(detail api.Detail) api.Status { return a.current.Load().statusHere(detail) }

// LocalOf is another member alone.
func (a *Agent) LocalOf(ctx context.Context, name string, detail api.Detail) (api.Status, error) {
	b, path := a.current.Load(), pathLocal
	if detail == api.Brief {
		path += "?" + briefly
	}
	return onMember(ctx, b, name, http.MethodGet, path, nil, func(context.Context, any) (api.Status, error) { return b.statusHere(detail), nil })
}

// State is this node's replica, once it is known.
func (a *Agent) State(ctx context.Context) (*fsm.Snapshot, error) {
	return again(ctx, a, func(b *body) (*fsm.Snapshot, error) { return b.known(ctx) })
}

// known is the replicated state once everything is in it that was committed when this process first heard a leader. After a
// restart that takes a moment with a quorum, and does not come about without one: what is in the data directory may be old.
func (b *body) known(ctx context.Context) (*fsm.Snapshot, error) {
	m := b.member
	if m == nil {
		return nil, b.notMember()
	}
	if err := waitUpTo(ctx, m.settling(), func() bool { return m.state.Load().Known || b.removal() != nil }); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil {
		return nil, noLeader(m)
	}
	switch s := m.state.Load(); {
	case !s.Known:
		return nil, cmp.Or(b.removal(), noLeader(m))
	case !s.Founded():
		return nil, unfinished(m)
	default:
		return s, nil
	}
}

// Propose writes to the replicated state.
func (a *Agent) Propose(ctx context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	if set, ok := c.(*fsm.SetDocument); ok {
		if err := a.schedulable(ctx, set); err != nil {
			return fsm.Result{}, err
		}
	}
	return again(ctx, a, func(b *body) (fsm.Result, error) { return b.propose(ctx, by, request, c) })
}

// propose writes to the replicated state and waits until this node's replica has it, so that who wrote reads it back. Who was
// refused by what it did not have yet, say another's change, can look at that.
func (b *body) propose(ctx context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	res, size, err := b.commit(ctx, by, request, c)
	if err != nil {
		if res.Refusal != nil && b.caughtUp(ctx, res, size) != nil {
			b.a.log.Debug("a refusal is told without what led to it", "err", err)
		}
		return res, err
	}
	return res, b.caughtUp(ctx, res, size)
}

// caughtUp waits until this node's replica has what was committed, an entry of so many bytes.
func (b *body) caughtUp(ctx context.Context, res fsm.Result, size int) error {
	m := b.member
	if err := waitUpTo(ctx, m.settling()+consensus.Allowance(size), func() bool { return m.state.Load().Index >= res.Index }); err != nil {
		return api.Errorf(api.CodeTimeout, "done, but this router does not have it yet").
			WithHint("is it cut off from the others? polso status --local tells what it knows")
	}
	return nil
}

// commit writes to the replicated state; this node's replica may not have it yet. It tells the size of the entry too.
func (b *body) commit(ctx context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, int, error) {
	m := b.member
	if m == nil {
		return fsm.Result{}, 0, b.notMember()
	}
	if err := b.removal(); err != nil {
		return fsm.Result{}, 0, err
	}
	if by.Kind != "node" && by.Kind != "steward" { // an operator, who came through this router
		by.Via = b.a.o.Name
	}
	data, err := b.a.o.levels.Encode(fsm.Envelope{Request: request, Actor: by, At: now(), Command: c})
	if err != nil {
		return fsm.Result{}, 0, asAPIError(err)
	}
	need, err := b.a.o.levels.Need(c)
	if err != nil {
		return fsm.Result{}, 0, asAPIError(err)
	}
	text, err := m.node.Propose(ctx, data)
	if err != nil {
		e := asAPIError(err)
		if e.Code == api.CodeNoLeader {
			e = noLeader(m)
		}
		return fsm.Result{}, 0, cmp.Or(unreadableThere(e, need, m.state.Load().InUse()), e)
	}
	res, err := fsm.DecodeResult(text)
	if err != nil {
		return fsm.Result{}, 0, err
	}
	if res.Refusal != nil {
		return res, len(data), fromRefusal(res.Refusal)
	}
	return res, len(data), nil
}

func unknownRouter(s *fsm.Snapshot, name string) *api.Error {
	names := make([]string, len(s.Nodes))
	for i, n := range s.Nodes {
		names[i] = n.Name
	}
	return api.Errorf(api.CodeNotFound, "no router is called %q", name).WithDetail("there are %s", strings.Join(names, ", ")).WithHint("polso members")
}

// Announce announces what this router holds again.
func (a *Agent) Announce(_ context.Context, req api.AnnounceRequest) (api.Done, error) {
	b := a.current.Load()
	var addrs []netip.Addr
	var held []string
	for _, r := range b.local.keeper.Report() {
		if r.Present {
			held = append(held, r.Addr.String())
		}
	}
	for _, s := range req.Addresses {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return api.Done{}, api.Errorf(api.CodeInvalid, "%q is not an address", s)
		}
		if !slices.Contains(held, addr.String()) {
			return api.Done{}, api.Errorf(api.CodeRefused, "this router does not hold %s; only the holder may announce it", addr).
				WithHint("polso status tells which router holds it; run polso announce there")
		}
		addrs = append(addrs, addr)
	}
	if len(held) == 0 {
		return api.Done{}, api.Errorf(api.CodeRefused, "this router holds no address").WithHint("polso status tells which router does")
	}
	b.local.keeper.Announce(addrs...)
	done := req.Addresses
	if len(done) == 0 {
		done = held
	}
	return api.Done{Schema: api.Schema, Done: []string{"Announcing " + strings.Join(done, ", ") + "."}}, nil
}

// IPVS is a router's kernel table.
func (a *Agent) IPVS(ctx context.Context, req api.IPVSRequest) (api.IPVS, error) {
	b := a.current.Load()
	return onRouter(ctx, b, req.On, pathIPVS, req, b.ipvs)
}

// ipvs reads this router's.
func (b *body) ipvs(_ context.Context, req api.IPVSRequest) (api.IPVS, error) {
	table, stats, err := b.local.table.Table()
	if err != nil {
		return api.IPVS{}, fmt.Errorf("ipvs: %w", err)
	}
	out := api.IPVS{Schema: api.Schema, Node: b.a.o.Name, Services: []api.IPVSService{}}
	if out.Text, err = b.layout(req.Layout, table, stats); err != nil {
		return api.IPVS{}, err
	}
	for _, s := range table.Services {
		svc := api.IPVSService{Service: s.Key.String(), Scheduler: s.Scheduler, Flags: strings.Fields(strings.ReplaceAll(s.Flags.String(), ",", " ")), Persistent: s.Persistent.Seconds(), Engine: s.PE, Destinations: []api.IPVSDestination{}}
		svc.Flags = nonNil(svc.Flags)
		for _, d := range s.Destinations {
			st := stats[s.Key].Destinations[d.Addr]
			svc.Destinations = append(svc.Destinations, api.IPVSDestination{Address: d.Addr.String(), Forward: forwardWord(d.Forward), Weight: d.Weight, Upper: d.Upper, Lower: d.Lower, Active: st.Active, Inactive: st.Inactive, Tunnel: tunnelOf(d)})
		}
		out.Services = append(out.Services, svc)
	}
	return out, nil
}

// tunnelOf is how a destination by tunnel is encapsulated; nil for others.
func tunnelOf(d ipvs.Destination) *api.IPVSTunnel {
	if d.Forward != ipvs.Tun {
		return nil
	}
	out := &api.IPVSTunnel{Type: d.Tunnel.Type.String(), Port: d.Tunnel.Port}
	switch {
	case d.Tunnel.Type == ipvs.IPIP:
	case d.Tunnel.Flags&ipvs.Remcsum != 0:
		out.Checksums = "remcsum"
	case d.Tunnel.Flags&ipvs.Csum != 0:
		out.Checksums = "csum"
	default:
		out.Checksums = "nocsum"
	}
	return out
}

// forwardWord is the document's word for a forwarding method.
func forwardWord(f ipvs.Forward) string {
	if f == ipvs.Direct {
		return string(config.DR)
	}
	return f.String()
}

func (b *body) layout(name string, table ipvs.Table, stats ipvs.Stats) (string, error) {
	if name == "save" {
		return table.String(), nil
	}
	view := map[string]ipvs.View{"stats": ipvs.Totals, "rate": ipvs.RateView}[name]
	info, err := b.local.table.Info()
	if err != nil {
		return "", fmt.Errorf("ipvs: %w", err)
	}
	var text strings.Builder
	err = ipvs.Format(&text, table, stats, ipvs.FormatOptions{View: view, Info: info})
	return text.String(), err
}

var _ director.IPVS = (*ipvs.Fake)(nil)
