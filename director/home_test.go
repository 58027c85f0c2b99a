package director

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// TestHomes: where an address without a named link goes, by where it was, what the document asks for, and what there is.
func TestHomes(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.10")
	const wide, narrow, alone = "192.0.2.10/24", "192.0.2.10/25", "192.0.2.10/32"
	eth0, eth1 := vip.Link{Name: "eth0", Up: true}, vip.Link{Name: "eth1", Up: true}
	has := func(l vip.Link, prefixes ...string) vip.Link {
		for _, p := range prefixes {
			l.Prefixes = append(l.Prefixes, netip.MustParsePrefix(p).Masked())
		}
		return l
	}
	const fix = `name one with "interface" in the document`
	tests := []struct {
		name   string
		home   string // link and subnet
		subnet string
		links  vip.Links
		want   string // link and the problem
	}{
		{"a fresh process looks", "", alone, vip.Links{has(eth0, wide), eth1}, "eth0"},
		{"all is as it was", "eth0 " + alone, alone, vip.Links{has(eth0, wide), eth1}, "eth0"},
		{"another link has it too", "eth0 " + alone, alone, vip.Links{has(eth0, wide), has(eth1, wide)}, "eth0: stays on eth0, but several links have its subnet; " + fix},
		{"another link has a longer subnet", "eth0 " + alone, alone, vip.Links{has(eth0, wide), has(eth1, narrow)}, "eth0: stays on eth0, but eth1 has its subnet; " + fix},
		{"no link has it any more", "eth0 " + alone, alone, vip.Links{eth0, eth1}, "eth0: stays on eth0, but no link has its subnet; give a link an address of its subnet, or " + fix},
		{"only another link has it", "eth0 " + alone, alone, vip.Links{eth0, has(eth1, wide)}, "eth0: stays on eth0, but eth1 has its subnet; " + fix},
		{"the link is gone, another has it", "eth7 " + alone, alone, vip.Links{has(eth0, wide), eth1}, "eth0"},
		{"the link is gone, nobody has it", "eth7 " + alone, alone, vip.Links{eth0, eth1}, ": no link has its subnet; give a link an address of its subnet, or " + fix},
		{"the document gives another subnet", "eth0 " + wide, narrow, vip.Links{has(eth0, wide), has(eth1, narrow)}, "eth1"},
		{"the document gives another subnet, which is nowhere", "eth0 " + wide, narrow, vip.Links{eth0, eth1}, "eth0: stays on eth0, but no link has its subnet; give a link an address of its subnet, or " + fix},
		{"the document names no link any more", "eth1", alone, vip.Links{has(eth0, wide), eth1}, "eth0"},
		{"the document names no link any more, and several have it", "eth1", alone, vip.Links{has(eth0, wide), has(eth1, wide)}, "eth1: stays on eth1, but several links have its subnet; " + fix},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := config.Document{VIPs: []config.VIP{{Name: "front", Address: netip.MustParsePrefix(tt.subnet)}}}
			in := Inputs{State: State{Known: true, Document: doc}, Links: tt.links, Observed: &ipvs.Table{}}
			if tt.home != "" {
				in.Homes = map[netip.Addr]Home{addr: homeFrom(tt.home)}
			}
			want := Decide(in)
			got := ""
			if len(want.Places) > 0 {
				got = want.Places[0].Link
			}
			for _, p := range want.Problems {
				if strings.HasPrefix(p.What, "link") { // that has no address of its own: not the question here
					continue
				}
				got += ": " + p.Why + "; " + p.Fix
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if unfit := len(want.Unfit) > 0; unfit != (len(want.Places) == 0) {
				t.Errorf("unfit: %v", want.Unfit)
			}
			in.Homes = want.Homes
			if again := Decide(in); !reflect.DeepEqual(again, want) {
				t.Errorf("the next pass wants\n%+v\nafter\n%+v", again, want)
			}
		})
	}
}

// homeFrom reads "eth0 192.0.2.10/24" or "eth0".
func homeFrom(words string) Home {
	link, subnet, found := strings.Cut(words, " ")
	if !found {
		return Home{Link: link}
	}
	return Home{link, netip.MustParsePrefix(subnet)}
}

// TestHomesAreForgotten: with the address, and not because nothing is known for a moment.
func TestHomesAreForgotten(t *testing.T) {
	homes := map[netip.Addr]Home{netip.MustParseAddr("192.0.2.10"): {Link: "eth0"}}
	for _, tt := range []struct {
		name  string
		state State
		keeps bool
	}{
		{"not known", State{}, true},
		{"somebody else's services", State{Known: true, Foreign: true}, true},
		{"in the document without a place", State{Known: true, Document: document(web())}, true},
		{"not in the document", State{Known: true, Document: document()}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Decide(Inputs{State: tt.state, Homes: homes, Observed: &ipvs.Table{}}).Homes
			if keeps := len(got) == 1; keeps != tt.keeps {
				t.Errorf("homes %v", got)
			}
		})
	}
}

// TestAddressStaysWhileItsLinkDoes: what others do with their addresses moves none that is served.
func TestAddressStaysWhileItsLinkDoes(t *testing.T) {
	put := func(prefix, link string) func(*world) error {
		return func(w *world) error { return w.edge.Put(netip.MustParsePrefix(prefix), link) }
	}
	for _, tt := range []struct {
		name   string
		happen func(*world) error
		why    string
	}{
		{"the subnet appears on another link too", put("192.0.2.99/24", "eth1"), "stays on eth0, but several links have its subnet"},
		{"a longer one does", put("192.0.2.9/28", "eth1"), "stays on eth0, but eth1 has its subnet"},
		{"the link's own address is taken away", func(w *world) error {
			return w.edge.Take(netip.MustParsePrefix("192.0.2.1/24"), "eth0")
		}, "stays on eth0, but no link has its subnet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				w.start()
				running(w)
				w.lead(1)
				w.wait(10 * time.Second)
				w.forget()
				if err := tt.happen(w); err != nil {
					t.Fatal(err)
				}
				w.wait(30 * time.Second)
				w.expect("afterwards", ``)
				w.check("afterwards", "converged rev 2 web 192.0.2.10 present")
				s := w.d.Status()
				if len(s.Problems) == 0 || s.Problems[0].Why != tt.why || len(s.Unfit) > 0 {
					t.Errorf("problems %v, unfit %v", s.Problems, s.Unfit)
				}
			})
		})
	}
}
