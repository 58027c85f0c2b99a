package agent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"path/filepath"
	"time"

	"polso/api"
	"polso/config"
	"polso/detour"
	"polso/director"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// table is the IPVS edge as the agent uses it: the real one or the simulated one.
type table interface {
	director.IPVS
	Info() (ipvs.Info, error)
	Connections(context.Context, ipvs.Detail) iter.Seq2[ipvs.Connection, error]
	CPUStats() (ipvs.CPUStats, error)
	Schedulers(ctx context.Context, names ...string) ([]string, error)
}

// local is this node's side of the kernel with all that works on it. It exists whether or not the node is in a cluster.
type local struct {
	keeper   *vip.Keeper
	links    func() (vip.Links, error)
	table    table
	rules    director.Rules // nil: none
	settings settings
	checks   *health.Set
	itself   *routerChecks
	director *director.Director
	rates    *memory
	traced   func(note func(health.Step)) health.Prober // asks as checks does, and tells of each step
	reading  chan struct{}                              // holds a token while the connection table is read

	edgeParts   []part // run as long as anything may touch the kernel
	keeperParts []part // end before those
	passParts   []part // end before those
}

// edges are this node's kernel, real or simulated, with what must run and be closed for it.
type edges struct {
	addresses vip.Edge
	fence     vip.Fence // nil: none
	table     table
	rules     director.Rules // nil: none
	detours   detour.Edge    // nil: none
	sysctls   settings
	parts     []part
	inMemory  bool          // there is no network either: nobody is probed, and nothing outlives the process
	probe     health.Prober // nil: over the network
	close     func()
}

// openLocal opens the kernel's edges and builds what works on them. margin is a tenth of the lease.
func openLocal(o Options, margin time.Duration, asked func() []config.RouterCheck, mandate func() director.Mandate, state func() director.State, others func() director.Others) (*local, error) {
	e, err := o.openEdges(o)
	if err != nil {
		return nil, err
	}
	l := &local{table: e.table, rules: e.rules, settings: e.sysctls, links: e.addresses.Links, reading: make(chan struct{}, 1)}
	file := ""
	var record director.Record
	if !e.inMemory {
		record = recordFile(o)
		file = filepath.Join(filepath.Dir(o.Socket), o.Name+".addresses")
	}
	l.keeper = vip.New(vip.Options{
		Edge: e.addresses, Fence: e.fence, Clock: func() vip.Instant { return vip.Instant(sinceBoot()) },
		Margin: margin, StateFile: file, Log: o.Log.With("part", "vip"),
	})
	routes := newRoutes(kernelsSource)
	from := func(target netip.Addr) netip.Addr { return routes.source(l.director.Status(), target) }
	ways := newWays(e.detours)
	l.checks = health.New(health.Options{Probe: probe(e, from, ways.detour), Ring: l.ring, Log: o.Log.With("part", "health")})
	l.itself = newRouterChecks(asked, probe(e, from, nil), linkOf(l.links, o.Interfaces), o.Log.With("part", "router_check"))
	l.traced = func(note func(health.Step)) health.Prober { return tracedProbe(e, from, ways.detour, note) }
	l.director = director.New(director.Options{
		IPVS: l.table, Rules: e.rules, VIP: l.keeper, Sysctls: e.sysctls, Record: record, Health: leading{checks: l.checks, ways: ways}, Mandate: mandate, State: state,
		Troubles: ways.troubles, Others: others, Interfaces: o.Interfaces, Passed: o.passed, Log: o.Log.With("part", "director"),
	})
	l.rates = newMemory(l.director.Status, func() []config.Virtual { return state().Document.Virtuals })
	l.edgeParts = append(e.parts, ways.run, func(ctx context.Context) error { <-ctx.Done(); e.close(); return nil })
	l.keeperParts = []part{l.keeper.Run, func(ctx context.Context) error { return l.keeper.Watch(ctx, func() { routes.forget(); l.ring() }) }, l.keeper.Listen}
	l.passParts = []part{l.checks.Run, l.director.Run, l.rates.run}
	return l, nil
}

// ring asks the director for a pass. It may be called before there is one.
func (l *local) ring() {
	if l.director != nil {
		l.director.Ring()
	}
}

// openKernel opens the edges of this network namespace's kernel.
func openKernel(o Options) (edges, error) {
	lock, err := alone()
	if err != nil {
		return edges{}, err
	}
	addresses, err := vip.Open()
	if err != nil {
		lock.Close()
		return edges{}, fmt.Errorf("addresses: %w", err)
	}
	fence := new(vip.KernelFence)
	e := edges{addresses: addresses, fence: fence, detours: new(detour.Kernel), sysctls: procSys{"/proc/sys"}, close: func() { fence.Close(); addresses.Close(); lock.Close() }}
	if o.Kernel == SimulatedKernel {
		e.table, e.rules, e.sysctls = new(ipvs.Fake), new(ipvs.FakeRules), withoutIPVS{procSys{"/proc/sys"}, memSys{map[string]string{}}}
		return e, nil
	}
	k, err := ipvs.Open(ipvs.Options{Log: o.Log.With("part", "ipvs")})
	if err != nil {
		e.close()
		return edges{}, noTable(err)
	}
	// The fence that a killed agent has left shut goes with this one's, and the document is known only later.
	if claimed(claimFile(o)) {
		have, err := addresses.Placed()
		if err == nil {
			_, err = withTable(context.Background(), func(t table) (int, error) { return unrelay(t, e.sysctls, have) })
		}
		if err != nil {
			o.Log.Warn("services that this machine serves itself are left in the table", "err", err)
		}
	}
	e.table, e.rules, e.parts = k, new(ipvs.KernelRules), []part{k.Run}
	return e, nil
}

// hasTable refuses to begin on a kernel without IPVS, before anything is written.
func hasTable(kernel Kernel) error {
	if kernel != RealKernel {
		return nil
	}
	k, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		return noTable(err)
	}
	return k.Close()
}

// noTable says what to do on a kernel that has no IPVS.
func noTable(err error) error {
	if errors.Is(err, ipvs.ErrNoIPVS) {
		return api.Errorf(api.CodeRefused, "%v", err).
			WithHint("polso doctor looks for what else is missing; to try Polso on this kernel: --kernel simulated, or --dev; a witness needs none of it: --kernel none")
	}
	return err
}
