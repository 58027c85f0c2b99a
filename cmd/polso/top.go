package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polso/api"
	"polso/top"
)

func (a *app) topCmd() *cobra.Command {
	var s top.Settings
	var once, local bool
	c := &cobra.Command{
		Use:   "top",
		Short: "What each virtual and server carries, live, in the terminal",
		Long: `The cluster, its virtuals and their servers with states, connections and rates, as the director's kernel counts them, every second. Press ?
for the keys: Enter shows a virtual's servers, < and > choose the column to sort by, / filters, p pauses, q quits. When the agent does not answer, what it
said last stays, marked as stale, and it is asked again.`,
		Example: `  polso top
  polso top -d 5s --sort-by active
  polso top --once --unfold        # print it, and that is it: for a pipe or a file`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.Every < 100*time.Millisecond {
				return usageError{fmt.Errorf("-d %s is less than 100ms", s.Every)}
			}
			s.Sort, s.ASCII, s.Words = a.sortBy, a.ascii(), a.tone
			m, err := top.New(s, a.columns(), 0)
			if err != nil {
				return usageError{err}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			defer cl.Close()
			ask := func(ctx context.Context) (api.Status, error) { return leaderOrHere(ctx, cl) }
			if local {
				ask = cl.Local
			}
			if once {
				return a.topOnce(cmd.Context(), m, ask)
			}
			if a.output != "" || a.quiet {
				return usageError{errors.New("polso top draws on the terminal; -o and -q go with --once")}
			}
			if !a.onTerminal() {
				return usageError{api.Errorf(api.CodeInvalid, "polso top needs a terminal").WithHint("to print it: polso top --once; to follow it: polso status --watch or polso stats --rate --watch")}
			}
			o := top.Options{Ask: ask, Every: s.Every, Model: m}
			if a.coloured() {
				o.Colour = top.InColour
			}
			if err := top.Run(cmd.Context(), o); err != nil {
				return api.Errorf(api.CodeRefused, "%v", err).WithHint("polso top --once and polso status --watch need less of a terminal")
			}
			return nil
		},
	}
	c = a.sortable(c)
	f := c.Flags()
	f.DurationVarP(&s.Every, "delay", "d", time.Second, "how often to ask")
	f.StringVar(&s.Filter, "filter", "", "only what has this in its name")
	f.BoolVar(&s.Unfold, "unfold", false, "begin with every virtual's servers shown")
	f.BoolVar(&once, "once", false, "print it once")
	f.BoolVar(&local, "local", false, "this router alone; needs no leader")
	return c
}

// leaderOrHere is the cluster as the leader sees it; without a leader, what the router that is asked knows alone.
func leaderOrHere(ctx context.Context, cl *api.Client) (api.Status, error) {
	st, err := cl.Status(ctx)
	if api.CodeOf(err) != api.CodeNoLeader {
		return st, err
	}
	here, failed := cl.Local(ctx)
	if failed != nil {
		return st, err
	}
	p := api.Problem{What: "no leader", Why: "nobody directs; this is what " + here.Node + " alone knows", Fix: "polso status --local; polso members"}
	here.Problems = append([]api.Problem{p}, here.Problems...)
	return here, nil
}

// topOnce prints what is there now.
func (a *app) topOnce(ctx context.Context, m top.Model, ask func(context.Context) (api.Status, error)) error {
	st, err := ask(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	return a.print(st, func(w io.Writer) error {
		for _, line := range m.Answered(st, now).Frame(now) {
			if _, err := fmt.Fprintln(w, a.paint(line.String())); err != nil {
				return err
			}
		}
		return nil
	})
}

// onTerminal tells whether somebody types and reads here.
func (a *app) onTerminal() bool {
	_, types := a.terminal()
	f, ok := a.stdout.(*os.File)
	return types && ok && term.IsTerminal(int(f.Fd()))
}

// columns is how wide to print: as the terminal is, as the environment says, or as much as there is to tell.
func (a *app) columns() int {
	if f, ok := a.stdout.(*os.File); ok {
		if wide, _, err := term.GetSize(int(f.Fd())); err == nil && wide > 0 {
			return wide
		}
	}
	if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 160
}

// tone is a state as it is written everywhere, and how it stands out.
func (a *app) tone(word string) (string, top.Tone) {
	text := a.state(word)
	for name, s := range symbols {
		if a.state(name) == text {
			return text, map[string]top.Tone{"32": top.Good, "33": top.Warn, "31": top.Bad}[s.colour]
		}
	}
	return text, top.Plain
}
