package director

import (
	"testing"
	"time"

	"polso/config"
)

// TestPlain: what goes by time, by what the kernel has or by an operator's word is decided anew in each pass.
func TestPlain(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Virtual, *State)
		want   bool
	}{
		"plain":          {func(*config.Virtual, *State) {}, true},
		"without checks": {func(v *config.Virtual, _ *State) { v.Check = nil }, true},
		"slow start":     {func(v *config.Virtual, _ *State) { v.SlowStart = time.Minute }, false},
		"panic":          {func(v *config.Virtual, _ *State) { v.Panic = 50 }, false},
		"sorry server":   {func(v *config.Virtual, _ *State) { *v = sorry(*v, "sorry") }, false},
		"word about a server": {func(v *config.Virtual, s *State) {
			s.Overrides = []Override{{Virtual: v.Name, Server: "a", Kind: Drain}}
		}, false},
		"word about an address": {func(v *config.Virtual, s *State) {
			s.Overrides = []Override{{Address: v.Servers[0].Address.Addr(), Kind: Drain}}
		}, false},
		"word about another": {func(_ *config.Virtual, s *State) {
			s.Overrides = []Override{{Virtual: "other", Server: "a", Kind: Drain}}
		}, true},
		"server that leaves": {func(v *config.Virtual, s *State) { s.Leaving = []Leaving{{Virtual: *v, Server: v.Servers[0]}} }, false},
	} {
		v, s := web("a", "b"), State{Known: true}
		tt.change(&v, &s)
		s.Document = document(v)
		key, _ := KeyOf(v)
		in := Inputs{State: s, spoken: spokenOf(s.Overrides), drains: draining(s.Leaving)}
		if got := in.plain(0, key); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
