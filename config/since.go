package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Since tells what came with a later command level than the first, and with which: by its path, the names of the objects it
// stands in and its own with dots between ("virtual.server.zone"); wherever it stands by the end of the path behind a star
// ("*.check.zone"); one value of it by path=value ("virtual.forward=new"). Names are the manual's. What a release has brought keeps
// its level for good.
type Since map[string]int

// Levels tells what a document can hold that came with a later command level than the first. A member of a lower level can read
// no document that has it; fsm.Levels says what follows from that.
func Levels() Since {
	s := Since{}
	maps.Copy(s, pretended())
	return s
}

// Highest is the highest level that something came with; 1 when nothing came later.
func (s Since) Highest() int {
	return max(1, slices.Max(append(slices.Collect(maps.Values(s)), 1)))
}

// Of is the level that what stands at a path came with.
func (s Since) Of(path string) int {
	level := 1
	for key, since := range s {
		if end, anywhere := strings.CutPrefix(key, "*"); path == key || anywhere && strings.HasSuffix(path, end) {
			level = max(level, since)
		}
	}
	return level
}

// Need is the highest level of what a JSON text has, and the first that came with it; 1 and "" when nothing came later. at is the
// text's own path, "" for a document. A list is called as what stands in it.
func (s Since) Need(at string, text []byte) (level int, what string, err error) {
	if len(s) == 0 {
		return 1, "", nil
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return 1, "", err
	}
	level = 1
	s.walk(at, v, func(path string) {
		if l := s.Of(path); l > level || l == level && l > 1 && path < what {
			level, what = l, path
		}
	})
	return level, what, nil
}

// walk tells every path of a value.
func (s Since) walk(at string, v any, tell func(path string)) {
	switch v := v.(type) {
	case map[string]any:
		if at != "" {
			tell(at)
		}
		for name, inner := range v {
			s.walk(strings.TrimPrefix(at+"."+manualName(name), "."), inner, tell)
		}
	case []any:
		if len(v) == 0 {
			tell(at)
		}
		for _, inner := range v {
			s.walk(at, inner, tell)
		}
	default:
		tell(at)
		tell(fmt.Sprintf("%s=%v", at, v))
	}
}

// manualName is the manual's name for one of the canonical form.
func manualName(name string) string {
	if name == "mask" {
		return "netmask"
	}
	if one, ok := plurals[name]; ok {
		return one
	}
	return name
}

// dated is a topic with the levels that what stands in it came with; at is its path.
func (s Since) dated(at string, t Topic) Topic {
	if level := s.Of(at); level > 1 {
		t.Since = level
	}
	t.Topics = slices.Clone(t.Topics)
	for i, inner := range t.Topics {
		t.Topics[i] = s.dated(strings.TrimPrefix(at+"."+inner.Name, "."), inner)
	}
	return t
}
