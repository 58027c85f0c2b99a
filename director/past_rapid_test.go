package director

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// TestPastChangesNoDecision has verdicts, words of operators, leavers, time, roles and documents come in any order: who remembers what was
// decided decides as one who does not.
func TestPastChangesNoDecision(t *testing.T) {
	used := 0
	rapid.Check(t, func(t *rapid.T) {
		var p past
		in := Inputs{State: State{Known: true, Revision: 1}, Links: links(), Observed: &ipvs.Table{}, Now: time.Unix(1000, 0), Health: make(health.View)}
		for pass := range rapid.IntRange(2, 20).Draw(t, "passes") {
			if pass == 0 || rapid.IntRange(0, 9).Draw(t, "document") == 0 {
				before := in.State.Document
				in.State.Document = manyKinds(t)
				in.State.Revision++
				in.State.Leaving = leavers(before, in.State.Document)
			}
			happens(t, &in)
			fresh := Decide(in)
			remembers := in
			remembers.past = &p
			for _, m := range p.of {
				if m != nil && m.table {
					used++
				}
			}
			if got := Decide(remembers); !reflect.DeepEqual(got, fresh) {
				t.Fatalf("with what was decided before\n%s\nwithout\n%s", got.words(), fresh.words())
			}
			in.Pools = fresh.Pools
			if rapid.IntRange(0, 5).Draw(t, "nothing is known of pools") == 0 {
				in.Pools = nil
			}
			if rapid.Bool().Draw(t, "done") && !fresh.KeepTable {
				in.Observed = &fresh.Table
			}
		}
	})
	if used == 0 {
		t.Error("nothing was ever remembered")
	}
}

// manyKinds is a document of four virtuals: one without checks, one that quiesces, one that may ask for
// anything, and one that panics.
func manyKinds(t *rapid.T) config.Document {
	doc := document()
	for i := range 4 {
		v := web("a", "b", "c")
		if i > 1 {
			v = anyPool(t)
		}
		v.Name, v.Ports = fmt.Sprintf("v%d", i), []uint16{uint16(80 + i)}
		if i == 0 {
			v.Check = nil
		}
		if i == 3 {
			v.SlowStart, v.Sorry, v.Panic = 0, nil, 60
		}
		if i == 1 {
			v.OnFailure, v.MinServers, v.Hysteresis = config.Quiesce, 2, rapid.IntRange(0, 1).Draw(t, "hysteresis")
		}
		v.Servers = v.Servers[:rapid.IntRange(1, len(v.Servers)).Draw(t, "servers")]
		doc.Virtuals = append(doc.Virtuals, v)
	}
	return doc
}

// happens changes one of the inputs or several.
func happens(t *rapid.T, in *Inputs) {
	in.Now = in.Now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds")) * time.Second)
	if rapid.Bool().Draw(t, "directs") {
		in.Mandate = mandate(3, 5*time.Second)
	} else {
		in.Mandate = Mandate{}
	}
	view, calm := make(health.View, len(in.Health)), rapid.Bool().Draw(t, "verdicts stand")
	for _, target := range askedOf(nil, in.State.Document).probes {
		st, known := in.Health[target.Key()]
		if calm && known {
			view[target.Key()] = st
			continue
		}
		switch rapid.SampledFrom([]string{"", "", "", "", "up", "up", "up", "down", "unknown", "assumed", "advice"}).Draw(t, "verdict") {
		case "up":
			st = health.Status{State: health.Up, Since: in.Now}
		case "down":
			st = health.Status{State: health.Down, Since: in.Now}
		case "unknown":
			st = health.Status{}
		case "assumed":
			st = health.Status{State: health.Down, Assumed: true}
		case "advice":
			st.Advice = health.Advice{Kind: health.Percent, Value: rapid.IntRange(0, 120).Draw(t, "value")}
		}
		view[target.Key()] = st
	}
	in.Health = view
	if rapid.IntRange(0, 5).Draw(t, "have left") == 0 {
		in.State.Leaving = nil
	}
	if rapid.IntRange(0, 2).Draw(t, "operator") > 0 {
		return
	}
	in.State.Overrides = nil
	for range rapid.IntRange(0, 2).Draw(t, "words") {
		v := in.State.Document.Virtuals[rapid.IntRange(0, 3).Draw(t, "virtual")]
		o := Override{Virtual: v.Name, Server: "a", Kind: rapid.SampledFrom([]OverrideKind{Drain, Disable, SetWeight, ForceUp, ForceDown}).Draw(t, "word")}
		if o.Kind == SetWeight {
			o.Weight = rapid.IntRange(0, 9).Draw(t, "weight")
		}
		if rapid.IntRange(0, 3).Draw(t, "about") == 0 {
			o = Override{Address: v.Servers[0].Address.Addr(), Kind: rapid.SampledFrom([]OverrideKind{Drain, Disable}).Draw(t, "address")}
		}
		in.State.Overrides = append(in.State.Overrides, o)
	}
}
