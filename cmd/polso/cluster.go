package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
	"polso/figures"
)

func (a *app) initCmd() *cobra.Command {
	var req api.InitRequest
	c := &cobra.Command{
		Use:   "init --advertise ADDRESS",
		Short: "Make a new cluster with this router as its first member",
		Example: `  polso init --advertise 10.9.0.11
  polso init --cluster edge --profile fast --advertise 10.9.0.11 --advertise 172.16.0.11`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			ans, err := cl.Init(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.print(ans, func(w io.Writer) error {
				a.tell("Cluster %s is made, with %s as its first router. On the others (the token admits routers until %s):",
					ans.Cluster, ans.Node, ans.Expires.Local().Format("15:04"))
				_, err := fmt.Fprintf(w, "polso join %s --token %s --advertise ADDRESS\n", strings.Join(ans.Addresses, " "), ans.Token)
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&req.Cluster, "cluster", "", "the cluster's name (default polso)")
	f.StringSliceVar(&req.Advertise, "advertise", nil, "address other routers reach this one at, ADDRESS or ADDRESS:PORT; repeat it for more paths")
	f.StringVar(&req.Profile, "profile", "", "timing: fast (150 ms), lan (400 ms, default), vm (1.5 s), wan (3 s)")
	required(c, "advertise")
	return c
}

// required makes a command refuse to run without these flags.
func required(c *cobra.Command, flags ...string) {
	c.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, f := range flags {
			if !cmd.Flags().Changed(f) {
				return usageError{fmt.Errorf("--%s is needed; see `%s --help`", f, cmd.CommandPath())}
			}
		}
		return nil
	}
}

func (a *app) joinCmd() *cobra.Command {
	var req api.JoinRequest
	var token func() (string, error)
	c := &cobra.Command{
		Use:   "join ADDRESS... --token TOKEN --advertise ADDRESS",
		Short: "Make this node a member of a cluster, a router or a witness as the token says",
		Example: `  polso join 10.9.0.11 --token POLSO-1-... --advertise 10.9.0.12
  polso token create | ssh r2 polso join 10.9.0.11 --token - --advertise 10.9.0.12
  polso join 10.9.0.11 --token-file t --advertise 10.9.0.13 --replace r3   # take a dead router's place`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Addresses = args
			var err error
			if req.Token, err = token(); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			ans, err := cl.Join(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.joined(ans, "is a member of")
		},
	}
	token = a.joinToken(c)
	f := c.Flags()
	f.StringSliceVar(&req.Advertise, "advertise", nil, "address other routers reach this one at; repeat it for more paths")
	f.StringVar(&req.Replace, "replace", "", "take this name from the member that bears it, which is removed")
	required(c, "advertise")
	return c
}

// joinToken adds the flags that say with which token this node joins, and returns how to get it when they have been read.
func (a *app) joinToken(c *cobra.Command) func() (string, error) {
	token := c.Flags().String("token", "", "the join token; - reads it from standard input (env POLSO_JOIN_TOKEN)")
	file := c.Flags().String("token-file", "", "a file that holds the token")
	return func() (string, error) { return a.secret(*token, *file, "POLSO_JOIN_TOKEN") }
}

// joined prints what a node has become.
func (a *app) joined(ans api.JoinAnswer, is string) error {
	return a.print(ans, func(w io.Writer) error {
		note := ""
		if ans.Learner {
			note = " It votes once it has caught up and there are three: two more routers, or a router and a witness."
		}
		_, err := fmt.Fprintf(w, "%s %s cluster %s.%s\n", ans.Node, is, ans.Cluster, note)
		return err
	})
}

// secret reads a secret from a flag, a file, standard input or the environment.
func (a *app) secret(flag, file, env string) (string, error) {
	switch {
	case flag == "-":
		b, err := io.ReadAll(io.LimitReader(a.stdin, 64<<10))
		return strings.TrimSpace(string(b)), err
	case flag != "":
		return flag, nil
	case file != "":
		b, err := os.ReadFile(file)
		return strings.TrimSpace(string(b)), err
	case a.getenv(env) != "":
		return a.getenv(env), nil
	}
	return "", usageError{fmt.Errorf("no token given; use --token, --token-file or %s", env)}
}

// done prints what was done.
func (a *app) done(d api.Done, err error) error {
	if err != nil {
		return err
	}
	return a.print(d, func(w io.Writer) error {
		for _, line := range d.Done {
			fmt.Fprintln(w, line)
		}
		a.warn(d.Warnings)
		return nil
	})
}

func (a *app) leaveCmd() *cobra.Command {
	var yes bool
	var req api.LeaveRequest
	c := &cobra.Command{
		Use:   "leave",
		Short: "Take this router out of its cluster",
		Example: `  polso leave
  polso leave --force --yes                              # though the others do not answer`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.confirm(yes, "Leave the cluster and forget it?"); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.Leave(cmd.Context(), req)
			return a.done(done, err)
		},
	}
	c.Flags().BoolVar(&req.Force, "force", false, "without the others' word: only this router forgets; remove it on another one too")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) removeCmd() *cobra.Command {
	const examples = "  polso remove router r3\n  polso remove router r3 --yes"
	c := &cobra.Command{Use: "remove", Short: "Remove a router from the cluster, or a part from the running document", Example: removeExamples}
	var yes bool
	router := &cobra.Command{
		Use:     "router NAME",
		Short:   "Take a router out of the cluster for good",
		Example: examples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(yes, "Remove router "+args[0]+" for good?"); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.Remove(cmd.Context(), args[0])
			return a.done(done, err)
		},
	}
	router.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.AddCommand(router)
	c.AddCommand(a.partCmds(config.Del)...)
	return c
}

func (a *app) transferCmd() *cobra.Command {
	var yes bool
	var req api.TransferRequest
	c := &cobra.Command{
		Use:   "transfer [ROUTER]",
		Short: "Planned switchover: another router becomes the director",
		Long: `Planned switchover: another router becomes the director. Without a name it is the first fit one in the order of the document's
"prefer". It must have caught up, follow the running revision, have its links up and not be drained; --force passes over all
that but the first.`,
		Example: "  polso transfer r2 --yes\n  polso transfer --yes            # to the preferred one that is fit",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			question := "Move the addresses to another router?"
			if len(args) == 1 {
				req.To = args[0]
				question = "Move the addresses to " + req.To + "?"
			}
			if err := a.confirm(yes, question); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			ans, err := cl.Transfer(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.print(ans, func(w io.Writer) error {
				switch {
				case len(ans.Despite) > 0:
					a.tell("%s was not ready: %s.", ans.To, strings.Join(ans.Despite, "; "))
				case len(ans.Checked) > 0:
					a.tell("%s was ready: %s.", ans.To, strings.Join(ans.Checked, "; "))
				}
				if ans.Note != "" {
					a.tell("Note: %s", sentence(ans.Note))
				}
				_, err := fmt.Fprintf(w, "Director: %s -> %s, addresses without a holder for %s\n", ans.From, ans.To, figures.Age(figures.Seconds(ans.Seconds)))
				return err
			})
		},
	}
	c.Flags().BoolVar(&req.Force, "force", false, "even to a router that is not fit")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
