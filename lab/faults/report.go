package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// result is what one round showed.
type result struct {
	number       int
	fault        fault
	gap, overlap time.Duration
	acked, lost  int
	open         int // writes whose outcome nobody told
	violations   []string
	line         string // of progress
	detail       string // to be added to it
	kept         string // where a failing round's remains are
}

// row sums results up.
type row struct {
	rounds, failed    int
	gap, overlap      time.Duration
	acked, open, lost int
}

func (r *row) add(x result) {
	r.rounds++
	r.gap, r.overlap = max(r.gap, x.gap), max(r.overlap, x.overlap)
	r.acked, r.open, r.lost = r.acked+x.acked, r.open+x.open, r.lost+x.lost
	if len(x.violations) > 0 {
		r.failed++
	}
}

// report prints the table, one line for each fault that had a round and one for all.
func report(w io.Writer, results []result) {
	rows := make(map[fault]*row)
	var all row
	for _, x := range results {
		if rows[x.fault] == nil {
			rows[x.fault] = &row{}
		}
		rows[x.fault].add(x)
		all.add(x)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "FAULT\tROUNDS\tLONGEST GAP\tLONGEST OVERLAP\tWRITES ACKNOWLEDGED\tUNKNOWN\tWRITES LOST\tFAILED ROUNDS\t\n")
	print := func(name string, r row) {
		fmt.Fprintf(table, "%s\t%d\t%d ms\t%d ms\t%d\t%d\t%d\t%d\t\n", name, r.rounds, r.gap.Milliseconds(), r.overlap.Milliseconds(), r.acked, r.open, r.lost, r.failed)
	}
	for _, f := range allFaults {
		if r := rows[f]; r != nil {
			print(f.String(), *r)
		}
	}
	print("all", all)
	table.Flush()
	for _, x := range results {
		for _, v := range x.violations {
			fmt.Fprintf(w, "\nround %d (%v): %s", x.number, x.fault, v)
		}
		if x.kept != "" {
			fmt.Fprintf(w, "\n  kept in %s", x.kept)
		}
	}
}
