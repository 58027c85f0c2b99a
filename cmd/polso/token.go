package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
)

func (a *app) tokenCmd() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Join tokens: create, list, revoke", Example: "  polso token create --ttl 1h --uses 2\n  polso token list\n  polso token revoke ID"}
	c.AddCommand(a.tokenCreateCmd(), a.tokenListCmd(), a.tokenRevokeCmd())
	return c
}

func (a *app) tokenCreateCmd() *cobra.Command {
	var req api.TokenRequest
	var ttl time.Duration
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a join token and print it",
		Example: `  polso token create
  polso token create --ttl 1h --uses 2
  polso token create --kind witness
  polso token create | ssh r2 polso join 10.9.0.11 --token - --advertise 10.9.0.12`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.Uses < 1 || ttl <= 0 {
				return usageError{fmt.Errorf("--uses %d and --ttl %v: both must be above 0", req.Uses, ttl)}
			}
			req.TTL = ttl.Seconds()
			cl, err := a.client()
			if err != nil {
				return err
			}
			t, err := cl.CreateToken(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.print(t, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, t.Text)
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&req.Kind, "kind", "router", "what it admits: router, or witness: it votes and never directs")
	f.DurationVar(&ttl, "ttl", time.Hour, "how long it is good")
	f.IntVar(&req.Uses, "uses", 1, "how many nodes it admits")
	return c
}

func (a *app) tokenListCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:   "list",
		Short: "The tokens that still admit somebody",
		Example: `  polso token list
  polso token list --sort-by expires`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			list, err := cl.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(listing{"tokens", list}, func(w io.Writer) error {
				if a.names() {
					for _, k := range list {
						fmt.Fprintln(w, "token/"+k.ID)
					}
					return nil
				}
				t := newTable("ID", "KIND", ">USES", "EXPIRES", "BY")
				for _, k := range list {
					t.row(k.ID, k.Kind, fmt.Sprint(k.Uses), k.Expires.Local().Format(time.DateTime), k.By)
				}
				return a.table(w, t)
			})
		},
	})
}

func (a *app) tokenRevokeCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Make a token admit nobody any more",
		Example: `  polso token list                                       # tells the IDs
  polso token revoke ID`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.RevokeToken(cmd.Context(), args[0])
			return a.done(done, err)
		},
	}
}
