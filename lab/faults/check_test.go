package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"polso/lab"
)

func TestLostAndUnwanted(t *testing.T) {
	all := func(h history) map[string]history { return map[string]history{"r1": h, "r2": h, "r3": h} }
	acked := []op{w(0, 0, 1, 5, "a", done, 6), w(0, 2, 3, 6, "b", done, 7), w(1, 0, 9, 6, "c", unknown, 0), r(2, 0, 1, 6, "a")}
	for _, tt := range []struct {
		name     string
		ops      []op
		ends     map[string]history
		lost     int
		unwanted int
	}{
		{"all there", acked, all(history{6: "a", 7: "b"}), 0, 0},
		{"one missing everywhere", acked, all(history{6: "a"}), 1, 0},
		{"one missing on one router", acked, map[string]history{"r1": {6: "a", 7: "b"}, "r2": {6: "a"}}, 1, 0},
		{"another in its place", acked, all(history{6: "a", 7: "c"}), 1, 0},
		{"a refused one is there", []op{w(0, 0, 1, 5, "a", refused, 0)}, map[string]history{"r1": {6: "a"}}, 0, 1},
		{"a conflicting one is there", []op{w(0, 0, 1, 5, "a", conflict, 0)}, map[string]history{"r1": {6: "a"}}, 0, 1},
		{"an unknown one may be", []op{w(0, 0, 1, 5, "a", unknown, 0)}, all(history{6: "a"}), 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := lost(tt.ops, tt.ends); len(got) != tt.lost {
				t.Errorf("lost %q, want %d", got, tt.lost)
			}
			if got := unwanted(tt.ops, tt.ends); len(got) != tt.unwanted {
				t.Errorf("unwanted %q, want %d", got, tt.unwanted)
			}
		})
	}
}

func TestDiverging(t *testing.T) {
	if got := diverging(map[string]history{"r1": {6: "a"}, "r2": {6: "a"}}); len(got) != 0 {
		t.Errorf("equal ones: %q", got)
	}
	if got := diverging(map[string]history{"r1": {6: "a"}, "r2": {6: "b"}, "r3": {6: "a"}}); len(got) != 1 {
		t.Errorf("one of three: %q", got)
	}
}

func TestStretches(t *testing.T) {
	for _, tt := range []struct {
		moments string // ms
		want    string
	}{
		{"", "0s of 0"},
		{"100", "10ms of 1"},
		{"100 110 290", "200ms of 1"},
		{"100 110 400 410 420", "30ms of 2"},
	} {
		var moments []lab.Overlap
		for word := range strings.FieldsSeq(tt.moments) {
			var ms int64
			if _, err := fmt.Sscan(word, &ms); err != nil {
				t.Fatal(err)
			}
			moments = append(moments, lab.Overlap{At: time.UnixMilli(ms), First: "r1", Other: "r2"})
		}
		list := stretches(moments)
		if got := fmt.Sprintf("%v of %d", longest(list), len(list)); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.moments, got, tt.want)
		}
	}
}

func TestExcused(t *testing.T) {
	at := time.UnixMilli
	for _, tt := range []struct {
		name          string
		from, to      int64
		struck, bound int64
		want          bool
	}{
		{"between fault and bound", 1100, 1200, 1000, 1450, true},
		{"before the fault", 900, 950, 1000, 1450, false},
		{"beyond the bound", 1400, 1500, 1000, 1450, false},
		{"nothing is excused", 1100, 1200, 1000, 1000, false},
	} {
		if got := (stretch{from: at(tt.from), to: at(tt.to)}).excused(at(tt.struck), at(tt.bound)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestSpoke(t *testing.T) {
	bound := time.UnixMilli(1000)
	answers := []lab.Sighting{{At: bound.Add(time.Millisecond), Node: "r2"}, {At: bound.Add(7 * time.Millisecond), Node: "r1"}}
	if got := spoke("r1", answers, bound); !strings.Contains(got, "7ms") {
		t.Errorf("%q", got)
	}
	if got := spoke("r3", answers, bound); got != "" {
		t.Errorf("%q", got)
	}
}

func TestLeaks(t *testing.T) {
	first := lab.Usage{PID: 7, Descriptors: 30, Sockets: 12, Threads: 9}
	for _, tt := range []struct {
		name string
		now  lab.Usage
		want int
	}{
		{"the same", first, 0},
		{"a little more", lab.Usage{PID: 7, Descriptors: 40, Sockets: 20, Threads: 14}, 0},
		{"sockets", lab.Usage{PID: 7, Descriptors: 90, Sockets: 72, Threads: 9}, 2},
		{"threads", lab.Usage{PID: 7, Descriptors: 30, Sockets: 12, Threads: 90}, 1},
		{"another process", lab.Usage{PID: 8, Descriptors: 90, Sockets: 72, Threads: 90}, 0},
	} {
		if got := leaks("r1", first, tt.now); len(got) != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}
