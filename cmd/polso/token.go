package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
)

func (a *app) tokenCmd() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Join tokens and access tokens: create, list, revoke", Example: "  polso token create --ttl 1h --uses 2\n  polso token create --role operator --note ci\n  polso token list\n  polso token revoke ID"}
	c.AddCommand(a.tokenCreateCmd(), a.tokenListCmd(), a.tokenRevokeCmd())
	return c
}

func (a *app) tokenCreateCmd() *cobra.Command {
	var req api.TokenRequest
	var access api.AccessRequest
	var role string
	var ttl time.Duration
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a join token, or with --role an access token, and print it",
		Long: `Make a token and print it, once: only its hash is kept. A join token admits routers or witnesses. With --role it is an access token, which
programs ask with (POLSO_TOKEN, or Authorization: Bearer) and people may sign in with; it ends with the user who made it.`,
		Example: `  polso token create
  polso token create --kind witness --ttl 1h --uses 2
  polso token create --role operator --ttl 720h --note "deploys from ci"
  polso token create | ssh r2 polso join 10.9.0.11 --token - --advertise 10.9.0.12`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.Uses < 1 || ttl <= 0 {
				return usageError{fmt.Errorf("--uses %d and --ttl %v: both must be above 0", req.Uses, ttl)}
			}
			if cmd.Flags().Changed("role") {
				if cmd.Flags().Changed("uses") || cmd.Flags().Changed("kind") {
					return usageError{errors.New("--uses and --kind are of join tokens, --role is of access tokens")}
				}
				if !cmd.Flags().Changed("ttl") {
					ttl = accessTTL
				}
				access.Role, access.TTL = api.Role(role), ttl.Seconds()
				return a.createAccess(cmd, access)
			}
			if access.Note != "" {
				return usageError{errors.New("--note is of access tokens; say --role too")}
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
	f.DurationVar(&ttl, "ttl", time.Hour, "how long it is good; of an access token 720h unless said")
	f.IntVar(&req.Uses, "uses", 1, "how many nodes it admits")
	f.StringVar(&role, "role", "", "an access token with this role: viewer, operator or admin")
	f.StringVar(&access.Note, "note", "", "what the access token is for")
	return c
}

// accessTTL is how long an access token is good unless somebody says.
const accessTTL = 30 * 24 * time.Hour

func (a *app) createAccess(cmd *cobra.Command, req api.AccessRequest) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	t, err := cl.CreateAccess(cmd.Context(), req)
	if err != nil {
		return err
	}
	return a.print(t, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, t.Text)
		a.tell("Access token %s, %s until %s. It is not shown again; end it with polso token revoke %s", t.ID, t.Role, t.Expires.Local().Format(time.DateTime), t.ID)
		return err
	})
}

func (a *app) tokenListCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:   "list",
		Short: "The join tokens that still admit somebody, and the access tokens",
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
			access, err := cl.AccessTokens(cmd.Context())
			if err != nil {
				return err
			}
			both := []any{}
			t := newTable("ID", "KIND", "ROLE", ">USES", "EXPIRES", "BY", "NOTE")
			for _, k := range list {
				both = append(both, k)
				t.row(k.ID, k.Kind, "-", fmt.Sprint(k.Uses), k.Expires.Local().Format(time.DateTime), k.By, "-")
			}
			for _, k := range access {
				both = append(both, k)
				t.row(k.ID, k.Kind, string(k.Role), "-", k.Expires.Local().Format(time.DateTime), k.By, cmp.Or(k.Note, "-"))
			}
			return a.print(listing{"tokens", both}, func(w io.Writer) error {
				if !a.names() {
					return a.table(w, t)
				}
				for _, k := range list {
					fmt.Fprintln(w, "token/"+k.ID)
				}
				for _, k := range access {
					fmt.Fprintln(w, "token/"+k.ID)
				}
				return nil
			})
		},
	})
}

func (a *app) tokenRevokeCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token: a join token admits nobody any more, an access token is good for nothing",
		Example: `  polso token list                                       # tells the IDs
  polso token revoke ID`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.RevokeToken(cmd.Context(), args[0])
			if api.CodeOf(err) == api.CodeNotFound {
				done, err = cl.RevokeAccess(cmd.Context(), args[0])
			}
			return a.done(done, err)
		},
	}
}
