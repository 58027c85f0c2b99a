package agent

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus"
	"polso/consensus/store"
	"polso/fsm"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// simulate is a kernel in memory with one link that has every subnet, so that any document can be tried.
func simulate(o Options) (edges, error) {
	clock := func() vip.Instant { return vip.Instant(sinceBoot()) }
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	links := []vip.Link{{Name: "dev0", Index: 2, Up: true, Prefixes: everywhere}}
	for _, device := range o.Interfaces {
		index := len(links) + 2
		own := netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(index)}), 32) // a subnet that no document asks for
		links = append(links, vip.Link{Name: device, Index: index, Up: true, Prefixes: []netip.Prefix{own}})
	}
	return edges{addresses: vip.NewFake(clock, links...), table: new(ipvs.Fake), rules: new(ipvs.FakeRules), sysctls: memSys{map[string]string{}}, inMemory: true, close: func() {}}, nil
}

// probe is how servers are asked, and from where. In memory nobody is: there is no network to ask.
func probe(e edges, from health.Source, ways health.Detour) health.Prober {
	if e.probe != nil {
		return e.probe
	}
	if !e.inMemory {
		return health.ProbeFrom(from, ways)
	}
	return simulated
}

// tracedProbe is probe that tells of its steps.
func tracedProbe(e edges, from health.Source, ways health.Detour, note func(health.Step)) health.Prober {
	if !e.inMemory {
		return health.Traced(from, ways, note)
	}
	return func(ctx context.Context, t health.Target) health.Result {
		note(health.Step{What: "simulated"})
		return simulated(ctx, t)
	}
}

func simulated(_ context.Context, t health.Target) health.Result {
	return health.Result{OK: true, Reason: "simulated: " + t.Addr.String()}
}

// noPeers stands where there is nobody else.
type noPeers struct{}

// Forward has nobody to hand to.
func (noPeers) Forward(context.Context, string, []byte) ([]byte, error) {
	return nil, consensus.ErrNoLeader
}

// Arm has nobody to tell.
func (noPeers) Arm(context.Context, string, uint64) error { return consensus.ErrNoLeader }

// openDev is a cluster of one node in memory, formed by itself.
func (a *Agent) openDev(b *body) (*member, error) {
	profile, err := consensus.ParseProfile("lan")
	if err != nil {
		return nil, err
	}
	m := &member{id: "dev", cluster: "dev", profile: profile, news: make(chan struct{}, 1)}
	m.state = fsm.New(fsm.Options{Ring: func() { b.changed(m) }, Log: a.log, Levels: a.o.levels})
	have, err := beginning("dev", "dev", 1, store.Identity{ID: m.id, Name: a.o.Name})
	if err != nil {
		return nil, err
	}
	m.creds.Store(&have)
	_, transport := raft.NewInmemTransport(raft.ServerAddress(m.id))
	memory := raft.NewInmemStore()
	o := b.consensusOptions(m, transport, memory, memory, raft.NewInmemSnapshotStore(), noPeers{})
	if err := consensus.Bootstrap(o); err != nil {
		return nil, err
	}
	m.reports = newReports(b, m)
	m.steward = b.newSteward(m)
	if m.node, err = consensus.Open(o); err != nil {
		return nil, err
	}
	m.opened.Store(true)
	found := func(ctx context.Context) error {
		by := fsm.Actor{Kind: "node", Name: a.o.Name}
		w := welcome{Cluster: "dev", Name: "dev", Profile: profile.Name, Generation: 1, CA: have.CA}
		bounded, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := b.founded(bounded, by, w, m.id, []string{"127.0.0.1:5390"}); err != nil {
			return fmt.Errorf("--dev: %w", err)
		}
		a.log.Info("the --dev cluster is formed", "try", "polso status; polso apply -f FILE")
		for _, at := range a.door.addresses() {
			a.log.Info("the browser interface is there for users, of whom there are none yet", "open", "https://"+at+"/", "add", "polso user add NAME --role admin")
		}
		<-ctx.Done()
		return ctx.Err()
	}
	m.raftParts = []part{m.node.Run, m.steward.Run, m.reports.run, found}
	return m, nil
}
