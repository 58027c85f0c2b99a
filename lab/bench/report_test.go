package main

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	ms := func(list ...int) (gaps []time.Duration) {
		for _, n := range list {
			gaps = append(gaps, time.Duration(n)*time.Millisecond)
		}
		return gaps
	}
	limits := map[event]time.Duration{cut: 600 * time.Millisecond, planned: 100 * time.Millisecond}
	var b strings.Builder
	report(&b, []result{
		{contender{name: "ours", limits: limits}, map[event][]time.Duration{cut: ms(500, 300, 400), planned: ms(90, 110, 120)}, 1},
		{contender{name: "theirs"}, map[event][]time.Duration{cut: ms(3000, 2700, 3600), kill: ms(10)}, 0},
	}, 3, balances)
	want := `
Longest time a client went without an answer, in ms: min / median / max of 3 (one datagram every 10 ms, answered from real servers, by IPVS)

DIRECTOR  cut off                               killed        planned
ours      300 / 400 / 500 (promised 600: kept)  -             90 / 110 / 120 (promised 100: MISSED)
theirs    2700 / 3000 / 3600                    10 / 10 / 10  -

ours: after 1 of 3 planned transfers the director was who it had been.
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
