package config

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEverythingHasALevel: testdata/levels.txt has everything that a document can hold with the command level it came with. It is
// written by hand: what is missing there is new, and gets the level of the release that brings it, in Levels too, unless a release
// before could read it. What is there already never changes.
func TestEverythingHasALevel(t *testing.T) {
	text, err := os.ReadFile("testdata/levels.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var path string
		var level int
		if _, err := fmt.Sscan(line, &path, &level); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want[path] = level
	}
	got := map[string]int{}
	levels := Levels()
	for key := range pretended() {
		delete(levels, key)
	}
	for _, path := range paths("", reflect.TypeFor[wireDocument](), 2) {
		got[path] = levels.Of(path)
	}
	for _, k := range CheckKinds() {
		path := "virtual.check.kind=" + string(k)
		got[path] = levels.Of(path)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-levels.txt +as it is) what is new gets the next level in Levels, then a line in testdata/levels.txt:\n%s", d)
	}
	for key := range levels {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(path string) bool { return (Since{key: 2}).Of(path) == 2 }) {
			t.Errorf("Levels has %q, which is nowhere in a document", key)
		}
	}
}

// paths are those of all that the canonical form of a type can hold; checks are combined to that depth.
func paths(at string, t reflect.Type, depth int) (out []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if at != "" {
		out = append(out, at)
	}
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.Name(), "wire") {
		return out
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := depth
		if t == reflect.TypeFor[wireCheck]() && name == "checks" {
			if inner--; inner == 0 {
				continue
			}
		}
		out = append(out, paths(strings.TrimPrefix(at+"."+manualName(name), "."), f.Type, inner)...)
	}
	return out
}

func TestNeed(t *testing.T) {
	text, err := Canonical(fullDocument())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		since Since
		level int
		what  string
	}{
		{nil, 1, ""},
		{Since{"virtual.zone": 2}, 1, ""},
		{Since{"hysteresis": 2}, 1, ""},
		{Since{"virtual.hysteresis": 2}, 2, "virtual.hysteresis"},
		{Since{"virtual.hysteresis": 2, "virtual.scheduler": 3}, 3, "virtual.scheduler"},
		{Since{"*.check.fall": 2}, 2, "virtual.check.fall"},
		{Since{"virtual.persistent.netmask": 2}, 2, "virtual.persistent.netmask"},
		{Since{"cluster.sync_daemon": 4}, 4, "cluster.sync_daemon"},
		{Since{"virtual.forward=dr": 2}, 2, "virtual.forward=dr"},
		{Since{"virtual.forward=pigeon": 2}, 1, ""},
	} {
		level, what, err := tt.since.Need("", text)
		if err != nil || level != tt.level || what != tt.what {
			t.Errorf("%v: level %d for %q (%v), want %d for %q", tt.since, level, what, err, tt.level, tt.what)
		}
	}
	if _, _, err := (Since{"a": 2}).Need("", []byte("{")); err == nil {
		t.Error("half a text needs nothing")
	}
	if got := (Since{"a": 2, "b": 5}).Highest(); got != 5 {
		t.Errorf("the highest of 2 and 5 is %d", got)
	}
	if got := (Since{}).Highest(); got != 1 {
		t.Errorf("the highest of nothing is %d", got)
	}
}

// TestManualSaysSince: what came later says so in the manual, wherever it stands.
func TestManualSaysSince(t *testing.T) {
	since := Since{"virtual.server.weight": 2, "*.check.every": 3}
	dated := since.dated("", manual())
	found := map[string]int{}
	var look func(at string, t Topic)
	look = func(at string, t Topic) {
		if t.Since > 0 {
			found[at] = t.Since
		}
		for _, inner := range t.Topics {
			look(at+"/"+inner.Name, inner)
		}
	}
	look("", dated)
	want := map[string]int{"/virtual/server/weight": 2}
	for _, at := range []string{"/virtual/check", "/virtual/server/check", "/virtual/sorry_server/check"} {
		want[at+"/every"] = 3
		want[at+"/check/every"] = 3
	}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
