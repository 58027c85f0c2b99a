package director

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// TestPoolsInAnyOrder has verdicts, advice, overrides, connections and time come in any order, with any of what a virtual may ask
// for, and holds each pass to what operators are promised.
func TestPoolsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSeries(anyPool(t))
		v := s.virtual()
		key, _ := KeyOf(*v)
		everybody := everyone(*v)
		was := Pool{}
		for range rapid.IntRange(1, 25).Draw(t, "passes") {
			calm := !s.anything(t, everybody)
			if rapid.IntRange(0, 20).Draw(t, "restart") == 0 {
				s.in.Pools = nil
			}
			restarted := s.in.Pools == nil
			before := servicesOf(s.in.Observed).of(key)
			want := Decide(s.in)
			pool, there := want.Pools[key], servicesOf(&want.Table).of(key)
			s.in.overrides = byTarget(s.in.State.Overrides)

			up, of, open := 0, 0, 0
			for _, server := range v.Servers {
				st, _ := s.in.verdict(*v, server)
				wished, enabled := wish(s.in, *v, server)
				drains := st.Advice.Kind == health.DrainAdvice && st.State == health.Up && !s.in.weighted(*v, server)
				counts := enabled && wished > 0 && !drains
				d, present := there[server.Address]
				if counts {
					of++
					if st.State == health.Up {
						up++
					} else if st.State == health.Unknown {
						open++
					}
				}
				if _, had := before[server.Address]; had && !present && enabled && (v.OnFailure == config.Quiesce || st.State == health.Up) {
					t.Fatalf("%s is cut", server.Name)
				}
				if st.State == health.Up && counts && (d.Weight == 0) != pool.Sorry {
					t.Fatalf("%s is up and has weight %d, the sorry server answers: %t", server.Name, d.Weight, pool.Sorry)
				}
				if wished == 0 && d.Weight != 0 {
					t.Fatalf("%s is to take nothing and has weight %d", server.Name, d.Weight)
				}
			}
			least := max(v.MinServers, 1)
			back := min(least+v.Hysteresis, max(least, of))
			switch {
			case pool.Up != up || pool.Of != of:
				t.Fatalf("counts %d of %d, want %d of %d", pool.Up, pool.Of, up, of)
			case pool.Panic && up*100 >= v.Panic*of, !pool.Panic && (up+open)*100 < v.Panic*of:
				t.Fatalf("panic %t with %d of %d up", pool.Panic, up, of)
			case !pool.Panic && (pool.Down && up >= back || !pool.Down && up+open < least):
				t.Fatalf("down %t with %d of %d, %d needed, %d to come back", pool.Down, up, of, least, back)
			case !restarted && pool.Down != was.Down && (pool.Panic || pool.Down && up >= least || !pool.Down && up < back):
				t.Fatalf("it becomes down %t with %d up, %d needed, %d to come back, panic %t", pool.Down, up, least, back, pool.Panic)
			case calm && pool.Panic && takes(before) && !takes(there):
				t.Fatal("the panic empties it")
			case !pool.Down && pool.Sorry:
				t.Fatal("the sorry server answers while it is up")
			}
			for _, server := range v.Sorry {
				d, present := there[server.Address]
				had, was := before[server.Address]
				at := s.in.Stats[key].Destinations[server.Address]
				if !pool.Down && (d.Weight != 0 || was && !present && (had.Weight > 0 || at.Active > 0)) {
					t.Fatalf("%s while it is up: present %t with weight %d, had %+v, %d connections", server.Name, present, d.Weight, had, at.Active)
				}
			}
			was = pool
			s.in.Pools, s.in.Observed = want.Pools, &want.Table
		}
	})
}

func takes(there map[netip.AddrPort]ipvs.Destination) bool {
	for _, d := range there {
		if d.Weight > 0 {
			return true
		}
	}
	return false
}

func anyPool(t *rapid.T) config.Virtual {
	v := web("a", "b", "c", "d")
	v.MinServers, v.Hysteresis = rapid.IntRange(0, 4).Draw(t, "min servers"), rapid.IntRange(0, 3).Draw(t, "hysteresis")
	v.Panic = rapid.SampledFrom([]int{0, 0, 1, 25, 50, 75, 100}).Draw(t, "panic")
	v.OnFailure = rapid.SampledFrom([]config.OnFailure{config.Remove, config.Quiesce}).Draw(t, "on failure")
	v.SlowStart = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "slow start")
	v.SlowCurve = rapid.SampledFrom([]config.SlowCurve{config.Linear, config.Doubling}).Draw(t, "curve")
	for i := range v.Servers {
		v.Servers[i].Weight = rapid.SampledFrom([]int{0, 1, 2, 100}).Draw(t, "weight")
	}
	return sorry(v, []string{"sorry", "other"}[:rapid.IntRange(0, 2).Draw(t, "sorry servers")]...)
}

// anything has something happen, and tells whether an operator did something, or a sorry server.
func (s *series) anything(t *rapid.T, everybody []config.Server) (changed bool) {
	s.in.Now = s.in.Now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds")) * time.Second)
	v := *s.virtual()
	key, _ := KeyOf(v)
	for i, server := range everybody {
		sorry := i >= len(v.Servers)
		switch rapid.SampledFrom([]string{"", "", "", "", "up", "up", "down", "down", "advice", "operator", "connections"}).Draw(t, server.Name) {
		case "up":
			s.judge(server, health.Status{State: health.Up})
			changed = changed || sorry
		case "down":
			s.judge(server, health.Status{State: health.Down})
			changed = changed || sorry
		case "advice":
			kind := rapid.SampledFrom([]health.AdviceKind{health.NoAdvice, health.Percent, health.Absolute, health.DrainAdvice}).Draw(t, "advice")
			s.judge(server, health.Status{State: health.Up, Advice: health.Advice{Kind: kind, Value: rapid.IntRange(1, 200).Draw(t, "value")}})
			changed = true
		case "operator":
			kind := rapid.SampledFrom([]OverrideKind{"", Drain, Disable, SetWeight}).Draw(t, "override")
			var list []Override
			for _, o := range s.in.State.Overrides {
				if o.Server != server.Name {
					list = append(list, o)
				}
			}
			if kind != "" && !sorry {
				list = append(list, Override{Virtual: v.Name, Server: server.Name, Kind: kind, Weight: rapid.IntRange(0, 9).Draw(t, "weight")})
			}
			s.in.State.Overrides, changed = list, true
		case "connections":
			s.in.Stats = ipvs.Stats{key: {Destinations: map[netip.AddrPort]ipvs.DestinationStats{
				server.Address: {Active: rapid.IntRange(0, 2).Draw(t, "active")},
			}}}
		}
	}
	return changed
}

// judge gives a server a status that begins now, unless it had that state already.
func (s *series) judge(server config.Server, st health.Status) {
	target, _ := TargetOf(*s.virtual(), server) // a sorry server's check is the same
	st.Since = s.in.Now
	if old := s.in.Health[target.Key()]; old.State == st.State {
		st.Since = old.Since
	}
	s.in.Health[target.Key()] = st
}
