package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"polso/api"
	"polso/figures"
)

// onFlag has another router than this one answer.
func onFlag(f *pflag.FlagSet, name *string) {
	f.StringVar(name, "on", "", "of this router, by its name; default: the one that is asked")
}

func (a *app) statsCmd() *cobra.Command {
	req := api.StatsRequest{}
	var rate, cpu, again bool
	c := a.sortable(&cobra.Command{
		Use:   "stats [VIRTUAL[/SERVER]]",
		Short: "What the kernel has counted: connections, packets, bytes",
		Long: `What this router's kernel (--on: another's) has counted of each virtual and server since it has them, as ipvsadm -Ln --stats, or its
estimates per second, as ipvsadm -Ln --rate. Packets and bytes are added up every two seconds. What servers answer past the director (dr,
tun) is not counted.`,
		Example: `  polso stats
  polso stats web/a --rate --watch
  polso stats --cpu --on r2                              # by processor
  polso stats -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				req.Virtual, req.Server, _ = strings.Cut(args[0], "/")
			}
			switch {
			case cpu && rate:
				return usageError{errors.New("the kernel keeps no rates by processor; leave --rate out, or --cpu")}
			case cpu && req.Virtual != "":
				return usageError{errors.New("the processors count all virtuals together; leave the name out, or --cpu")}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if cpu {
				return look(cmd.Context(), a, again, func(ctx context.Context) (api.CPUStats, error) { return cl.CPUStats(ctx, req.On) }, a.cpuTable)
			}
			return look(cmd.Context(), a, again, func(ctx context.Context) (api.Stats, error) { return cl.Stats(ctx, req) },
				func(w io.Writer, st api.Stats) error { return a.statsTable(w, st, rate, req.Server) })
		},
	})
	f := c.Flags()
	f.BoolVar(&rate, "rate", false, "per second, as the kernel estimates")
	f.BoolVar(&cpu, "cpu", false, "by processor, all virtuals together")
	f.BoolVar(&again, "watch", false, "again every second")
	onFlag(f, &req.On)
	return c
}

// look asks and shows, once or again every second.
func look[T any](ctx context.Context, a *app, again bool, ask func(context.Context) (T, error), show func(io.Writer, T) error) error {
	if again {
		return watch(ctx, a, ask, show)
	}
	got, err := ask(ctx)
	if err != nil {
		return err
	}
	return a.print(got, func(w io.Writer) error { return show(w, got) })
}

// statsTable has a line for each virtual and server, or for the one server that is named alone.
func (a *app) statsTable(w io.Writer, st api.Stats, rate bool, server string) error {
	if a.names() {
		for _, v := range st.Virtuals {
			if server == "" {
				fmt.Fprintln(w, "virtual/"+v.Name)
			}
			for _, s := range v.Servers {
				fmt.Fprintln(w, "server/"+named(v.Name, cmp.Or(s.Name, s.Address)))
			}
		}
		return nil
	}
	header := []string{"NAME", ">CONNS", ">INPKTS", ">OUTPKTS", ">INBYTES", ">OUTBYTES"}
	if rate {
		header = []string{"NAME", ">CONN/S", ">INPKT/S", ">OUTPKT/S", ">IN", ">OUT"}
	}
	if a.wide() {
		header = append(header, ">ACTIVE", ">INACTIVE", ">PERSISTENT", "ADDRESS")
	}
	t := newTable(header...)
	row := func(name string, c api.Totals, r api.Rates, more ...string) {
		cells := append([]string{name}, totals(c)...)
		if rate {
			cells = []string{name, figures.SI(r.Connections), figures.SI(r.PacketsIn), figures.SI(r.PacketsOut), figures.Bits(r.BytesIn), figures.Bits(r.BytesOut)}
		}
		if a.wide() {
			cells = append(cells, more...)
		}
		t.row(cells...)
	}
	for _, v := range st.Virtuals {
		active, inactive, persistent := 0, 0, 0
		for _, s := range v.Servers {
			active, inactive, persistent = active+s.Active, inactive+s.Inactive, persistent+s.Persistent
		}
		if server == "" {
			row(v.Name, v.Totals, v.Rates, fmt.Sprint(active), fmt.Sprint(inactive), fmt.Sprint(persistent), "")
		}
		for _, s := range v.Servers {
			row(named(v.Name, cmp.Or(s.Name, s.Address)), s.Totals, s.Rates, fmt.Sprint(s.Active), fmt.Sprint(s.Inactive), fmt.Sprint(s.Persistent), s.Address)
		}
	}
	return a.table(w, t)
}

func totals(c api.Totals) []string {
	return []string{fmt.Sprint(c.Connections), fmt.Sprint(c.PacketsIn), fmt.Sprint(c.PacketsOut), fmt.Sprint(c.BytesIn), fmt.Sprint(c.BytesOut)}
}

func (a *app) cpuTable(w io.Writer, st api.CPUStats) error {
	t := newTable("CPU", ">CONNS", ">INPKTS", ">OUTPKTS", ">INBYTES", ">OUTBYTES")
	for _, c := range st.CPUs {
		t.row(append([]string{fmt.Sprint(c.Number)}, totals(c.Totals)...)...)
	}
	t.row(append([]string{"total"}, totals(st.Totals)...)...)
	return a.table(w, t)
}
