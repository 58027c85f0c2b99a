package vip

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffSays(t *testing.T) {
	for _, tt := range []struct {
		name string
		want []Held
		have []Placed
		ops  string
	}{
		{"nothing to do", nil, nil, ""},
		{"what is missing", []Held{{Addr: six, Link: "eth0"}, {Addr: ten, Link: "eth0"}}, nil,
			"ip addr add 192.0.2.10/32 dev eth0\nip addr add 2001:db8::10/128 dev eth0"},
		{"what must go", nil, []Placed{{Addr: ten, Bits: 32, Link: "eth0", Ours: true}}, "ip addr del 192.0.2.10/32 dev eth0"},
		{"another link", []Held{{Addr: ten, Link: "eth1"}}, []Placed{{Addr: ten, Bits: 32, Link: "eth0", Ours: true}},
			"ip addr del 192.0.2.10/32 dev eth0\nip addr add 192.0.2.10/32 dev eth1"},
		{"ours in a subnet", []Held{{Addr: ten, Link: "eth0"}}, []Placed{{Addr: ten, Bits: 24, Link: "eth0", Ours: true}},
			"ip addr del 192.0.2.10/24 dev eth0\nip addr add 192.0.2.10/32 dev eth0"},
		{"somebody's own", []Held{{Addr: ten, Link: "eth0"}}, []Placed{{Addr: ten, Bits: 24, Link: "eth1"}},
			"# not ours, left alone: ip addr add 192.0.2.10/32 dev eth0"},
		{"somebody's beside ours", []Held{{Addr: ten, Link: "eth0"}},
			[]Placed{{Addr: ten, Bits: 24, Link: "eth1"}, {Addr: ten, Bits: 32, Link: "eth0", Ours: true}}, ""},
		{"wanted twice", []Held{{Addr: ten, Link: "eth0", Epoch: 1}, {Addr: ten, Link: "eth0", Epoch: 2}}, nil,
			"ip addr add 192.0.2.10/32 dev eth0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, op := range Diff(tt.want, tt.have) {
				lines = append(lines, op.String())
			}
			if diff := cmp.Diff(tt.ops, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Every table of two addresses on two links, each place empty, ours, ours in a subnet or somebody's, against every wish.
func TestDiffExhaustively(t *testing.T) {
	type at struct {
		addr netip.Addr
		link string
	}
	places := []at{{ten, "eth0"}, {ten, "eth1"}, {six, "eth0"}, {six, "eth1"}}
	states := []func(at) []Placed{
		func(at) []Placed { return nil },
		func(p at) []Placed { return []Placed{{Addr: p.addr, Bits: p.addr.BitLen(), Link: p.link, Ours: true}} },
		func(p at) []Placed { return []Placed{{Addr: p.addr, Bits: 24, Link: p.link, Ours: true}} },
		func(p at) []Placed { return []Placed{{Addr: p.addr, Bits: 24, Link: p.link}} },
		func(p at) []Placed {
			return []Placed{{Addr: p.addr, Bits: p.addr.BitLen(), Link: p.link, Ours: true}, {Addr: p.addr, Bits: 24, Link: p.link}}
		},
	}
	n := 0
	for code := range 5 * 5 * 5 * 5 {
		var have []Placed
		for i, c := 0, code; i < len(places); i, c = i+1, c/5 {
			have = append(have, states[c%5](places[i])...)
		}
		for wish := range 16 {
			var want []Held
			for i, p := range places {
				if wish&(1<<i) != 0 {
					want = append(want, Held{Addr: p.addr, Link: p.link})
				}
			}
			n++
			checkDiff(t, want, have)
		}
	}
	t.Logf("%d pairs", n)
}

func checkDiff(t *testing.T, want []Held, have []Placed) {
	t.Helper()
	after := make(map[Placed]bool)
	foreign := make(map[netip.Addr]bool)
	for _, p := range have {
		after[p] = true
		foreign[p.Addr] = foreign[p.Addr] || !p.Ours
	}
	refused := make(map[Held]bool)
	added := false
	for _, op := range Diff(want, have) {
		p := Placed{Addr: op.Addr, Bits: op.Bits, Link: op.Link, Ours: true}
		switch op.Verb {
		case Remove:
			if added || !after[p] {
				t.Fatalf("want %v, have %v: %v after an add, or of what is not there and ours", want, have, op)
			}
			delete(after, p)
		case Add:
			if after[p] || foreign[p.Addr] {
				t.Fatalf("want %v, have %v: %v", want, have, op)
			}
			added, after[p] = true, true
		case Refuse:
			if !foreign[p.Addr] {
				t.Fatalf("want %v, have %v: %v", want, have, op)
			}
			refused[Held{Addr: op.Addr, Link: op.Link}] = true
		}
	}
	ours := 0
	for p := range after {
		if p.Ours {
			ours++
		}
	}
	there := 0
	var list []Placed
	for p := range after {
		list = append(list, p)
	}
	for _, h := range want {
		is := after[Placed{Addr: h.Addr, Bits: h.Addr.BitLen(), Link: h.Link, Ours: true}]
		if is == refused[h] {
			t.Fatalf("want %v, have %v: %v there %v, refused %v", want, have, h, is, refused[h])
		}
		if is {
			there++
		}
	}
	if ours != there {
		t.Fatalf("want %v, have %v: %d of ours are left, want %d", want, have, ours, there)
	}
	for _, op := range Diff(want, list) {
		if op.Verb != Refuse {
			t.Fatalf("want %v, have %v: the second time still %v", want, have, op)
		}
	}
}
