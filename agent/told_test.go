package agent

import (
	"testing"

	"polso/config"
	"polso/consensus"
	"polso/fsm"
)

// The director is rung for what a pass reads, once, and for nothing else.
func TestNews(t *testing.T) {
	type world struct {
		s      fsm.Snapshot
		r      consensus.Role
		others bool
	}
	founded := func() world {
		w := world{s: fsm.Snapshot{Known: true, Revision: 2}}
		w.s.Cluster.ID = "c"
		return w
	}
	cold := founded()
	cold.s.Document.Cluster.Standby = config.Cold
	leads := founded()
	leads.r = consensus.Role{Leader: true, Term: 3, Epoch: 1, Until: 10}
	for _, tt := range []struct {
		name   string
		from   world
		change func(*world)
		want   bool
	}{
		{"nothing", founded(), func(*world) {}, false},
		{"a term", founded(), func(w *world) { w.r.Term = 9 }, false},
		{"a new leader, standing by warm", founded(), func(w *world) { w.others = true }, false},
		{"a new leader, standing by cold", cold, func(w *world) { w.others = true }, true},
		{"another entry", founded(), func(w *world) { w.s.Index = 77 }, false},
		{"the lease goes on", leads, func(w *world) { w.r.Until = 20 }, false},
		{"the lead comes", founded(), func(w *world) { w.r = leads.r }, true},
		{"the lead goes", leads, func(w *world) { w.r = consensus.Role{Term: 3} }, true},
		{"a gap in holding", leads, func(w *world) { w.r.Epoch = 2 }, true},
		{"a revision", founded(), func(w *world) { w.s.Revision = 3 }, true},
		{"an override", founded(), func(w *world) { w.s.Overrides = []fsm.Override{{Target: "server/web/a"}} }, true},
		{"a server that drains", founded(), func(w *world) { w.s.Leaving = make([]fsm.Leaving, 1) }, true},
		{"the state becomes unknown", founded(), func(w *world) { w.s.Known = false }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.from
			look := func() view { return viewOf(&w.s, w.r, w.others) }
			var told told
			if !told.news(look) {
				t.Error("the first look is no news")
			}
			tt.change(&w)
			if got := told.news(look); got != tt.want {
				t.Errorf("news: %t, want %t", got, tt.want)
			}
			if told.news(look) {
				t.Error("news twice")
			}
		})
	}
}
