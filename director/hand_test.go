package director

import (
	"fmt"
	"net/netip"
	"testing"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// Every set of words about one server, its verdict and what the kernel has, against the rules said another way: what takes a server away
// is stronger than what is said of its health, and that is stronger than its check.
func TestOperatorsWordsExhaustively(t *testing.T) {
	a := func(kind OverrideKind) Override {
		return Override{Virtual: "web", Server: "a", Kind: kind, Weight: map[OverrideKind]int{SetWeight: 7}[kind]}
	}
	at := func(kind OverrideKind) Override {
		return Override{Address: netip.MustParseAddr("10.0.0.1"), Kind: kind}
	}
	none := Override{}
	for _, traffic := range []Override{none, a(Drain), a(Disable)} {
		for _, maintained := range []Override{none, at(Drain), at(Disable)} {
			for _, forced := range []Override{none, a(ForceUp), a(ForceDown)} {
				for _, weight := range []Override{none, a(SetWeight)} {
					for _, state := range []health.State{health.Unknown, health.Up, health.Down} {
						for _, onFailure := range []config.OnFailure{config.Remove, config.Quiesce} {
							for _, checked := range []bool{true, false} {
								v := with(web("a"), func(v *config.Virtual) { v.OnFailure = onFailure })
								target, _ := TargetOf(v, v.Servers[0])
								if !checked {
									v.Check = nil
								}
								in := Inputs{State: State{Known: true, Revision: 2, Document: document(v)},
									Health: health.View{target.Key(): {State: state}}, Observed: table80("10.0.0.1:80 5")}
								for _, o := range []Override{weight, forced, maintained, traffic} {
									if o.Kind != "" {
										in.State.Overrides = append(in.State.Overrides, o)
									}
								}

								is := state
								if !checked {
									is = health.Up
								}
								if forced.Kind == ForceUp {
									is = health.Up
								} else if forced.Kind == ForceDown {
									is = health.Down
								}
								want := map[bool]string{true: "7", false: "1"}[weight.Kind == SetWeight]
								if is == health.Unknown {
									want = "5" // what the kernel has
								}
								if traffic.Kind == Drain || maintained.Kind == Drain {
									want = "0"
								}
								if is == health.Down {
									want = map[config.OnFailure]string{config.Remove: "absent", config.Quiesce: "0"}[onFailure]
								}
								if traffic.Kind == Disable || maintained.Kind == Disable {
									want = "absent"
								}
								got := "absent"
								for _, d := range Decide(in).Table.Services[0].Destinations {
									got = fmt.Sprint(d.Weight)
								}
								if got != want {
									t.Errorf("%s, checked %v, %s, words %v: weight %s, want %s", onFailure, checked, state, in.State.Overrides, got, want)
								}
							}
						}
					}
				}
			}
		}
	}
}

// A word about an address is about every server there, whatever virtual and port, and about no other.
func TestMaintenanceOfAnAddress(t *testing.T) {
	mail := with(web("a", "b"), func(v *config.Virtual) {
		v.Name, v.Ports = "mail", []uint16{25}
		for i := range v.Servers {
			v.Servers[i].Address = netip.AddrPortFrom(v.Servers[i].Address.Addr(), 25)
		}
	})
	in := override(base(document(mail, web("a", "b")), "web/a up", "web/b up", "mail/a up", "mail/b up"),
		Override{Address: netip.MustParseAddr("10.0.0.1"), Kind: Drain})
	weights := make(map[string]int)
	for _, s := range Decide(in).Table.Services {
		for _, d := range s.Destinations {
			weights[d.Addr.String()] = d.Weight
		}
	}
	if got, want := fmt.Sprint(weights), "map[10.0.0.1:25:0 10.0.0.1:80:0 10.0.0.2:25:1 10.0.0.2:80:1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A server that an operator forced up or down waits for no verdict.
func TestForcedIsDecided(t *testing.T) {
	for kind, want := range map[OverrideKind]int{"": 1, ForceUp: 0, ForceDown: 0} {
		in := base(document(web("a")))
		in.Observed = &ipvs.Table{}
		if kind != "" {
			in = override(in, Override{Virtual: "web", Server: "a", Kind: kind})
		}
		if got := Decide(in).Undecided; len(got) != want {
			t.Errorf("%q: undecided %v", kind, got)
		}
	}
}
