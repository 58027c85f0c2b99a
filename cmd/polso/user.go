package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polso/api"
)

func (a *app) userCmd() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Who signs in with a password: add, passwd, set-role, list, remove",
		Example: "  polso user add ada --role admin\n  polso user list\n  polso user passwd ada\n  polso user remove ada --yes"}
	c.AddCommand(a.userAddCmd(), a.userPasswdCmd(), a.userRoleCmd(), a.userListCmd(), a.userRemoveCmd())
	return c
}

func (a *app) userAddCmd() *cobra.Command {
	var role, file string
	c := &cobra.Command{
		Use:   "add NAME --role ROLE",
		Short: "Make a user; the password is asked for",
		Long: `Make a user, who signs in at any router with a name and a password. A viewer sees everything, an operator changes what runs, an admin also
changes who belongs: routers, users, tokens, certificates.`,
		Example: `  polso user add ada --role admin                         # asks for the password twice
  polso user add ci --role viewer --password-file /root/ci
  pwgen -s 24 1 | polso user add bob --role operator --password-file -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := a.newPassword(args[0], file)
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.AddUser(cmd.Context(), api.UserRequest{Name: args[0], Role: api.Role(role), Password: password})
			return a.done(done, err)
		},
	}
	roleFlag(c, &role)
	passwordFlag(c, &file)
	required(c, "role")
	return c
}

func roleFlag(c *cobra.Command, role *string) {
	c.Flags().StringVar(role, "role", "", "viewer, operator or admin")
}

func passwordFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "password-file", "", "a file whose first line is the password; - reads standard input")
}

func (a *app) userPasswdCmd() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "passwd USER",
		Short: "Give a user another password, which ends the user's sessions",
		Example: `  polso user passwd ada                                   # asks for it twice
  polso user passwd ci --password-file /root/ci`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := a.newPassword(args[0], file)
			if err != nil {
				return err
			}
			return a.setUser(cmd, api.UserRequest{Name: args[0], Password: password})
		},
	}
	passwordFlag(c, &file)
	return c
}

func (a *app) userRoleCmd() *cobra.Command {
	var role string
	c := &cobra.Command{
		Use:   "set-role USER --role ROLE",
		Short: "Give a user another role, at once and in running sessions",
		Example: `  polso user set-role ada --role operator
  polso user set-role bob --role viewer`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.setUser(cmd, api.UserRequest{Name: args[0], Role: api.Role(role)})
		},
	}
	roleFlag(c, &role)
	required(c, "role")
	return c
}

func (a *app) setUser(cmd *cobra.Command, r api.UserRequest) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	done, err := cl.SetUser(cmd.Context(), r)
	return a.done(done, err)
}

func (a *app) userListCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:   "list",
		Short: "The users and their roles",
		Example: `  polso user list
  polso user list -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			list, err := cl.Users(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(listing{"users", list}, func(w io.Writer) error {
				if a.names() {
					for _, u := range list {
						fmt.Fprintln(w, "user/"+u.Name)
					}
					return nil
				}
				t := newTable("NAME", "ROLE", "CHANGED", "BY")
				for _, u := range list {
					t.row(u.Name, string(u.Role), u.Changed.Local().Format(time.DateTime), u.By)
				}
				return a.table(w, t)
			})
		},
	})
}

func (a *app) userRemoveCmd() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "remove USER",
		Short: "Remove a user, with the sessions and access tokens that are the user's",
		Example: `  polso token list                                        # tells which tokens are whose
  polso user remove ada --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(yes, fmt.Sprintf("Remove user %s, and end the access tokens that %s made?", args[0], args[0])); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.RemoveUser(cmd.Context(), args[0])
			return a.done(done, err)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// newPassword reads a password from a file, "-" for standard input, or asks for it twice at the terminal. It is never an argument: those
// stand in the list of processes and in the shell's history.
func (a *app) newPassword(user, file string) (string, error) {
	switch {
	case file == "-":
		return firstLine(a.stdin)
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		return firstLine(f)
	}
	f, ok := a.terminal()
	if !ok {
		return "", usageError{fmt.Errorf("there is no terminal to ask for the password at; use --password-file FILE, or - for standard input")}
	}
	ask := func(what string) (string, error) {
		fmt.Fprintf(a.stderr, "%s for %s: ", what, user)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.stderr)
		return string(b), err
	}
	first, err := ask("Password (at least 12 characters)")
	if err != nil {
		return "", err
	}
	again, err := ask("The same again")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", api.Errorf(api.CodeInvalid, "the two are not the same; nothing was changed")
	}
	return first, nil
}

// firstLine is the password that a file holds.
func firstLine(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, 64<<10))
	text, _, _ := strings.Cut(string(b), "\n")
	if text = strings.TrimSuffix(text, "\r"); text == "" && err == nil {
		return "", api.Errorf(api.CodeInvalid, "there is no password in it; nothing was changed")
	}
	return text, err
}
