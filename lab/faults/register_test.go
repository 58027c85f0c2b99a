package main

import (
	"bytes"
	"testing"
	"time"
)

// w and r are requests from one millisecond to another.
func w(client int, from, to int, base uint64, message string, o outcome, revision uint64) op {
	return op{client: client, write: true, base: base, message: message, outcome: o, revision: revision,
		called: time.Duration(from) * time.Millisecond, returned: time.Duration(to) * time.Millisecond}
}

func r(client int, from, to int, revision uint64, message string) op {
	return op{client: client, revision: revision, message: message, outcome: done,
		called: time.Duration(from) * time.Millisecond, returned: time.Duration(to) * time.Millisecond}
}

func TestLinearizable(t *testing.T) {
	closing := w(3, 1000, 1010, 7, "z", done, 8)
	for _, tt := range []struct {
		name string
		ops  []op
		want bool
	}{
		{"nothing", nil, true},
		{"one after the other", []op{w(0, 0, 10, 5, "a", done, 6), w(1, 20, 30, 6, "b", done, 7)}, true},
		{"both of one base", []op{w(0, 0, 10, 5, "a", done, 6), w(1, 0, 10, 5, "b", done, 6)}, false},
		{"a conflict with a writer at the same time", []op{w(0, 0, 10, 5, "a", done, 6), w(1, 5, 8, 5, "b", conflict, 0)}, true},
		{"a conflict with nobody", []op{w(0, 0, 10, 5, "a", conflict, 0)}, false},
		{"a revision that is not the next", []op{w(0, 0, 10, 5, "a", done, 7)}, false},
		{"an unknown one that was done", []op{w(0, 0, 10, 5, "a", unknown, 0), w(1, 50, 60, 6, "b", done, 7), closing}, true},
		{"an unknown one that was not", []op{w(0, 0, 10, 5, "a", unknown, 0), w(1, 50, 60, 5, "b", done, 6), w(1, 70, 80, 6, "c", done, 7), closing}, true},
		{"an unknown one that came late", []op{w(0, 0, 10, 5, "a", unknown, 0), w(1, 50, 60, 5, "b", conflict, 0), r(2, 70, 80, 6, "a")}, true},
		{"a conflict that nothing explains", []op{w(0, 50, 60, 6, "a", unknown, 0), w(1, 50, 60, 5, "b", conflict, 0)}, false},
		{"a copy that is behind", []op{w(0, 0, 10, 5, "a", done, 6), w(0, 20, 30, 6, "b", done, 7), r(2, 100, 110, 6, "a")}, true},
		{"a copy from before the round", []op{w(0, 0, 10, 5, "a", done, 6), r(2, 100, 110, 4, "old")}, true},
		{"a read of what was not written", []op{w(0, 0, 10, 5, "a", done, 6), r(2, 20, 30, 6, "b")}, false},
		{"a read of what is written later", []op{r(2, 0, 10, 6, "a"), w(0, 20, 30, 5, "a", done, 6)}, false},
		{"a lost write", []op{w(0, 0, 10, 5, "a", done, 6), w(1, 50, 60, 5, "b", done, 6)}, false},
		{"a read of a write that was lost", []op{w(0, 0, 10, 5, "a", unknown, 0), r(2, 20, 30, 6, "a"), w(1, 50, 60, 5, "b", done, 6)}, false},
		{"one message is not the beginning of another", []op{w(0, 0, 10, 5, "ab", done, 6), r(2, 20, 30, 6, "a")}, false},
		{"refused is left out", []op{w(0, 0, 10, 5, "a", refused, 0), w(1, 50, 60, 5, "b", done, 6)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var picture bytes.Buffer
			why := linearizable(5, tt.ops, &picture)
			if (why == "") != tt.want {
				t.Errorf("%q", why)
			}
			if drawn := picture.Len() > 0; drawn == tt.want {
				t.Errorf("drawn: %v", drawn)
			}
		})
	}
}
