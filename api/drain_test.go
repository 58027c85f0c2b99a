package api

import (
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

// A drain may leave nobody who is not drained: whoever does it is told.
func TestDrainOfTheLastRouter(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	began := time.Now()
	d, err := c.DrainRouter(ctx, "r1", DrainRequest{For: 60})
	if err != nil || strings.Join(d.Warnings, "; ") != "it is the only router, so it goes on directing" {
		t.Errorf("the only one: %+v, %v", d, err)
	}
	o, _ := b.fsm.Load().Override("router/r1")
	earliest, latest := began.Add(59*time.Second), time.Now().Add(61*time.Second)
	if o.Until.Before(earliest) || o.Until.After(latest) || o.Until.Nanosecond() != 0 {
		t.Errorf("it ends at %v, want a minute later than %v and whole seconds", o.Until, began)
	}
	for _, n := range []fsm.Node{{Name: "r2", Kind: fsm.Router}, {Name: "w", Kind: fsm.Witness}} {
		snap := *b.fsm.Load()
		snap.Nodes = append(append([]fsm.Node(nil), snap.Nodes...), n)
		want := map[string]int{"r2": 0, "w": 1}[n.Name]
		if got := nobodyLeft(&snap); len(got) != want {
			t.Errorf("with %s beside: %q, want %d warnings", n.Name, got, want)
		}
		snap.Overrides = append(append([]fsm.Override(nil), snap.Overrides...), fsm.Override{Target: "router/r2", Kind: fsm.Drain})
		if got := nobodyLeft(&snap); len(got) != 1 {
			t.Errorf("all drained, with %s: %q, want a warning", n.Name, got)
		}
	}
}
