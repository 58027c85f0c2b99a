package main

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	ms := time.Millisecond
	var b strings.Builder
	report(&b, []result{
		{fault: stop, gap: 2100 * ms, acked: 10, open: 1},
		{fault: cut, gap: 1500 * ms, acked: 12},
		{number: 3, fault: stop, gap: 1900 * ms, overlap: 20 * ms, acked: 3, lost: 1, violations: []string{"r1 and r2 both answered"}, kept: "/a/b"},
	})
	want := `
  FAULT  ROUNDS  LONGEST GAP  LONGEST OVERLAP  WRITES ACKNOWLEDGED  UNKNOWN  WRITES LOST  FAILED ROUNDS
    cut       1      1500 ms             0 ms                   12        0            0              0
   stop       2      2100 ms            20 ms                   13        1            1              1
    all       3      2100 ms            20 ms                   25        1            1              1

round 3 (stop): r1 and r2 both answered
  kept in /a/b`
	if got := "\n" + b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
