package agent

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
)

var _ api.Backend = (*Agent)(nil)

// Status is the cluster as the leader sees it.
func (a *Agent) Status(ctx context.Context) (api.Status, error) {
	b := a.current.Load()
	if b.member == nil {
		return b.localStatus(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return askLeader(ctx, b, func() (api.Status, error) { return b.leaderStatus(b.member) }, http.MethodGet, pathStatus, nil)
}

// Local is this router alone.
func (a *Agent) Local() api.Status { return a.current.Load().localStatus() }

// State is this node's replica.
func (a *Agent) State() *fsm.Snapshot { return a.current.Load().snapshot() }

// Propose writes to the replicated state.
func (a *Agent) Propose(ctx context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	return a.current.Load().propose(ctx, by, request, c)
}

// propose writes to the replicated state and waits until this node's replica has it, so that who wrote reads it back.
func (b *body) propose(ctx context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	res, err := b.commit(ctx, by, request, c)
	if err != nil {
		return res, err
	}
	return res, b.caughtUp(ctx, res)
}

// caughtUp waits until this node's replica has what was committed.
func (b *body) caughtUp(ctx context.Context, res fsm.Result) error {
	m := b.member
	if err := waitUpTo(ctx, m.settling(), func() bool { return m.state.Load().Index >= res.Index }); err != nil {
		return api.Errorf(api.CodeTimeout, "done, but this router does not have it yet").
			WithHint("is it cut off from the others? polso status --local tells what it knows")
	}
	return nil
}

// commit writes to the replicated state; this node's replica may not have it yet.
func (b *body) commit(ctx context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	m := b.member
	if m == nil {
		return fsm.Result{}, notFormed()
	}
	if b.removed() {
		return fsm.Result{}, wasRemoved(m)
	}
	data, err := fsm.Encode(fsm.Envelope{Request: request, Actor: by, At: now(), Command: c})
	if err != nil {
		return fsm.Result{}, asAPIError(err)
	}
	text, err := m.node.Propose(ctx, data)
	if err != nil {
		e := asAPIError(err)
		if e.Code == api.CodeNoLeader {
			e = noLeader(m)
		}
		return fsm.Result{}, e
	}
	res, err := fsm.DecodeResult(text)
	if err != nil {
		return fsm.Result{}, err
	}
	if res.Refusal != nil {
		return res, fromRefusal(res.Refusal)
	}
	return res, nil
}

func unknownRouter(s *fsm.Snapshot, name string) *api.Error {
	names := make([]string, len(s.Nodes))
	for i, n := range s.Nodes {
		names[i] = n.Name
	}
	return api.Errorf(api.CodeNotFound, "no router is called %q", name).WithDetail("there are %s", strings.Join(names, ", ")).WithHint("polso members")
}

// Remove takes another router out of the cluster.
func (a *Agent) Remove(ctx context.Context, by fsm.Actor, name string) (api.Done, error) {
	b := a.current.Load()
	m := b.member
	if m == nil {
		return api.Done{}, notFormed()
	}
	n, ok := m.state.Load().NodeByName(name)
	switch {
	case !ok:
		return api.Done{}, unknownRouter(m.state.Load(), name)
	case n.ID == m.id:
		return api.Done{}, api.Errorf(api.CodeRefused, "%s is this router", name).WithHint("polso leave takes it out")
	}
	if err := b.expel(ctx, by, n.ID); err != nil {
		return api.Done{}, err
	}
	return api.Done{Schema: api.Schema, Done: []string{fmt.Sprintf("Router %s is removed; it can come back only by joining anew.", name)}}, nil
}

// expel removes a node and waits until raft counts without it.
func (b *body) expel(ctx context.Context, by fsm.Actor, id string) error {
	m := b.member
	if leader, known := m.node.Leader(); known && leader == id {
		if _, err := b.a.Transfer(ctx, api.TransferRequest{}); err != nil {
			return err
		}
	}
	res, err := b.commit(ctx, by, fsm.NewRequest(), &fsm.RemoveNode{ID: id})
	if err != nil {
		return err
	}
	gone := func() bool { return raftWord(m, id) == "unknown" }
	if id == m.id { // the others may cut it off before it sees itself gone
		_ = waitUpTo(ctx, leaveWait, gone)
		return nil
	}
	if err := b.caughtUp(ctx, res); err != nil {
		return err
	}
	if err := waitUpTo(ctx, 15*time.Second, gone); err != nil {
		return api.Errorf(api.CodeTimeout, "the router is removed, but still counted as a voter").WithHint("the leader goes on trying; polso members")
	}
	return nil
}

// leaveWait is how long a router that leaves waits for the others to count without it.
const leaveWait = 2 * time.Second

// Leave takes this router out of its cluster and forgets it.
func (a *Agent) Leave(ctx context.Context, by fsm.Actor, req api.LeaveRequest) (api.Done, error) {
	a.forming.Lock()
	defer a.forming.Unlock()
	b := a.current.Load()
	if a.o.Dev {
		return api.Done{}, api.Errorf(api.CodeRefused, "a --dev agent is a cluster of its own")
	}
	if b.member == nil {
		return api.Done{}, notFormed()
	}
	others := len(b.snapshot().Nodes) > 1 && !b.removed()
	if others && !req.Force {
		if err := b.expel(ctx, by, b.member.id); err != nil {
			if e := asAPIError(err); e.Code == api.CodeNoLeader {
				return api.Done{}, e.WithHint("try again when there is a leader; polso leave --force makes this router alone forget the cluster")
			}
			return api.Done{}, err
		}
	}
	name, own := b.member.cluster, b.member.claim.own.Load()
	if err := a.reform(ctx, a.home.Forget); err != nil {
		return api.Done{}, err
	}
	done := []string{fmt.Sprintf("This router has left cluster %s.", name)}
	if own { // nobody looks after them any more
		n, err := empty(a.current.Load().local.table)
		if err != nil {
			return api.Done{}, api.Errorf(api.CodeInternal, "this router has left cluster %s, but its IPVS table is not empty", name).
				WithDetail("%v", err).WithHint("polso ipvs shows what is left; stop the agent and run polso release --all")
		}
		if n > 0 {
			done = append(done, fmt.Sprintf("Removed %s from its IPVS table.", services(n)))
		}
	}
	if others && req.Force {
		done = append(done, fmt.Sprintf("The others still count it: run `polso remove router %s` on one of them.", a.o.Name))
	}
	return api.Done{Schema: api.Schema, Done: done}, nil
}

func services(n int) string {
	if n == 1 {
		return "1 service"
	}
	return fmt.Sprintf("%d services", n)
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

// IPVS is this router's kernel table.
func (a *Agent) IPVS(_ context.Context, req api.IPVSRequest) (api.IPVS, error) {
	b := a.current.Load()
	table, stats, err := b.local.table.Table()
	if err != nil {
		return api.IPVS{}, fmt.Errorf("ipvs: %w", err)
	}
	out := api.IPVS{Schema: api.Schema, Node: a.o.Name, Services: []api.IPVSService{}}
	if out.Text, err = b.layout(req.Layout, table, stats); err != nil {
		return api.IPVS{}, err
	}
	for _, s := range table.Services {
		svc := api.IPVSService{Service: s.Key.String(), Scheduler: s.Scheduler, Flags: strings.Fields(strings.ReplaceAll(s.Flags.String(), ",", " ")), Persistent: s.Persistent.Seconds(), Destinations: []api.IPVSDestination{}}
		svc.Flags = nonNil(svc.Flags)
		for _, d := range s.Destinations {
			st := stats[s.Key].Destinations[d.Addr]
			svc.Destinations = append(svc.Destinations, api.IPVSDestination{Address: d.Addr.String(), Forward: d.Forward.String(), Weight: d.Weight, Active: st.Active, Inactive: st.Inactive})
		}
		out.Services = append(out.Services, svc)
	}
	return out, nil
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
