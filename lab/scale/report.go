package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

func reportTables(w io.Writer, rows []tableRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(w, "\nOne kernel's table, in ms (the median where there were several runs)\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TABLE\tfill: polso\tipvsadm -R\tratio\tkeepalived\tone weight: polso\tkeepalived reload\tread: all\tone service")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name(r.size), ms(r.fill), ms(r.ipvsadm), ratio(r.fill, r.ipvsadm), ms(r.keepalived),
			ms(r.step), ms(r.reloading), ms(r.whole), ms(r.one))
	}
	t.Flush()
}

func reportRouters(w io.Writer, rows []routersRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(w, "\nThree routers, in ms, changes until they are in every kernel\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BY\tTABLE\tapply\tone weight: polso set, reload\tof it after the command\tpolso weight\tplanned: nobody has the address\tkilled: until another has it\tidle, per s\tmemory, MiB")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", r.name, name(r.size), ms(r.apply), ms(r.change), ms(r.followed), ms(r.word), ms(r.planned), ms(r.killed), ms(r.idle), r.memory>>20)
	}
	t.Flush()
}

func reportSwitch(w io.Writer, rows []switchRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(w, "\nAnother director, simulated tables, in ms: median (least to most)\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TABLE\tplanned: nobody has the address\tkilled: until another has it")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", name(r.size), spread(r.planned), spread(r.killed))
	}
	t.Flush()
}

// spread is the median, the least and the most, in milliseconds.
func spread(list []time.Duration) string {
	return fmt.Sprintf("%s (%d to %d)", ms(list), slices.Min(list).Milliseconds(), slices.Max(list).Milliseconds())
}

func median(list []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

// ms is the median in milliseconds; "-" says that there is none.
func ms(list []time.Duration) string {
	if len(list) == 0 {
		return "-"
	}
	m := float64(median(list)) / float64(time.Millisecond)
	if m < 10 {
		return fmt.Sprintf("%.2f", m)
	}
	return fmt.Sprintf("%.0f", m)
}

func ratio(of, to []time.Duration) string {
	if len(of) == 0 || len(to) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(median(of))/float64(median(to)))
}
