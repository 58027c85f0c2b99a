package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polso/api"
	"polso/figures"
)

// defaultSocket is where an agent listens and the command line asks unless told otherwise.
const defaultSocket = "/run/polso/polso.sock"

// app is one run of the program.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	settings   string // where a router's settings are, unless --config says
	filesystem string // below which units of systemd are written
	journal    string // the socket that systemd's journal takes entries with fields at

	addr      string
	tokenFile string
	cacert    string
	output    string
	sortBy    string
	noHeaders bool
	noColor   bool
	quiet     bool
	verbose   bool
}

func newApp(stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) *app {
	return &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv, settings: defaultNodeFile, filesystem: "/", journal: journalSocket}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "polso",
		Short: "A highly available LVS load balancer, out of a few Linux routers",
		Long: `Polso turns a few Linux routers into one highly available LVS load balancer. The routers elect a director, which
holds the virtual addresses under a lease while its kernel's IPVS table balances the traffic; the others stand by warm.`,
		Example: `  polso init --advertise 10.9.0.11                      # on the first router; prints the line for the others
  polso join 10.9.0.11 --token TOKEN --advertise 10.9.0.12
  polso apply -f edge.hcl                               # on any router
  polso status`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{unknownCommand(cmd, args[0])}
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return errors.Join(a.checkOutput(cmd), a.checkSort()) },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
	})
	f := root.PersistentFlags()
	f.StringVar(&a.addr, "addr", a.env("POLSO_ADDR", "unix://"+defaultSocket), "where the agent listens, or https://ROUTER of another machine (env POLSO_ADDR)")
	f.StringVar(&a.tokenFile, "token-file", a.env("POLSO_TOKEN_FILE", ""), "with --addr https://…: a file that holds the access token (env POLSO_TOKEN_FILE, or the token itself in POLSO_TOKEN)")
	f.StringVar(&a.cacert, "cacert", a.env("POLSO_CACERT", ""), "with --addr https://…: a file with the CA to believe, PEM (env POLSO_CACERT; polso cert show --ca prints the cluster's)")
	f.StringVarP(&a.output, "output", "o", a.env("POLSO_OUTPUT", ""), "json, yaml, hcl (show, get virtuals), wide, name or template=GO-TEMPLATE (env POLSO_OUTPUT)")
	f.BoolVar(&a.noHeaders, "no-headers", false, "tables without their first line")
	f.BoolVar(&a.noColor, "no-color", false, "no colour (env NO_COLOR)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "names only, one a line")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "errors with what is behind them")
	root.AddGroup(
		&cobra.Group{ID: "cluster", Title: "The cluster:"},
		&cobra.Group{ID: "servers", Title: "Servers, beside the document:"},
		&cobra.Group{ID: "document", Title: "The document:"},
		&cobra.Group{ID: "node", Title: "This router:"},
		&cobra.Group{ID: "realserver", Title: "A real server:"},
	)
	for group, commands := range map[string][]*cobra.Command{
		"cluster":  {a.initCmd(), a.joinCmd(), a.tokenCmd(), a.userCmd(), a.membersCmd(), a.statusCmd(), a.topCmd(), a.eventsCmd(), a.transferCmd(), a.notifyCmd(), a.drainCmd(), a.undrainCmd(), a.upgradeCmd(), a.profileCmd(), a.certCmd(), a.leaveCmd(), a.removeCmd(), a.rejoinCmd(), a.recoverCmd()},
		"document": {a.validateCmd(), a.planCmd(), a.diffCmd(), a.applyCmd(), a.confirmCmd(), a.addCmd(), a.setCmd(), a.editCmd(), a.fmtCmd(), a.explainCmd(), a.getCmd(), a.describeCmd(), a.historyCmd(), a.showCmd(), a.rollbackCmd(), a.auditCmd(), a.snapshotCmd(), a.importCmd(), a.exportCmd()},
		"node":     {a.agentCmd(), a.ipvsCmd(), a.statsCmd(), a.connectionsCmd(), a.announceCmd(), a.doctorCmd(), a.debugCmd(), a.releaseCmd(), a.versionCmd(), a.manCmd()},

		"servers":    {a.enableCmd(), a.disableCmd(), a.weightCmd(), a.forceCmd(), a.maintainCmd(), a.checkCmd()},
		"realserver": {a.realserverCmd()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	root.SetHelpCommand(helpCmd())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	requireKnown(root)
	a.completing(root)
	return root
}

// helpCmd is cobra's, but for what it does with words that it does not know.
func helpCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 && about.HasSubCommands() {
				return usageError{unknownCommand(about, args[len(args)-1])}
			}
			return about.Help()
		},
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments, so what is %q; see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())}
	}
	return nil
}

// unlike says how a command's arguments are written, to whom has written others.
func unlike(cmd *cobra.Command, args []string) error {
	given := "without arguments"
	if len(args) > 0 {
		given = "with " + figures.Count(len(args), "argument")
	}
	return usageError{fmt.Errorf("%s is not called %s: write %s %s; see `%s --help`", cmd.CommandPath(), given, cmd.Parent().CommandPath(), cmd.Use, cmd.CommandPath())}
}

// requireKnown makes commands that only group others refuse what they do not know, and every wrong argument a usage error.
func requireKnown(c *cobra.Command) {
	c.SuggestionsMinimumDistance = 2
	for _, sub := range c.Commands() {
		if check := sub.Args; check != nil {
			sub.Args = func(cmd *cobra.Command, args []string) error {
				err := check(cmd, args)
				if _, said := errors.AsType[usageError](err); err == nil || said {
					return err
				}
				return unlike(cmd, args)
			}
		}
		if sub.RunE == nil && sub.Run == nil {
			sub.Args = cobra.ArbitraryArgs
			sub.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return cmd.Help()
				}
				return usageError{unknownCommand(cmd, args[0])}
			}
		}
		requireKnown(sub)
	}
}

func unknownCommand(cmd *cobra.Command, word string) error {
	err := fmt.Errorf("%s has no command %q", cmd.CommandPath(), word)
	if like := slices.Sorted(slices.Values(cmd.SuggestionsFor(word))); len(like) > 0 {
		return fmt.Errorf("%w; did you mean \"%s\"?", err, strings.Join(like, `" or "`))
	}
	return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
}

func (a *app) env(name, fallback string) string {
	if v := a.getenv(name); v != "" {
		return v
	}
	return fallback
}

// tell prints a note that is no data.
func (a *app) tell(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }

// warn prints what is right and yet perhaps not meant.
func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		a.tell("Warning: %s", sentence(w))
	}
}

// terminal is standard input, if somebody sits there.
func (a *app) terminal() (*os.File, bool) {
	f, ok := a.stdin.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks before something that cannot be taken back. Without a terminal only yes goes on.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	f, ok := a.terminal()
	if !ok {
		return api.Errorf(api.CodeRefused, "%s needs a yes", strings.TrimSuffix(question, "?")).WithHint("without a terminal, say --yes")
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	var answer string
	if _, err := fmt.Fscanln(f, &answer); err != nil || !strings.HasPrefix(strings.ToLower(answer), "y") {
		return api.Errorf(api.CodeRefused, "nothing was changed")
	}
	return nil
}
