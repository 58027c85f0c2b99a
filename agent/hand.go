package agent

import (
	"polso/api"
	"polso/fsm"
)

// tellOverrides makes a server's status what operators say of it; the strongest word names its state.
func tellOverrides(out *api.Server, said []fsm.Override) {
	rank := map[string]int{fsm.Up: 1, fsm.Down: 1, fsm.Drain: 2, fsm.Disable: 3}
	word := map[string]string{fsm.Up: "up", fsm.Down: "down", fsm.Drain: "drain", fsm.Disable: "disabled"}
	strongest := fsm.Override{}
	for _, o := range said {
		if o.Kind == fsm.Weight {
			out.Weight = o.Weight
		}
		if rank[o.Kind] > rank[strongest.Kind] {
			strongest = o
		}
	}
	if strongest.Kind != "" {
		out.State = word[strongest.Kind]
	}
	out.Overrides = api.OverridesOf(said)
}
