package convert

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever something is called, a document gets a name for it that it takes and that is nobody else's.
func TestNames(t *testing.T) {
	long := strings.Repeat("x", 80)
	for _, test := range []struct{ wishes, want, notes string }{
		{"web", "web", ""},
		{"web|Web", "web Web", ""},
		{"web|web|web", "web web-2 web-3", "2"},
		{"web-2|web|web", "web-2 web web-3", "1"},
		{"my web", "my-web", "1"},
		{"|", "virtual virtual-2", "2"},
		{"--..a", "a", "1"},
		{"größe/1", "gr-e-1", "1"},
		{"web ?!", "web", "1"},
		{long + "|" + long, long[:63] + " " + long[:61] + "-2", "2"},
	} {
		b := newBuilder("test", []File{{Name: "a.cf"}})
		var got []string
		for i, wish := range strings.Split(test.wishes, "|") {
			v := b.virtual(wish, place{"a.cf", i + 1, ""})
			got = append(got, v.Name)
			if b.where(v.path+" port").line != i+1 {
				t.Errorf("%q: at line %d", v.path, b.where(v.path).line)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q: %q, want %q", test.wishes, got, test.want)
		}
		if notes := strings.TrimPrefix(fmt.Sprint(len(b.notes)), "0"); notes != test.notes {
			t.Errorf("%q: notes %v", test.wishes, b.notes)
		}
	}
}

// A server's name only has to be free in its virtual.
func TestServerNames(t *testing.T) {
	b := newBuilder("test", []File{{Name: "a.cf"}})
	one, two := b.virtual("one", place{}), b.virtual("two", place{})
	got := one.server("a", place{}).path + ", " + one.server("a", place{}).path + ", " + two.server("a", place{}).path
	if want := `virtual "one" server "a", virtual "one" server "a-2", virtual "two" server "a"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Ten thousand blocks of one name are named in no time.
func TestManyOfOneName(t *testing.T) {
	b := newBuilder("test", []File{{Name: "a.cf"}})
	for range 10_000 {
		b.virtual("web", place{})
	}
	if last := b.virtuals[9_999].Name; last != "web-10000" {
		t.Errorf("the last is called %s", last)
	}
}
