package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"polso/api"
	"polso/figures"
)

// ending is when an operator's word ends by itself, and why it is said: the flags that all of them have.
type ending struct {
	length time.Duration
	until  string
	reason string
}

func (e *ending) flags(c *cobra.Command) {
	f := c.Flags()
	f.DurationVar(&e.length, "for", 0, "ends by itself after so long: 90m, 2h")
	f.StringVar(&e.until, "until", "", "ends by itself then: 15:04, or 2006-01-02T15:04:05Z; a duration is as --for (also --deadline)")
	f.StringVarP(&e.reason, "reason", "m", "", "why, for whoever looks at the status (also --message)")
	f.SetNormalizeFunc(olderNames)
}

// olderNames has flags go by the names too that they had first.
func olderNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "deadline":
		name = "until"
	case "message":
		name = "reason"
	}
	return pflag.NormalizedName(name)
}

// read returns the end as requests have it: after so many seconds, or at a time; neither for none.
func (e *ending) read(c *cobra.Command) (seconds float64, until *time.Time, err error) {
	given := c.Flags().Changed("for")
	switch {
	case given && e.length < time.Second:
		return 0, nil, usageError{fmt.Errorf("--for %v: at least one second", e.length)}
	case given && e.until != "":
		return 0, nil, usageError{errors.New("--for and --until say the same; give one of them")}
	case e.until != "":
		end, err := endOf(e.until, time.Now())
		if err != nil {
			return 0, nil, usageError{err}
		}
		return 0, &end, nil
	}
	return e.length.Seconds(), nil, nil
}

// endOf reads a time of day, of today or else tomorrow, a date with its time, or a duration from now.
func endOf(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= time.Second {
		return now.Add(d), nil
	}
	clock, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--until %q: write 15:04, 2006-01-02T15:04:05Z or a duration as in 2h", text)
	}
	y, m, d := now.Date()
	end := time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, now.Location())
	if !end.After(now) {
		end = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), 0, 0, now.Location())
	}
	return end, nil
}

// serverNamed reads VIRTUAL/SERVER.
func serverNamed(arg string) (string, error) {
	name := arg
	if strings.Count(arg, "/") == 2 {
		name = strings.TrimPrefix(arg, "server/")
	}
	if virtual, server, ok := strings.Cut(name, "/"); !ok || virtual == "" || server == "" || strings.Contains(server, "/") {
		return "", usageError{fmt.Errorf("%q names no server; use VIRTUAL/SERVER, as in web/a", arg)}
	}
	return "server/" + name, nil
}

// word is a command that says something of a server: of which kind, and until when.
type word struct {
	kind   string
	ending ending
	wait   time.Duration // for the end of its connections; 0: not
}

// say sends the word about a target, and waits if it shall.
func (a *app) say(cmd *cobra.Command, w *word, req api.OverrideRequest) error {
	var err error
	if req.For, req.Until, err = w.ending.read(cmd); err != nil {
		return err
	}
	if cmd.Flags().Changed("wait") && w.wait < time.Second {
		return usageError{fmt.Errorf("--wait %v: at least one second", w.wait)}
	}
	req.Reason = w.ending.reason
	cl, err := a.client()
	if err != nil {
		return err
	}
	done, err := cl.SetOverride(cmd.Context(), req)
	if err := a.done(done, err); err != nil || w.wait == 0 {
		return err
	}
	return a.ended(cmd.Context(), cl, req.Target, w.wait)
}

// ended returns once no connection of a target is left on the director.
func (a *app) ended(ctx context.Context, cl *api.Client, target string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	left := "nobody has said yet how many connections are left"
	for {
		if st, err := cl.Status(ctx); err == nil {
			n := connectionsOf(st, target)
			if n == 0 {
				a.tell("No connection is left.")
				return nil
			}
			left = figures.Count(n, "connection") + " left"
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return api.Errorf(api.CodeTimeout, "%s after %s", left, limit).WithHint("it goes on to take no new ones; polso connections shows who holds on")
		}
	}
}

// connectionsOf counts the connections of what a target is about.
func connectionsOf(st api.Status, target string) int {
	n := 0
	for _, r := range serverRows(st) {
		named := target == "server/"+r.Virtual+"/"+r.Name && !r.Sorry && r.State != "leaving" // which may have a server's name
		if named || target == "address/"+r.Address {
			n += r.Active + r.Inactive
		}
	}
	return n
}

// takeBack clears what was said.
func (a *app) takeBack(ctx context.Context, r api.ClearRequest) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	done, err := cl.ClearOverride(ctx, r)
	return a.done(done, err)
}

func waitFlag(f *pflag.FlagSet, w *word) {
	f.DurationVar(&w.wait, "wait", 0, "wait so long for its last connection to end; exit 7 when the time is up")
}

const (
	drainServerExamples = `  polso drain server web/a -m "new disk"
  polso drain server web/a --for 2h
  polso drain server web/a --wait 10m                    # returns once its last connection has ended`

	enableExamples = `  polso enable server web/a
  polso enable server web/a --all                        # weight and force too`

	disableExamples = `  polso disable server web/a --reason "burns"
  polso disable server web/a --until 06:00`
)

func (a *app) drainServerCmd() *cobra.Command {
	w := &word{kind: "drain"}
	c := &cobra.Command{
		Use:   "server VIRTUAL/SERVER",
		Short: "Give a server no new connections; those that it has live on",
		Long: `Give a server no new connections; those that it has live on. It stays so through restarts and failovers, and whatever document is
applied, until its end or until it is enabled again. Clients that persistence sends to this server still come until their time is over.`,
		Example: drainServerExamples,
		Args:    cobra.ExactArgs(1),
		RunE:    a.sayKind(w),
	}
	w.ending.flags(c)
	waitFlag(c.Flags(), w)
	return c
}

// sayKind says a word without more to it about the server that the argument names.
func (a *app) sayKind(w *word) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		target, err := serverNamed(args[0])
		if err != nil {
			return err
		}
		return a.say(cmd, w, api.OverrideRequest{Target: target, Kind: w.kind})
	}
}

func (a *app) disableCmd() *cobra.Command {
	w := &word{kind: "disable"}
	server := &cobra.Command{
		Use:   "server VIRTUAL/SERVER",
		Short: "Take a server out of the table at once, which ends its connections",
		Long: `Take a server out of the table at once. Its connections end: packets of theirs go nowhere. To let them end by themselves, drain
it. It stays so until its end or until it is enabled again.`,
		Example: disableExamples,
		Args:    cobra.ExactArgs(1),
		RunE:    a.sayKind(w),
	}
	w.ending.flags(server)
	c := &cobra.Command{Use: "disable", Short: "Take a server out of the table", Example: disableExamples}
	c.AddCommand(server)
	return c
}

// enableServerCmd is enable, and undrain for a server.
func (a *app) enableServerCmd(examples string) *cobra.Command {
	all := false
	c := &cobra.Command{
		Use:     "server VIRTUAL/SERVER",
		Short:   "Give a server connections again that was drained or disabled",
		Long:    "Take back that a server is drained or disabled. With --all its weight is the document's again, and its check's verdict counts.",
		Example: examples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := serverNamed(args[0])
			if err != nil {
				return err
			}
			r := api.ClearRequest{Target: target, About: "traffic"}
			if all {
				r.About = ""
			}
			return a.takeBack(cmd.Context(), r)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "whatever operators said of it: weight and force too")
	return c
}

func (a *app) enableCmd() *cobra.Command {
	c := &cobra.Command{Use: "enable", Short: "Give a server connections again", Example: enableExamples}
	c.AddCommand(a.enableServerCmd(enableExamples))
	return c
}

func (a *app) weightCmd() *cobra.Command {
	w := &word{kind: "weight"}
	reset := false
	c := &cobra.Command{
		Use:   "weight VIRTUAL/SERVER [N]",
		Short: "Give a server another weight than the document does",
		Long: `Give a server another weight than the document does, whatever document is applied, until its end or until --reset. 0 is no new
connections, as if it were drained. A drained or disabled server has the weight once it is enabled again.`,
		Example: `  polso weight web/a 5
  polso weight web/a 1 --for 30m -m "warming up"
  polso weight web/a --reset                             # as the document says`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := serverNamed(args[0])
			switch {
			case err != nil:
				return err
			case reset && len(args) == 2:
				return usageError{errors.New("--reset takes no weight: the document gives it")}
			case reset:
				return a.takeBack(cmd.Context(), api.ClearRequest{Target: target, About: "weight"})
			case len(args) == 1:
				return usageError{errors.New("which weight? give it after the server, or --reset")}
			}
			n, err := strconv.ParseUint(args[1], 10, 16)
			if err != nil {
				return usageError{fmt.Errorf("%q is not a weight from 0 to 65535", args[1])}
			}
			return a.say(cmd, w, api.OverrideRequest{Target: target, Kind: w.kind, Weight: int(n)})
		},
	}
	w.ending.flags(c)
	c.Flags().BoolVar(&reset, "reset", false, "the weight that the document gives")
	return c
}

func (a *app) forceCmd() *cobra.Command {
	const examples = `  polso force down web/a -m "trying the sorry server"
  polso force up web/a --for 15m                         # its check is wrong, the server is not
  polso force off web/a                                  # its check counts again`
	c := &cobra.Command{
		Use:   "force",
		Short: "Have a server count as up or down, whatever its check says",
		Long: `Have a server count as up or down, whatever its check says, on every router. It is checked all the same. As Piranha's nanny did on
USR2 (up), USR1 (down) and HUP (off).`,
		Example: examples,
	}
	for _, kind := range []string{"up", "down"} {
		w := &word{kind: kind}
		sub := &cobra.Command{
			Use:     kind + " VIRTUAL/SERVER",
			Short:   fmt.Sprintf("Have a server count as %s, whatever its check says", kind),
			Example: examples,
			Args:    cobra.ExactArgs(1),
			RunE:    a.sayKind(w),
		}
		if kind == "down" {
			sub.Long = "Have a server count as down, with all that follows: it leaves the table, or gets weight 0, as on_failure says."
		}
		w.ending.flags(sub)
		c.AddCommand(sub)
	}
	c.AddCommand(&cobra.Command{
		Use: "off VIRTUAL/SERVER", Short: "Let a server's check count again", Example: examples, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := serverNamed(args[0])
			if err != nil {
				return err
			}
			return a.takeBack(cmd.Context(), api.ClearRequest{Target: target, About: "health"})
		},
	})
	return c
}

func (a *app) maintainCmd() *cobra.Command {
	w := &word{kind: "drain"}
	var now, end bool
	c := &cobra.Command{
		Use:   "maintain ADDRESS",
		Short: "Drain a real server in every virtual that it serves",
		Long: `Drain whatever is at an address, in every virtual, as server and as sorry server: no new connections, those that it has live on. With
--now it leaves the table at once, which ends them. What was said of its servers one by one stands beside it, the stronger word counts
(disable, drain, force, weight), and a server that a later document adds at that address is drained as well. It ends by itself
when no virtual names the address any more.`,
		Example: `  polso maintain 10.0.0.11 --for 2h --reason "disk"
  polso maintain 10.0.0.11 --wait 15m                    # returns once its last connection has ended
  polso maintain 10.0.0.11 --now                         # out of the table; this ends its connections
  polso maintain 10.0.0.11 --end`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := "address/" + args[0]
			if now && end {
				return usageError{errors.New("--now begins it and --end ends it; give one of them")}
			}
			if end {
				return a.takeBack(cmd.Context(), api.ClearRequest{Target: target})
			}
			if now {
				w.kind = "disable"
			}
			return a.say(cmd, w, api.OverrideRequest{Target: target, Kind: w.kind})
		},
	}
	w.ending.flags(c)
	waitFlag(c.Flags(), w)
	c.Flags().BoolVar(&now, "now", false, "out of the table at once; this ends its connections")
	c.Flags().BoolVar(&end, "end", false, "it is over")
	return c
}

// overrideWords are what operators said of one server, in a cell; "" for nothing.
func overrideWords(list []api.Override) string {
	words := make([]string, len(list))
	for i, o := range list {
		words[i] = overrideWord(o)
		if address, ok := strings.CutPrefix(o.Target, "address/"); ok {
			words[i] += " of all at " + address
		}
		words[i] += " by " + o.By
		if o.Until != nil {
			words[i] += " until " + o.Until.Local().Format(time.DateTime)
		}
		if o.Reason != "" {
			words[i] += ": " + o.Reason
		}
	}
	return strings.Join(words, "; ")
}

// overrideWord is its kind, with the weight.
func overrideWord(o api.Override) string {
	if o.Weight != nil {
		return o.Kind + " " + strconv.Itoa(*o.Weight)
	}
	return o.Kind
}

func (a *app) overrideTable(w io.Writer, list []api.Override) error {
	t := newTable("TARGET", "OVERRIDE", "BY", "SINCE", "UNTIL", "REASON")
	for _, o := range list {
		until := "-"
		if o.Until != nil {
			until = o.Until.Local().Format(time.DateTime)
		}
		t.row(o.Target, overrideWord(o), o.By, figures.Since(&o.At), until, o.Reason)
	}
	return a.table(w, t)
}
