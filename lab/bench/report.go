package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// report prints the table.
func report(w io.Writer, results []result, runs int, k kernel) {
	where := "from real servers, by IPVS"
	if k == answers {
		where = "from the router itself, without IPVS"
	}
	fmt.Fprintf(w, "\nLongest time a client went without an answer, in ms: min / median / max of %d (one datagram every %d ms, answered %s)\n\n", runs, step.Milliseconds(), where)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "DIRECTOR")
	for _, e := range events {
		fmt.Fprintf(table, "\t%v", e)
	}
	fmt.Fprintln(table)
	for _, r := range results {
		fmt.Fprint(table, r.contender.name)
		for _, e := range events {
			fmt.Fprintf(table, "\t%s", cell(r.gaps[e], r.contender.limits[e]))
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	for _, r := range results {
		if r.stayed > 0 {
			fmt.Fprintf(w, "\n%s: after %d of %d planned transfers the director was who it had been.\n", r.contender.name, r.stayed, len(r.gaps[planned]))
		}
	}
}

// cell is one event's numbers, and whether the median is as promised.
func cell(gaps []time.Duration, limit time.Duration) string {
	if len(gaps) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(gaps))
	median := sorted[len(sorted)/2]
	text := fmt.Sprintf("%d / %d / %d", sorted[0].Milliseconds(), median.Milliseconds(), sorted[len(sorted)-1].Milliseconds())
	switch {
	case limit == 0:
		return text
	case median <= limit:
		return fmt.Sprintf("%s (promised %d: kept)", text, limit.Milliseconds())
	default:
		return fmt.Sprintf("%s (promised %d: MISSED)", text, limit.Milliseconds())
	}
}
