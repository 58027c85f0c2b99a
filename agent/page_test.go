package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
	"polso/vip"
)

// sized is a router's document of so many virtuals and servers in each, and what it has made of it.
func sized(t testing.TB, virtuals, servers int) (*fsm.Snapshot, *director.Status) {
	t.Helper()
	doc, err := config.Load(config.File{Name: "large.hcl", Text: []byte(large(virtuals, servers, 1))})
	if err != nil {
		t.Fatal(err)
	}
	d := director.Decide(director.Inputs{
		State: director.State{Known: true, Revision: 2, Document: doc}, Links: vip.Links{{Name: "eth0", Up: true}},
		Interfaces: map[string]string{"outside": "eth0"}, Observed: new(ipvs.Table),
	})
	return &fsm.Snapshot{Known: true, Revision: 2, Document: doc}, &director.Status{Table: d.Table, Pools: d.Pools, Places: d.Places}
}

// page is what a router answers.
func page(snap *fsm.Snapshot, dir *director.Status, r api.VirtualsRequest) api.Virtuals {
	return pageOf("r1", snap.Revision, listable(snap, dir), r)
}

// A page has what it was asked for, and its sums are of all.
func TestPage(t *testing.T) {
	snap, dir := sized(t, 25, 3)
	for _, test := range []struct {
		name  string
		ask   api.VirtualsRequest
		total int
		want  string
	}{
		{"the first", api.VirtualsRequest{Limit: 3}, 25, "v0 v1 v10"},
		{"the next", api.VirtualsRequest{Limit: 3, Offset: 3}, 25, "v11 v12 v13"},
		{"the last", api.VirtualsRequest{Limit: 10, Offset: 24}, 25, "v9"},
		{"behind the last", api.VirtualsRequest{Limit: 10, Offset: 99}, 25, ""},
		{"by name", api.VirtualsRequest{Limit: 10, Q: " V2 "}, 6, "v2 v20 v21 v22 v23 v24"},
		{"by a server's address", api.VirtualsRequest{Limit: 10, Q: "10.10.0.75"}, 1, "v24"},
		{"by what nobody has", api.VirtualsRequest{Limit: 10, Q: "nowhere"}, 0, ""},
		{"of these names", api.VirtualsRequest{Limit: 10, Names: []string{"v7", "gone", "v12"}}, 2, "v12 v7"},
		{"in a state that none is in", api.VirtualsRequest{Limit: 10, State: "panic"}, 0, ""},
	} {
		got := page(snap, dir, test.ask)
		var names []string
		for _, v := range got.Virtuals {
			names = append(names, v.Name)
			if len(v.Servers) != 0 || v.Servers == nil || fmt.Sprint(v.States) != "map[up:3]" {
				t.Errorf("%s: %s has %d servers, sums %v", test.name, v.Name, len(v.Servers), v.States)
			}
		}
		if s := strings.Join(names, " "); s != test.want || got.Total != test.total || got.All != 25 {
			t.Errorf("%s: %q of %d of %d, want %q of %d", test.name, s, got.Total, got.All, test.want, test.total)
		}
	}
	if got := page(snap, dir, api.VirtualsRequest{Limit: 2, Servers: true}); len(got.Virtuals[1].Servers) != 3 || got.States["up"] != 25 {
		t.Errorf("with servers: %+v", got)
	}
	one := serversOf("r1", 2, observe(snap, dir).virtual(snap.Document.Virtuals[4]), api.ServersRequest{Offset: 1, Limit: 1})
	if one.Total != 3 || len(one.Virtual.Servers) != 1 || one.Virtual.Servers[0].Name != "s1" || one.Virtual.States["up"] != 3 {
		t.Errorf("one: %+v", one)
	}
}

// Those to look at first are not up, and then the busiest.
func TestPageByTrouble(t *testing.T) {
	var all []listed
	for i, state := range []string{"inactive", "up", "unknown", "up", "down", "panic", "up"} {
		name := fmt.Sprintf("v%d", i)
		all = append(all, listed{name: name, state: state, rates: api.Rates{Connections: uint64(i % 4)}, whole: func() api.Virtual { return api.Virtual{Name: name, State: state} }})
	}
	names := func(r api.VirtualsRequest) (out string) {
		for _, v := range pageOf("r1", 2, all, r).Virtuals {
			out += v.Name + " "
		}
		return out
	}
	if got, want := names(api.VirtualsRequest{Order: api.ByTrouble, Limit: 6}), "v4 v5 v2 v3 v6 v1 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := names(api.VirtualsRequest{Order: api.ByTrouble, Offset: 5, Limit: 6}), "v1 v0 "; got != want {
		t.Errorf("the rest: got %s, want %s", got, want)
	}
	if got := pageOf("r1", 2, all, api.VirtualsRequest{Names: []string{"v1"}, Limit: 6}); got.Total != 1 || got.States["up"] != 3 {
		t.Errorf("of one name: %+v", got)
	}
}

// A list is in the order that was asked for, or the other way round, and by name among equals.
func TestPageOrder(t *testing.T) {
	var all []listed
	for i, at := range []string{"192.0.2.9:80", "192.0.2.10:443", "192.0.2.10:80", ""} {
		name, address := fmt.Sprintf("v%d", i), netip.AddrPort{}
		if at != "" {
			address = netip.MustParseAddrPort(at)
		}
		all = append(all, listed{name: name, state: "up", address: address, rates: api.Rates{Connections: uint64(i % 3), BytesIn: uint64(10 - i), BytesOut: 7},
			active: func() int { return i * i % 5 }, whole: func() api.Virtual { return api.Virtual{Name: name} }})
	}
	for order, want := range map[string]string{
		"": "v0 v1 v2 v3", "name": "v0 v1 v2 v3", api.ByAddress: "v3 v0 v2 v1", api.ByConnections: "v2 v1 v0 v3", api.ByActive: "v2 v3 v1 v0",
		api.ByIn: "v0 v1 v2 v3", api.ByOut: "v0 v1 v2 v3", api.ByTrouble: "v2 v1 v0 v3",
	} {
		names := func(reverse bool) []string {
			var out []string
			for _, v := range pageOf("r1", 2, all, api.VirtualsRequest{Order: order, Reverse: reverse, Limit: 9}).Virtuals {
				out = append(out, v.Name)
			}
			return out
		}
		got := names(false)
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", order, s, want)
		}
		slices.Reverse(got)
		if back := names(true); !slices.Equal(back, got) {
			t.Errorf("%s, the other way round: %v, want %v", order, back, got)
		}
	}
}

// Whoever is asked, the leader chooses, with the same words of what is not there.
func TestPageOfTheLeader(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	st := w.nodes[0].status("settled", settled(3, 2))
	for _, r := range w.nodes {
		got, err := r.client.Virtuals(t.Context(), api.VirtualsRequest{Q: "web", Servers: true})
		if err != nil {
			t.Fatal(err)
		}
		if got.Node != st.Leader || got.Total != 1 || got.Virtuals[0].Name != "web" || len(got.Virtuals[0].Servers) != 2 {
			t.Errorf("%s: %+v", r.name, got)
		}
		one, err := r.client.Virtual(t.Context(), "web", api.ServersRequest{Q: "B"})
		if err != nil {
			t.Fatal(err)
		}
		if one.Node != st.Leader || one.Total != 1 || one.Virtual.Servers[0].Name != "b" {
			t.Errorf("%s: %+v", r.name, one)
		}
		if _, err := r.client.Virtual(t.Context(), "nobody", api.ServersRequest{}); api.CodeOf(err) != api.CodeNotFound {
			t.Errorf("%s: of a virtual that is not there: %v", r.name, err)
		}
		if here, err := r.client.Virtuals(t.Context(), api.VirtualsRequest{Local: true}); err != nil || here.Node != r.name {
			t.Errorf("%s alone: %+v, %v", r.name, here, err)
		}
	}
}

// What a page of 50 costs who sees the whole.
func BenchmarkPage(b *testing.B) {
	for _, size := range [][2]int{{10, 10}, {1000, 10}} {
		snap, dir := sized(b, size[0], size[1])
		for name, ask := range map[string]api.VirtualsRequest{"page": {Limit: 50}, "with servers": {Limit: 50, Servers: true}, "searched": {Limit: 50, Q: "10.10.7."}} {
			b.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					page(snap, dir, ask)
				}
			})
		}
	}
}
