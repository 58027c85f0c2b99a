package agent

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/ipvs"
)

// Connections are what is found in a router's connection table.
func (a *Agent) Connections(ctx context.Context, r api.ConnectionsRequest) (api.ConnectionTable, error) {
	b := a.current.Load()
	return onRouter(ctx, b, r.On, pathConnections, r, b.connections)
}

// readFor bounds the reading of a connection table. Linux before 6.14 got through 140,000 lines in a minute, later ones through a
// million in two seconds (both by its commit 178883fd039d).
const readFor = 30 * time.Second

// connections reads this router's table once, to the limit or the end, or as long as it may, one reader at a time: a long table
// is work for the kernel, which should rather balance.
func (b *body) connections(ctx context.Context, r api.ConnectionsRequest) (api.ConnectionTable, error) {
	if b.bare {
		return api.ConnectionTable{}, noTableAt(b.a.o.Name)
	}
	want, err := chosen(r)
	if err != nil {
		return api.ConnectionTable{}, err
	}
	snap := b.snapshot()
	if err := isThere(snap, r.Virtual, r.Server); err != nil {
		return api.ConnectionTable{}, err
	}
	known := newDirectory(snap)
	select {
	case b.local.reading <- struct{}{}:
		defer func() { <-b.local.reading }()
	case <-ctx.Done():
		return api.ConnectionTable{}, ctx.Err()
	}
	detail := ipvs.Origins
	if r.Engine {
		detail = ipvs.Engines
	}
	out := api.ConnectionTable{Schema: api.Schema, Node: b.a.o.Name, Connections: []api.Connection{}}
	counts := make(tally)
	within, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	for c, err := range b.local.table.Connections(within, detail) {
		if err != nil && within.Err() != nil && ctx.Err() == nil {
			out.More = true
			break
		}
		if err != nil {
			return api.ConnectionTable{}, fmt.Errorf("connections: %w", err)
		}
		out.Read++
		if !want.fits(c) {
			continue
		}
		at := known.place(c)
		if !want.isAt(at) {
			continue
		}
		if !r.Count && out.Total == r.Limit {
			out.More = true
			break
		}
		out.Total++
		if r.Count {
			counts.add(at, c)
		} else {
			out.Connections = append(out.Connections, connection(at, c))
		}
	}
	if r.Count {
		out.Counts = counts.sorted()
	}
	return out, nil
}

// choice is a request that was understood.
type choice struct {
	place                // of which an empty part may be anything
	clients netip.Prefix // invalid: any
	state   string       // "": any
}

func chosen(r api.ConnectionsRequest) (choice, error) {
	c := choice{place: place{r.Virtual, r.Server}, state: strings.ToUpper(r.State)}
	if r.Server != "" && r.Virtual == "" {
		return c, api.Errorf(api.CodeInvalid, "server %q is not named with its virtual", r.Server).WithHint("give both: VIRTUAL/SERVER")
	}
	if states := ipvs.ConnectionStates(); c.state != "" && !slices.Contains(states, c.state) {
		return c, api.Errorf(api.CodeInvalid, "%q is no state of a connection", r.State).WithHint("one of %s", strings.Join(states, ", "))
	}
	if r.Client == "" {
		return c, nil
	}
	prefix, err := netip.ParsePrefix(r.Client)
	if addr, errAddr := netip.ParseAddr(r.Client); errAddr == nil {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		return c, api.Errorf(api.CodeInvalid, "client %q is neither an address nor a network", r.Client).WithHint("as in 198.51.100.7 or 198.51.100.0/24")
	}
	c.clients = prefix
	return c, nil
}

// fits is what can be told of a connection without looking up whose it is.
func (w choice) fits(c ipvs.Connection) bool {
	return (w.state == "" || c.State == w.state) && (!w.clients.IsValid() || w.clients.Contains(c.Client.Addr()))
}

func (w choice) isAt(p place) bool {
	return (w.virtual == "" || p.virtual == w.virtual) && (w.server == "" || p.server == w.server)
}

func connection(at place, c ipvs.Connection) api.Connection {
	out := api.Connection{
		Protocol: c.Protocol.String(), Client: c.Client.String(), Service: c.Virtual.String(), Address: c.Server.String(), Virtual: at.virtual,
		Server: at.server, State: c.State, Expires: c.Expires.Seconds(), Origin: c.Origin.String(), Engine: c.PE, Data: c.PEData,
	}
	if mark, ok := c.Mark(); ok {
		out.Protocol, out.Service = "ip", ipvs.MarkKey(mark, ipvs.FamilyOf(c.Client.Addr())).String()
	}
	return out
}

// tally counts connections by server and state.
type tally map[spot]map[string]int

// spot is a server of a virtual, which has an address and perhaps no name.
type spot struct {
	place
	address netip.AddrPort
}

func (t tally) add(at place, c ipvs.Connection) {
	key := spot{at, c.Server}
	states := t[key]
	if states == nil {
		states = make(map[string]int)
		t[key] = states
	}
	states[c.State]++
}

func (t tally) sorted() []api.ConnectionCount {
	out := make([]api.ConnectionCount, 0, len(t))
	for at, states := range t {
		n := api.ConnectionCount{Virtual: at.virtual, Server: at.server, Address: at.address.String(), States: states}
		for _, count := range states {
			n.Total += count
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b api.ConnectionCount) int {
		return cmp.Or(cmp.Compare(a.Virtual, b.Virtual), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Address, b.Address))
	})
	return out
}
