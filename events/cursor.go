package events

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in one ring.
type Position struct {
	Boot string `json:"boot"`
	Last uint64 `json:"last"` // the number of the last event before it
}

// Cursor is how far somebody has read, by router; the cluster's own events are at "". Whichever router of the cluster is asked, it means
// the same. It is a text without spaces: .4c2d9e01.4711,r1.k3f9a7cd.12,r2.9x1k2m3n.4
type Cursor map[string]Position

// String is the cursor as ParseCursor reads it.
func (c Cursor) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%s.%s.%d", name, c[name].Boot, c[name].Last))
	}
	return strings.Join(parts, ",")
}

// longestCursor is more than one of twenty routers with the longest names.
const longestCursor = 2048

// ParseCursor reads one; "" is one that has read nothing.
func ParseCursor(text string) (Cursor, error) {
	c := make(Cursor)
	if text == "" {
		return c, nil
	}
	if len(text) > longestCursor {
		return nil, fmt.Errorf("a place in the events has at most %d characters", longestCursor)
	}
	for part := range strings.SplitSeq(text, ",") {
		front, number, ok := cutLast(part)
		name, boot, ok2 := cutLast(front)
		last, err := strconv.ParseUint(number, 10, 64)
		if !ok || !ok2 || err != nil {
			return nil, fmt.Errorf("%q is no place in the events", part)
		}
		c[name] = Position{boot, last}
	}
	return c, nil
}

// cutLast cuts around the last point: a name may have some too.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// Of returns c moved on past e.
func (c Cursor) Of(e Event) Cursor {
	front, number, ok := cutLast(e.ID)
	name, boot, ok2 := cutLast(front)
	last, err := strconv.ParseUint(number, 10, 64)
	if !ok || !ok2 || err != nil {
		return c
	}
	next := maps.Clone(c)
	next[name] = Position{boot, last}
	return next
}

// Merge puts the lists of several rings into the order of their times. Each list keeps its own order, so that whoever has read up to an
// event of a ring has read all before it, whatever the clocks say.
func Merge(lists ...[]Event) []Event {
	lists = slices.DeleteFunc(slices.Clone(lists), func(l []Event) bool { return len(l) == 0 })
	out := []Event{}
	for len(lists) > 0 {
		first := 0
		for i, l := range lists {
			if c := l[0].At.Compare(lists[first][0].At); cmp.Or(c, cmp.Compare(l[0].ID, lists[first][0].ID)) < 0 {
				first = i
			}
		}
		out = append(out, lists[first][0])
		if lists[first] = lists[first][1:]; len(lists[first]) == 0 {
			lists = slices.Delete(lists, first, first+1)
		}
	}
	return out
}
