package director

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// sorry gives a virtual sorry servers at 10.0.0.201:80 and on, with a check like the virtual's.
func sorry(v config.Virtual, names ...string) config.Virtual {
	for i, name := range names {
		v.Sorry = append(v.Sorry, config.Server{
			Name: name, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(201 + i)}), 80), Forward: v.Forward, Weight: 1, Check: v.Check,
		})
	}
	return v
}

// series is one router's decisions about one virtual, pass after pass, with a kernel that follows each.
type series struct {
	in Inputs
}

func newSeries(v config.Virtual) *series {
	doc := document(v)
	return &series{Inputs{
		State: State{Known: true, Revision: 2, Document: doc}, Links: links(), Observed: &ipvs.Table{}, Health: health.View{},
		Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
	}}
}

func (s *series) virtual() *config.Virtual { return &s.in.State.Document.Virtuals[0] }

// say gives verdicts beside those that were given already, as of now.
func (s *series) say(words ...string) *series {
	for key, st := range verdicts(s.in.State.Document, words...) {
		if was := s.in.Health[key]; was.State != st.State || was.Assumed != st.Assumed {
			st.Since = s.in.Now
			s.in.Health[key] = st
		}
	}
	return s
}

// pass decides once and has the kernel follow. It returns what the kernel has then, as "a 1, b 0", and what the pool is.
func (s *series) pass() string {
	want := Decide(s.in)
	s.in.Pools, s.in.Observed = want.Pools, &want.Table
	key, _ := KeyOf(*s.virtual())
	there := servicesOf(&want.Table).of(key)
	var out []string
	for _, server := range everyone(*s.virtual()) {
		if d, ok := there[server.Address]; ok {
			out = append(out, fmt.Sprintf("%s %d", server.Name, d.Weight))
		}
	}
	text := strings.Join(out, ", ")
	if state, why := want.Pools[key].State(); state != "up" {
		text += " (" + state + ": " + why + ")"
	}
	return strings.TrimSpace(text)
}

// step is one pass of a series: what is said before it, and what it makes of it.
type step struct{ say, want string }

func (s *series) run(t *testing.T, steps ...step) {
	t.Helper()
	for i, st := range steps {
		s.say(strings.Split(st.say, ", ")...)
		if got := s.pass(); got != st.want {
			t.Errorf("step %d, %q: %s; want %s", i, st.say, got, st.want)
		}
	}
}

func TestMinServers(t *testing.T) {
	three := with(web("a", "b", "c"), func(v *config.Virtual) { v.MinServers = 2 })
	steady := with(three, func(v *config.Virtual) { v.Hysteresis = 1 })
	for _, tt := range []struct {
		name  string
		v     config.Virtual
		steps []step
	}{
		{"without a sorry server those that are up go on", three, []step{
			{"", ""},
			{"web/a up", "a 1"},
			{"web/b up", "a 1, b 1"},
			{"web/c down", "a 1, b 1"},
			{"web/b down", "a 1 (down: 1 of 2 needed)"},
			{"web/b up", "a 1, b 1"},
		}},
		{"with one they keep what they have", sorry(three, "sorry"), []step{
			{"web/sorry up", ""},
			{"web/a up, web/b up, web/c up", "a 1, b 1, c 1"},
			{"web/b down, web/c down", "a 0, sorry 1 (down: 1 of 2 needed, the sorry server answers)"},
			{"web/a down", "sorry 1 (down: 0 of 2 needed, the sorry server answers)"},
			{"web/a up, web/b up", "a 1, b 1, sorry 0"},
			{"", "a 1, b 1"},
		}},
		{"a sorry server that is down stands for nobody", sorry(three, "sorry", "other"), []step{
			{"web/a up, web/b down, web/c down, web/sorry down", "a 1 (down: 1 of 2 needed)"},
			{"web/other up", "a 0, other 1 (down: 1 of 2 needed, the sorry server answers)"},
			{"web/other down", "a 1 (down: 1 of 2 needed)"},
		}},
		{"hysteresis", steady, []step{
			{"web/a up, web/b up, web/c down", "a 1, b 1"},
			{"web/b down", "a 1 (down: 1 of 3 needed)"},
			{"web/b up", "a 1, b 1 (down: 2 of 3 needed)"},
			{"web/c up", "a 1, b 1, c 1"},
			{"web/c down", "a 1, b 1"},
		}},
		{"more than there are cannot be asked for", with(steady, func(v *config.Virtual) { v.Hysteresis = 9 }), []step{
			{"web/a up, web/b down, web/c down", "a 1 (down: 1 of 3 needed)"},
			{"web/b up, web/c up", "a 1, b 1, c 1"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { newSeries(tt.v).run(t, tt.steps...) })
	}
}

// TestSorryServerOfItsOwnCheck: a server's check stands instead of the virtual's, a sorry server's too.
func TestSorryServerOfItsOwnCheck(t *testing.T) {
	v := sorry(web("a", "b"), "sorry")
	own := *v.Check
	own.Port = 8080
	v.Servers[1].Check, v.Sorry[0].Check = &own, &own
	s := newSeries(v)
	var got []string
	for _, p := range Decide(s.in).Probes {
		got = append(got, p.Addr.String())
	}
	if want := []string{"10.0.0.1:80", "10.0.0.201:8080", "10.0.0.2:8080"}; !slices.Equal(got, want) {
		t.Errorf("asks %v, want %v", got, want)
	}
	s.run(t, step{"web/a down, web/b up", "b 1"}, step{"web/b down, web/sorry up", "sorry 1 (down: 0 of 1 needed, the sorry server answers)"})

	// A sorry server without one counts as up, whatever the virtual's check is.
	s = newSeries(with(sorry(web("a"), "sorry"), func(v *config.Virtual) { v.Sorry[0].Check = nil }))
	s.run(t, step{"web/a down", "sorry 1 (down: 0 of 1 needed, the sorry server answers)"})

	// A server alone may have a check, and any kind that needs no port may ask one without.
	v = with(web("a", "b"), func(v *config.Virtual) {
		v.Check, v.FWMark, v.Address, v.Ports = nil, 7, netip.Addr{}, nil
		v.Servers[0].Address = netip.MustParseAddrPort("10.0.0.1:0")
		v.Servers[0].Check = &config.Check{Kind: config.CheckSome, Need: 1, Of: []config.Check{{Kind: config.CheckICMP}, {Kind: config.CheckTCP, Port: 80}}}
	})
	s = newSeries(v)
	s.run(t, step{"", "b 1"}, step{"web/a up", "a 1, b 1"}, step{"web/a down", "b 1"})
}

// TestSorryServerDrains: it stays while it has connections, and is not cut in the pass that takes its weight.
func TestSorryServerDrains(t *testing.T) {
	v := sorry(web("a"), "sorry")
	key, _ := KeyOf(v)
	s := newSeries(v)
	count := func(active, inactive int) {
		s.in.Stats = ipvs.Stats{key: {Destinations: map[netip.AddrPort]ipvs.DestinationStats{v.Sorry[0].Address: {Active: active, Inactive: inactive}}}}
	}
	s.run(t, step{"web/a down, web/sorry up", "sorry 1 (down: 0 of 1 needed, the sorry server answers)"}, step{"web/a up", "a 1, sorry 0"})
	count(1, 0)
	s.run(t, step{"", "a 1, sorry 0"})
	count(0, 1)
	s.run(t, step{"", "a 1, sorry 0"}, step{"web/sorry down", "a 1, sorry 0"})
	count(0, 0)
	s.run(t, step{"", "a 1"})
}

// TestRestartBelievesTheKernel: who begins in the middle goes on with what is there, within the hysteresis too.
func TestRestartBelievesTheKernel(t *testing.T) {
	v := sorry(with(web("a", "b", "c"), func(v *config.Virtual) { v.MinServers, v.Hysteresis = 1, 2 }), "sorry")
	s := newSeries(v)
	s.run(t, step{"web/a down, web/b down, web/c down, web/sorry up", "sorry 1 (down: 0 of 3 needed, the sorry server answers)"})
	s.in.Pools, s.in.Health = nil, health.View{}
	s.run(t,
		step{"", "sorry 1 (down: 0 of 3 needed, the sorry server answers)"},
		step{"web/a up, web/b up, web/c down", "a 0, b 0, sorry 1 (down: 2 of 3 needed, the sorry server answers)"})
	s.in.Pools = nil
	s.run(t, step{"web/c up", "a 1, b 1, c 1, sorry 0"})
	s.in.Pools = nil
	s.run(t, step{"web/c down, web/b down", "a 1"}) // sorry at weight 0 was no sign of its being down
}

func TestPanic(t *testing.T) {
	four := with(web("a", "b", "c", "d"), func(v *config.Virtual) { v.Panic = 50 })
	all := step{"web/a up, web/b up, web/c up, web/d up", "a 1, b 1, c 1, d 1"}
	for _, tt := range []struct {
		name  string
		v     config.Virtual
		steps []step
	}{
		{"all at once", four, []step{all,
			{"web/a down, web/b down, web/c down, web/d down", "a 1, b 1, c 1, d 1 (panic: 0 of 4 up, the last weights stand)"},
			{"", "a 1, b 1, c 1, d 1 (panic: 0 of 4 up, the last weights stand)"},
			{"web/d up", "a 1, b 1, c 1, d 1 (panic: 1 of 4 up, the last weights stand)"},
			{"web/c up", "c 1, d 1"},
		}},
		{"one after the other", four, []step{all,
			{"web/a down", "b 1, c 1, d 1"}, {"web/b down", "c 1, d 1"},
			{"web/c down", "c 1, d 1 (panic: 1 of 4 up, the last weights stand)"},
			{"web/d down", "c 1, d 1 (panic: 0 of 4 up, the last weights stand)"},
			{"web/a up", "a 1, c 1, d 1 (panic: 1 of 4 up, the last weights stand)"},
			{"web/b up", "a 1, b 1"},
		}},
		{"quiesced before", with(four, quiesce), []step{all,
			{"web/a down", "a 0, b 1, c 1, d 1"},
			{"web/b down, web/c down, web/d down", "a 0, b 1, c 1, d 1 (panic: 0 of 4 up, the last weights stand)"},
		}},
		{"it is stronger than min_servers", sorry(with(four, func(v *config.Virtual) { v.MinServers = 2 }), "sorry"), []step{all,
			{"web/sorry up, web/a down, web/b down, web/c down, web/d down", "a 1, b 1, c 1, d 1 (panic: 0 of 4 up, the last weights stand)"},
		}},
		{"min_servers above it is reached first, and stands too", sorry(with(four, func(v *config.Virtual) { v.MinServers = 3 }), "sorry"), []step{all,
			{"web/sorry up, web/a down, web/b down", "c 0, d 0, sorry 1 (down: 2 of 3 needed, the sorry server answers)"},
			{"web/c down", "c 0, d 0, sorry 1 (panic: 1 of 4 up, the last weights stand)"},
			{"web/a up, web/b up, web/c up", "a 1, b 1, c 1, d 1, sorry 0"},
		}},
		{"nothing is known yet", four, []step{{"web/a down, web/b down", ""}, {"web/c down", "(panic: 0 of 4 up, the last weights stand)"}, {"web/d up", "d 1 (panic: 1 of 4 up, the last weights stand)"}}},
	} {
		t.Run(tt.name, func(t *testing.T) { newSeries(tt.v).run(t, tt.steps...) })
	}
}

// TestPanicOfANewProcess: what the kernel has is what stands; and an operator's word is stronger than a panic.
func TestPanicOfANewProcess(t *testing.T) {
	s := newSeries(with(web("a", "b"), func(v *config.Virtual) { v.Panic = 50 }))
	s.in.Observed = table80("10.0.0.1:80 3", "10.0.0.2:80 5")
	s.run(t, step{"web/a down, web/b down", "a 3, b 5 (panic: 0 of 2 up, the last weights stand)"})
	s.in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}}
	s.run(t, step{"", "a 7, b 5 (panic: 0 of 2 up, the last weights stand)"})
	s.in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: Disable}}
	s.run(t, step{"", "b 5 (panic: 0 of 1 up, the last weights stand)"})
	s.in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: ForceDown}}
	s.run(t, step{"", "b 5 (panic: 0 of 2 up, the last weights stand)"})
	s.in.State.Overrides = nil // what it had last stands again
	s.run(t, step{"", "a 7, b 5 (panic: 0 of 2 up, the last weights stand)"})
	s.in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: Drain}, {Virtual: "web", Server: "b", Kind: Disable}}
	s.run(t, step{"", "(down: 0 of 1 needed)"}) // none counts: then none is missing
}

// TestOperatorTakesServersOut: who is drained does not serve, and so the sorry server answers.
func TestOperatorTakesServersOut(t *testing.T) {
	s := newSeries(sorry(web("a", "b"), "a"))
	s.say("web/a up", "web/b up")
	s.in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: Drain}}
	s.run(t, step{"", "a 0, b 1"})
	s.in.State.Overrides = append(s.in.State.Overrides, Override{Virtual: "web", Server: "b", Kind: Disable})
	target, _ := TargetOf(Apart(*s.virtual()), s.virtual().Sorry[0])
	s.in.Health[target.Key()] = health.Status{State: health.Up}
	s.run(t, step{"", "a 0, a 1 (down: 0 of 1 needed, the sorry server answers)"})
}

func TestAdvice(t *testing.T) {
	for _, tt := range []struct {
		weight int
		advice health.Advice
		want   string
	}{
		{100, health.Advice{}, "a 100"},
		{100, health.Advice{Kind: health.Percent, Value: 100}, "a 100"},
		{100, health.Advice{Kind: health.Percent, Value: 75}, "a 75: agent 75 %"},
		{1, health.Advice{Kind: health.Percent, Value: 1}, "a 1: agent 1 %"},
		{40000, health.Advice{Kind: health.Percent, Value: 200}, "a 65535: agent 200 %"},
		{40000, health.Advice{Kind: health.Percent, Value: 1 << 62}, "a 65535: agent 4611686018427387904 %"},
		{100, health.Advice{Kind: health.Percent}, "a 0 (down: 0 of 1 needed): agent 0 %"},
		{100, health.Advice{Kind: health.Percent, Value: -5}, "a 0 (down: 0 of 1 needed): agent 0 %"},
		{100, health.Advice{Kind: health.Absolute, Value: 7}, "a 7: agent: weight 7"},
		{100, health.Advice{Kind: health.Absolute, Value: 70000}, "a 65535: agent: weight 70000"},
		{100, health.Advice{Kind: health.DrainAdvice}, "a 0 (down: 0 of 1 needed): agent: drain"},
		{0, health.Advice{Kind: health.Absolute, Value: 7}, "a 0 (down: 0 of 1 needed)"},
	} {
		s := newSeries(with(web("a"), func(v *config.Virtual) { v.Servers[0].Weight = tt.weight }))
		target, _ := TargetOf(*s.virtual(), s.virtual().Servers[0])
		s.in.Health[target.Key()] = health.Status{State: health.Up, Advice: tt.advice}
		got := s.pass()
		for _, p := range s.in.Pools {
			if why, ok := p.Whys[target.Addr]; ok {
				got += ": " + why
			}
		}
		if got != tt.want {
			t.Errorf("weight %d, %+v: %s; want %s", tt.weight, tt.advice, got, tt.want)
		}
		s.in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 9}}
		if got := s.pass(); got != "a 9" {
			t.Errorf("weight %d, %+v, and an operator says 9: %s", tt.weight, tt.advice, got)
		}
	}
}
