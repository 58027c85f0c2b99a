package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
)

func (a *app) upgradeCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "upgrade",
		Short: "From one release to the next: where each member is",
		Example: `  polso upgrade status
  polso upgrade status -o json`,
	}
	c.AddCommand(a.upgradeStatusCmd())
	return c
}

func (a *app) upgradeStatusCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:   "status",
		Short: "Which release and command level each member has, which is next, and whether it may be taken down now",
		Long: `Which release and command level each member has, which is to be upgraded next (routers that stand by first, the director last), and
whether it may be taken down now: the others are there, have caught up, are enough to go on, and one of them can direct. Exit status 3
when it may not.

What a later release has brought (an attribute of the document, a command) is refused until every member knows its command level.`,
		Example: `  polso upgrade status
  polso upgrade status -q                               # the next one alone
  polso upgrade status -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			u, err := cl.Upgrade(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.print(u, func(w io.Writer) error { return a.upgrade(w, u) }); err != nil {
				return err
			}
			if !u.Safe {
				return status(exitDegraded)
			}
			return nil
		},
	})
}

// upgrade prints where each member is, and what is next.
func (a *app) upgrade(w io.Writer, u api.Upgrade) error {
	if a.names() {
		_, err := fmt.Fprintln(w, "router/"+u.Next)
		return err
	}
	fmt.Fprintf(w, "CLUSTER  %s   command level %d in use, %s\n", u.Cluster, u.InUse, known(u.Lowest))
	t := newTable("NAME", "ROLE", "STATE", "VERSION", ">LEVEL", "UPGRADE", "AGAINST")
	turn := 0
	for _, m := range u.Members {
		when := "done"
		if !m.Done {
			turn++
			when = fmt.Sprintf("%d.", turn)
		}
		t.row(m.Name, m.Role, a.state(m.State), m.Version, levelOf(m), when, strings.Join(m.Against, "; "))
	}
	if err := a.table(w, t); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, next(u))
	return err
}

func levelOf(m api.UpgradeMember) string {
	if m.Level == 0 {
		return ""
	}
	return fmt.Sprint(m.Level)
}

func known(lowest int) string {
	if lowest == 0 {
		return "not every member has said what it knows"
	}
	return fmt.Sprintf("every member knows %d", lowest)
}

// next says in one line what to do.
func next(u api.Upgrade) string {
	may := "it may be taken down now"
	if !u.Safe {
		may = "wait until nothing speaks against it"
	}
	if !u.Mixed {
		return fmt.Sprintf("Every member runs %s. An upgrade begins with %s; %s.", cmp.Or(u.Newest, "-"), u.Next, may)
	}
	for _, m := range u.Members {
		if m.Name == u.Next {
			return fmt.Sprintf("Next: %s (%s), from %s to %s; %s.", m.Name, m.Role, cmp.Or(m.Version, "-"), u.Newest, may)
		}
	}
	return ""
}
