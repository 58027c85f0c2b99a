package director

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
	"polso/health"
)

// slow gives a virtual a slow start over 20 s and its servers weight 100.
func slow(curve config.SlowCurve) func(*config.Virtual) {
	return func(v *config.Virtual) {
		v.SlowStart, v.SlowCurve = 20*time.Second, curve
		for i := range v.Servers {
			v.Servers[i].Weight = 100
		}
	}
}

// climbing passes whenever the director would for the sake of weights, until it would no more.
func (s *series) climbing(t *testing.T) string {
	t.Helper()
	begin := s.in.Now
	var out []string
	for range linearSteps + 1 {
		want := Decide(s.in)
		s.pass()
		text := fmt.Sprintf("%g s: %d", s.in.Now.Sub(begin).Seconds(), want.Table.Services[0].Destinations[0].Weight)
		for _, p := range want.Pools {
			for _, why := range p.Whys {
				text += " " + why
			}
		}
		if out = append(out, text); want.Again == 0 {
			return strings.Join(out, "\n")
		}
		s.in.Now = s.in.Now.Add(want.Again)
	}
	t.Error("it never ends")
	return strings.Join(out, "\n")
}

func TestSlowStart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*config.Virtual)
		want   string
	}{
		{"doubling", slow(config.Doubling), `0 s: 3 slow start 3 %
4 s: 6 slow start 6 %
8 s: 12 slow start 12 %
12 s: 25 slow start 25 %
16 s: 50 slow start 50 %
20 s: 100`},
		{"few steps", func(v *config.Virtual) { slow(config.Linear)(v); v.Servers[0].Weight = 4 }, `0 s: 1 slow start 5 %
10 s: 2 slow start 50 %
15 s: 3 slow start 75 %
20 s: 4`},
		{"one step", func(v *config.Virtual) { slow(config.Linear)(v); v.Servers[0].Weight = 1 }, `0 s: 1`},
		{"none", func(v *config.Virtual) { v.SlowStart = 0 }, `0 s: 1`},
		{"drained", func(v *config.Virtual) { slow(config.Linear)(v); v.Servers[0].Weight = 0 }, `0 s: 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSeries(with(web("a"), tt.change)).say("web/a down")
			s.pass()
			s.say("web/a up")
			checkText(t, s.climbing(t), tt.want)
		})
	}
	s := newSeries(with(web("a"), slow(config.Linear))).say("web/a down")
	s.pass()
	got := strings.Split(s.say("web/a up").climbing(t), "\n")
	if len(got) != linearSteps || got[0] != "0 s: 5 slow start 5 %" || got[1] != "2 s: 10 slow start 10 %" || got[19] != "20 s: 100" {
		t.Errorf("linear: %d steps %q", len(got), got)
	}
}

// TestWhoStartsSlowly: servers that came up while this process looked, and no others.
func TestWhoStartsSlowly(t *testing.T) {
	s := newSeries(with(web("a", "b"), slow(config.Linear)))
	s.run(t, step{"", ""}, step{"web/a up", "a 100"}, step{"web/b down", "a 100"}) // a was up before this process
	s.run(t, step{"web/b up", "a 100, b 5"})
	s.in.Now = s.in.Now.Add(10 * time.Second)
	s.run(t, step{"", "a 100, b 50"})
	s.virtual().SlowStart = 40 * time.Second
	s.run(t, step{"", "a 100, b 25"})
	s.in.State.Overrides = []Override{{Virtual: "web", Server: "b", Kind: SetWeight, Weight: 40}}
	s.run(t, step{"", "a 100, b 10"})
	s.in.State.Overrides = nil
	s.in.Now = s.in.Now.Add(time.Minute)
	s.run(t, step{"", "a 100, b 100"})

	// A server that the document has now, and one whose check it changes.
	c := web("a", "b", "c").Servers[2]
	c.Weight = 100
	s.virtual().Servers = append(s.virtual().Servers, c)
	s.run(t, step{"web/c up", "a 100, b 100, c 5"})
	check := *s.virtual().Check
	check.Port = 8080
	s.virtual().Check = &check
	s.run(t, step{"web/a up, web/b up", "a 100, b 100, c 5"})

	// It becomes slow while a server has just come up.
	s = newSeries(with(web("a"), func(v *config.Virtual) { v.Servers[0].Weight = 100 }))
	s.run(t, step{"web/a down", "(down: 0 of 1 needed)"}, step{"web/a up", "a 100"})
	s.virtual().SlowStart = time.Minute
	s.run(t, step{"", "a 100"})

	// A standby that takes over has watched it climb; one that takes over cold knows when it came up.
	s = newSeries(with(web("a"), slow(config.Linear)))
	s.in.State.Document.Cluster.Standby, s.in.State.OtherLeads = config.Cold, true
	cold := func(say, want string) {
		t.Helper()
		decided := Decide(s.say(say).in)
		s.in.Pools = decided.Pools
		if text := decided.Table.String(); !strings.HasSuffix(text, want) || want == "" && text != "" {
			t.Errorf("cold, %s: %q, want %q", say, text, want)
		}
	}
	cold("web/a down", "")
	cold("web/a up", "")
	s.in.Now = s.in.Now.Add(10 * time.Second)
	s.in.Mandate, s.in.State.OtherLeads = mandate(1, time.Hour), false
	cold("", " -w 50\n")
}

// TestSlowStartAfterAPanic: who had a share all along keeps it.
func TestSlowStartAfterAPanic(t *testing.T) {
	s := newSeries(with(with(web("a", "b"), slow(config.Linear)), func(v *config.Virtual) { v.Panic = 50 }))
	s.run(t, step{"web/a up, web/b up", "a 100, b 100"},
		step{"web/a down, web/b down", "a 100, b 100 (panic: 0 of 2 up, the last weights stand)"},
		step{"web/a up, web/b up", "a 100, b 100"}, step{"web/b down", "a 100"}, step{"web/b up", "a 100, b 5"})
}

// TestSlowStartIsMonotone: for any weight, curve and length a server that stays up never has less than before, never nothing
// and never more than its weight, which it has at the end; in few steps, each of which comes when it was said to.
func TestSlowStartIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.IntRange(1, heaviest).Draw(t, "weight")
		curve := rapid.SampledFrom([]config.SlowCurve{"", config.Linear, config.Doubling}).Draw(t, "curve")
		over := time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "over"))
		now, _, next := slowed(weight, curve, over, 0)
		age, steps := time.Duration(0), 0
		for next > 0 {
			if now < 1 || now >= weight {
				t.Fatalf("after %s of %s: %d of %d", age, over, now, weight)
			}
			// In between it stays.
			if between, _, _ := slowed(weight, curve, over, age+next-1); between != now {
				t.Fatalf("after %s: %d, and just before the next step %d", age, now, between)
			}
			age += next
			before := now
			if now, _, next = slowed(weight, curve, over, age); now <= before {
				t.Fatalf("after %s: %d, before that %d", age, now, before)
			}
			if steps++; steps > linearSteps {
				t.Fatal("more steps than there are")
			}
		}
		if now != weight || age > over {
			t.Fatalf("ends with %d of %d after %s of %s", now, weight, age, over)
		}
	})
}

// TestSlowStartInPasses: the director makes a pass when a share grows, and none for its sake afterwards.
func TestSlowStartInPasses(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(with(web("a"), slow(config.Doubling))))
		w.say("web/a down")
		w.forget()
		w.lead(1)
		w.forget()
		w.health.mu.Lock()
		w.health.view = verdicts(w.state.Document, "web/a up")
		for key, st := range w.health.view {
			st.Since = time.Now()
			w.health.view[key] = st
		}
		w.health.mu.Unlock()
		w.ring()
		w.wait(30 * time.Second)
		var got []string
		for line := range strings.Lines(w.forget()) {
			if strings.Contains(line, "ipvsadm") {
				got = append(got, line)
			}
		}
		checkText(t, strings.TrimSuffix(strings.Join(got, ""), "\n"), `
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 3
 4.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 6
 8.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 12
12.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 25
16.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 50
20.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 100`)
		key, _ := KeyOf(w.state.Document.Virtuals[0])
		if why := w.d.Status().Pools[key].Whys[netip.MustParseAddrPort("10.0.0.1:80")]; why != "" {
			t.Errorf("at the end it says %q", why)
		}
	})
}

// TestManySlowStarts: passes for the sake of shares are no more than the pace allows, however many servers climb.
func TestManySlowStarts(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		var names []string
		for i := range 50 {
			names = append(names, fmt.Sprint("s", i))
		}
		doc := document(with(web(names...), slow(config.Linear)))
		w.know(2, document())
		w.know(3, doc)
		w.health.mu.Lock()
		w.health.view = make(health.View)
		for i, p := range askedOf(nil, doc).probes {
			w.health.view[p.Key()] = health.Status{State: health.Up, Since: time.Now().Add(time.Duration(i) * 17 * time.Millisecond)}
		}
		w.health.mu.Unlock()
		w.ring()
		before := w.d.Status().Passes
		w.wait(30 * time.Second)
		if n := w.d.Status().Passes - before; n > 220 {
			t.Errorf("%d passes", n)
		}
		for _, d := range w.d.Status().Table.Services[0].Destinations {
			if d.Weight != 100 {
				t.Errorf("%s ends with %d", d.Addr, d.Weight)
			}
		}
	})
}
