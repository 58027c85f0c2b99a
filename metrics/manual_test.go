package metrics

import (
	"regexp"
	"slices"
	"testing"
)

// The reference has every metric that a router tells, of the kind that it tells, and no other.
func TestManual(t *testing.T) {
	list, err := Manual()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, s := range list {
		got = append(got, s.Name+" "+s.Kind)
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (polso_.*)$`).FindAllStringSubmatch(scraped(t, full()), -1) {
		want = append(want, m[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the reference has\n%q\nwant what is told:\n%q", got, want)
	}
}
