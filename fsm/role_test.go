package fsm

import "testing"

func TestRoles(t *testing.T) {
	all := []Role{Viewer, Operator, Admin}
	for i, has := range all {
		for j, least := range all {
			if got := has.May(least); got != (i >= j) {
				t.Errorf("%s where %s is needed: %v", has, least, got)
			}
		}
		if has.May("") || Role("").May(has) || Role("root").May(has) {
			t.Errorf("%s: what is no role counts as one", has)
		}
	}
}
