package agent

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
)

// Stats are a router's counters by virtual and server.
func (a *Agent) Stats(ctx context.Context, r api.StatsRequest) (api.Stats, error) {
	b := a.current.Load()
	return onRouter(ctx, b, r.On, pathStats, r, b.stats)
}

// CPUStats are a router's counters by processor.
func (a *Agent) CPUStats(ctx context.Context, on string) (api.CPUStats, error) {
	b := a.current.Load()
	return onRouter(ctx, b, on, pathCPUStats, struct{}{}, b.cpuStats)
}

// stats reads this router's.
func (b *body) stats(_ context.Context, r api.StatsRequest) (api.Stats, error) {
	if b.bare {
		return api.Stats{}, noTableAt(b.a.o.Name)
	}
	snap := b.snapshot()
	if err := isThere(snap, r.Virtual, r.Server); err != nil {
		return api.Stats{}, err
	}
	_, counted, err := b.local.table.Table()
	if err != nil {
		return api.Stats{}, fmt.Errorf("ipvs: %w", err)
	}
	out := api.Stats{Schema: api.Schema, Node: b.a.o.Name, At: time.Now().UTC(), Virtuals: []api.VirtualStats{}}
	leaving := leavingOf(snap)
	for _, v := range snap.Document.Virtuals {
		if key, ok := director.KeyOf(v); ok && (r.Virtual == "" || r.Virtual == v.Name) {
			one := virtualStats(v, leaving[key], counted[key])
			one.Servers = slices.DeleteFunc(one.Servers, func(s api.ServerStats) bool { return r.Server != "" && s.Name != r.Server })
			out.Virtuals = append(out.Virtuals, one)
		}
	}
	return out, nil
}

// virtualStats has every server that the document names, counted or not, those that leave, and what else the kernel counts.
func virtualStats(v config.Virtual, leaving []fsm.Leaving, counted ipvs.ServiceStats) api.VirtualStats {
	out := api.VirtualStats{Name: v.Name, Totals: totals(counted.Counters), Rates: rates(counted.Counters), Servers: []api.ServerStats{}}
	others := maps.Clone(counted.Destinations)
	add := func(name string, at netip.AddrPort) {
		st := counted.Destinations[at]
		delete(others, at)
		out.Servers = append(out.Servers, api.ServerStats{
			Name: name, Address: at.String(), Active: st.Active, Inactive: st.Inactive, Persistent: st.Persistent,
			Totals: totals(st.Counters), Rates: rates(st.Counters),
		})
	}
	for _, s := range slices.Concat(v.Servers, v.Sorry) {
		add(s.Name, s.Address)
	}
	for _, l := range leaving {
		add(l.Server.Name, l.Server.Address)
	}
	for _, at := range slices.SortedFunc(maps.Keys(others), netip.AddrPort.Compare) {
		add("", at)
	}
	return out
}

// cpuStats reads this router's.
func (b *body) cpuStats(context.Context, struct{}) (api.CPUStats, error) {
	if b.bare {
		return api.CPUStats{}, noTableAt(b.a.o.Name)
	}
	st, err := b.local.table.CPUStats()
	if err != nil {
		return api.CPUStats{}, err
	}
	out := api.CPUStats{Schema: api.Schema, Node: b.a.o.Name, CPUs: []api.CPU{}, Totals: totals(st.Total), Rates: rates(st.Total)}
	for _, c := range st.CPUs {
		out.CPUs = append(out.CPUs, api.CPU{Number: c.Number, Totals: totals(c.Counters)})
	}
	return out, nil
}

func totals(c ipvs.Counters) api.Totals {
	return api.Totals{Connections: c.Connections, PacketsIn: c.PacketsIn, PacketsOut: c.PacketsOut, BytesIn: c.BytesIn, BytesOut: c.BytesOut}
}

func rates(c ipvs.Counters) api.Rates {
	return api.Rates{Connections: c.CPS, PacketsIn: c.PPSIn, PacketsOut: c.PPSOut, BytesIn: c.BPSIn, BytesOut: c.BPSOut}
}
