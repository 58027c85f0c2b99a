package agent

import (
	"testing"

	"polso/api"
	"polso/fsm"
)

// Of several words about a server the strongest is its state, whatever the order.
func TestTheStrongestWordIsTheState(t *testing.T) {
	for _, tt := range []struct {
		kinds []string
		want  string
	}{
		{nil, "unknown"},
		{[]string{fsm.Weight}, "unknown"},
		{[]string{fsm.Up, fsm.Weight}, "up"},
		{[]string{fsm.Down}, "down"},
		{[]string{fsm.Up, fsm.Drain}, "drain"},
		{[]string{fsm.Drain, fsm.Disable}, "disabled"},
	} {
		var said, reverse []fsm.Override
		for _, k := range tt.kinds {
			said, reverse = append(said, fsm.Override{Kind: k}), append([]fsm.Override{{Kind: k}}, reverse...)
		}
		for _, list := range [][]fsm.Override{said, reverse} {
			s := api.Server{State: "unknown"}
			tellOverrides(&s, list)
			if s.State != tt.want || len(s.Overrides) != len(tt.kinds) {
				t.Errorf("%v: %+v, want %s", tt.kinds, s, tt.want)
			}
		}
	}
}
