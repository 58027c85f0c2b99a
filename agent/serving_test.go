package agent

import (
	"testing"

	"polso/config"
	"polso/director"
	"polso/fsm"
)

// What is served of a document is one list for as long as the document is the same, and another one for another.
func TestServingIsTheSameList(t *testing.T) {
	var s unmoved[config.Virtual, config.Virtual]
	of := func(doc config.Document) []config.Virtual { return s.again(doc.Virtuals, doc.Served().Virtuals) }
	one := config.Document{Virtuals: []config.Virtual{{Name: "a"}, {Name: "b", Inactive: true}}}
	two := config.Document{Virtuals: []config.Virtual{{Name: "c"}, {Name: "d", Inactive: true}}}
	first, again, other := of(one), of(one), of(two)
	if len(first) != 1 || &first[0] != &again[0] {
		t.Errorf("the list is made anew: %v, %v", first, again)
	}
	if other[0].Name != "c" {
		t.Errorf("of another document: %v", other)
	}
	none := config.Document{Virtuals: []config.Virtual{{Name: "e", Inactive: true}}}
	if left := of(none); len(left) != 0 {
		t.Errorf("nothing is served of it, and there is %v", left)
	}
	whole := config.Document{Virtuals: []config.Virtual{{Name: "f"}}}
	if left := of(whole); &left[0] != &whole.Virtuals[0] {
		t.Error("a document of which all is served has another list")
	}
}

// What drains is one list for the director for as long as the same servers drain: while it is made anew, a takeover decides anew.
func TestLeavingIsTheSameList(t *testing.T) {
	var l unmoved[fsm.Leaving, director.Leaving]
	of := func(s *fsm.Snapshot) []director.Leaving { return l.again(s.Leaving, state(s).Leaving) }
	one := &fsm.Snapshot{Leaving: []fsm.Leaving{{ID: "a"}}}
	later := *one
	later.Index++
	first, again := of(one), of(&later)
	if len(first) != 1 || &first[0] != &again[0] {
		t.Error("the list is made anew")
	}
	if two := of(&fsm.Snapshot{Leaving: []fsm.Leaving{{ID: "a"}, {ID: "b"}}}); len(two) != 2 {
		t.Errorf("another list: %v", two)
	}
	if none := of(new(fsm.Snapshot)); len(none) != 0 {
		t.Errorf("nothing drains, and there is %v", none)
	}
}
