package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

func (a *app) statusCmd() *cobra.Command {
	var again, local bool
	c := &cobra.Command{
		Use:   "status",
		Short: "The cluster at a glance",
		Example: `  polso status
  polso status --local -o json    # this router alone; needs no leader
  polso status --local -o wide    # and its kernel settings: as found, as set, and for what
  polso status --watch`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			ask, show := cl.Status, a.status
			if local {
				ask, show = cl.Local, a.localStatus
			}
			if again {
				return watch(cmd.Context(), a, ask, show)
			}
			st, err := ask(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.print(st, func(w io.Writer) error { return show(w, st) }); err != nil {
				return err
			}
			if st.Health != api.Healthy {
				return status(exitDegraded)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&again, "watch", false, "again every second")
	c.Flags().BoolVar(&local, "local", false, "this router alone; needs no leader")
	return c
}

// watch shows what is asked for again every second until ctx ends.
func watch[T any](ctx context.Context, a *app, ask func(context.Context) (T, error), show func(io.Writer, T) error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		got, err := ask(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			a.exit(err) // the next second may know more
		} else if err := a.printLine(got, func(w io.Writer) error {
			if a.coloured() {
				fmt.Fprint(w, "\x1b[H\x1b[2J")
			}
			return show(w, got)
		}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *app) status(w io.Writer, st api.Status) error {
	if !st.Formed {
		_, err := fmt.Fprintf(w, "ROUTER   %s   belongs to no cluster\n", st.Node)
		a.tell("Hint: polso init on the first router, polso join on the others.")
		return err
	}
	line := fmt.Sprintf("CLUSTER  %s   %s   revision %d   quorum %d/%d (can lose %d)", st.Cluster, a.state(string(st.Health)), st.Revision,
		st.Quorum.Healthy, st.Quorum.Voters, st.Quorum.CanLose)
	if f := st.LastFailover; f != nil && f.From != "" {
		took := ""
		if f.Seconds > 0 {
			took = ", " + figures.Age(figures.Seconds(f.Seconds))
		}
		line += fmt.Sprintf("   last failover %s ago (%s -> %s%s)", figures.Age(time.Since(f.At)), f.From, f.To, took)
	}
	fmt.Fprintln(w, a.paint(line))
	fmt.Fprintln(w, a.director(st))
	if why := failover(st.LastFailover); why != "" {
		fmt.Fprintf(w, "FAILOVER because %s\n", oneLine(why))
	}
	return a.parts(w, st, "DOWN")
}

// localStatus is what one router knows of itself.
func (a *app) localStatus(w io.Writer, st api.Status) error {
	if !st.Formed {
		return a.status(w, st)
	}
	what, job := "ROUTER ", "stands by; the leader is "+st.Leader
	witness := len(st.Members) == 1 && st.Members[0].Kind == "witness"
	if witness {
		what, job = "WITNESS", "votes; the leader is "+st.Leader
	}
	switch {
	case st.Lease.Held:
		job = fmt.Sprintf("directs; lease ok (%s left unless renewed)", figures.Age(figures.Seconds(st.Lease.ExpiresIn)))
	case st.Leader == "":
		job = "knows no leader"
	case st.Leader == st.Node && witness:
		job = "leads until a router can"
	case st.Leader == st.Node:
		job = "leads, but holds no lease"
	}
	fmt.Fprintln(w, a.paint(fmt.Sprintf("%s  %s   %s   cluster %s   revision %d, kernel at %d   %s%s",
		what, st.Node, a.state(string(st.Health)), st.Cluster, st.Revision, st.AppliedRevision, job, syncWords(st.SyncDaemon))))
	if err := a.parts(w, st, "NOT HERE"); err != nil || !a.wide() || len(st.Sysctls) == 0 {
		return err
	}
	return a.sysctlTable(w, st.Sysctls)
}

// sysctlTable is the kernel settings that the document needs of a router.
func (a *app) sysctlTable(w io.Writer, list []api.Sysctl) error {
	t := newTable("SYSCTL", "VALUE", "WANTED", "FOUND", "STATE", "FOR")
	for _, s := range list {
		why := s.For
		if s.Against != "" {
			why += ", but " + s.Against
		}
		t.row(s.Name, s.Value, s.Wanted, s.Found, s.State, why)
	}
	return a.table(w, t)
}

// parts are the addresses, virtuals, servers and problems; free is the word for an address that is not held.
func (a *app) parts(w io.Writer, st api.Status, free string) error {
	if len(st.VIPs) > 0 {
		if err := a.vipTable(w, st, free); err != nil {
			return err
		}
	}
	if len(st.Virtuals) > 0 {
		if err := a.virtualTable(w, st); err != nil {
			return err
		}
	}
	for _, v := range st.Virtuals {
		if v.Reason != "" {
			fmt.Fprintln(w, a.paint(fmt.Sprintf("VIRTUAL %s  %s  %s", v.Name, a.state(v.State), v.Reason)))
		}
		if v.State == "inactive" {
			continue // nobody asks its servers
		}
		for _, s := range v.Servers {
			if s.State != "up" {
				how := "for " + figures.Since(s.Since)
				if s.Until != nil {
					how = "until " + s.Until.Local().Format(time.DateTime)
				}
				fmt.Fprintln(w, a.paint(fmt.Sprintf("SERVER %s/%s  %s  %s  %s  %s", v.Name, s.Name, a.state(s.State), hostPort(s), answer(s), how)))
			}
			if routers := viewsOf(s); routers != "" {
				fmt.Fprintf(w, "SERVER %s/%s  routers differ: %s\n", v.Name, s.Name, routers)
			}
		}
	}
	for _, o := range st.Overrides {
		if !strings.HasPrefix(o.Target, "router/") { // those are told below
			fmt.Fprintf(w, "OVERRIDE %s  %s  %s\n", o.Target, overrideWord(o), said(o.By, o.At, o.Until, o.Reason))
		}
	}
	for _, m := range st.Members {
		if m.Drained != nil {
			fmt.Fprintln(w, a.paint(fmt.Sprintf("ROUTER %s  %s", m.Name, a.drained(*m.Drained))))
		}
	}
	if c := st.Confirm; c != nil {
		fmt.Fprintf(w, "CONFIRM  revision %d by %s goes back to %d in %s unless confirmed: polso confirm\n", c.Revision, oneLine(c.By), c.BackTo, left(c.Until))
	}
	if st.CAChange != nil {
		fmt.Fprintln(w, changingCA(*st.CAChange))
	}
	if st.ProfileChange != nil {
		fmt.Fprintln(w, changing(*st.ProfileChange))
	}
	tellProblems(w, st.Problems)
	return nil
}

// answer is what a server's check got last.
func answer(s api.Server) string {
	switch {
	case s.Reason != "":
		return oneLine(s.Reason)
	case s.Health == "unchecked":
		return "not checked"
	default:
		return "not checked yet"
	}
}

// tellProblems prints what needs an operator, each with its remedy.
func tellProblems(w io.Writer, list []api.Problem) {
	for _, p := range list {
		fmt.Fprintf(w, "PROBLEM %s%s: %s\n", at(p.Node), oneLine(p.What), oneLine(p.Why))
		if p.Fix != "" {
			fmt.Fprintf(w, "        %s\n", oneLine(p.Fix))
		}
	}
}

// drained says who does not want a router to direct, since when, until when and why.
func (a *app) drained(d api.Drained) string {
	return a.state("drain") + "  " + said(d.By, d.At, d.Until, d.Reason)
}

// said is who said something, since when it counts, until when and why.
func said(by string, at time.Time, until *time.Time, reason string) string {
	line := fmt.Sprintf("by %s  for %s", oneLine(by), figures.Since(&at))
	if until != nil {
		line += ", until " + until.Local().Format(time.DateTime)
	}
	if reason != "" {
		line += "  " + oneLine(reason)
	}
	return line
}

func at(node string) string {
	if node == "" {
		return ""
	}
	return node + ": "
}

func (a *app) director(st api.Status) string {
	switch {
	case st.Active != "":
		line := "DIRECTOR " + st.Active
		if m := slices.IndexFunc(st.Members, func(m api.Member) bool { return m.Name == st.Active }); m >= 0 && len(st.Members[m].Addresses) > 0 {
			line += "  " + st.Members[m].Addresses[0]
		}
		if st.ActiveSince != nil {
			line += "  since " + figures.Since(st.ActiveSince)
		}
		if st.Lease.Held && st.Node == st.Active {
			line += fmt.Sprintf("  lease ok (%s left unless renewed)", figures.Age(figures.Seconds(st.Lease.ExpiresIn)))
		}
		line = fmt.Sprintf("%s  term %d  profile %s", line, st.Term, st.Profile)
		if st.Node == st.Active {
			line += syncWords(st.SyncDaemon)
		}
		return line
	case st.Leader != "":
		return fmt.Sprintf("DIRECTOR -   leader %s holds no address   profile %s", st.Leader, st.Profile)
	default:
		return fmt.Sprintf("DIRECTOR -   no leader; nobody holds an address   profile %s", st.Profile)
	}
}

// syncWords are the end of a line about a router; "" if it shares no connections.
func syncWords(s *api.SyncDaemon) string {
	if s == nil {
		return ""
	}
	var runs []string
	if s.Master {
		runs = append(runs, "master")
	}
	if s.Backup {
		runs = append(runs, "backup")
	}
	return fmt.Sprintf("  sync daemon %s id %d", strings.Join(runs, "+"), s.ID)
}

func (a *app) vipTable(w io.Writer, st api.Status, free string) error {
	t := newTable("VIP", "STATE", "DEV", "ON", "ANNOUNCED", "VIRTUALS")
	for _, v := range st.VIPs {
		word := free
		if v.Held {
			word = "UP"
		}
		announced := "-"
		if v.Announced != nil {
			announced = figures.Since(v.Announced) + " ago"
		}
		t.row(v.Address, a.state(word), v.Interface, v.On, announced, strings.Join(v.Virtuals, ", "))
	}
	return a.table(w, t)
}

func (a *app) virtualTable(w io.Writer, st api.Status) error {
	header := []string{"VIRTUAL", "ADDRESS", "SCHED", "FWD", ">SERVERS", ">CONN/S", ">ACTIVE", ">IN", ">OUT"}
	if a.wide() {
		header = append(header, ">INACTIVE", ">PERSISTENT", ">INPKT/S", ">OUTPKT/S")
	}
	t := newTable(header...)
	for _, v := range st.Virtuals {
		up, all, active, inactive, persistent := 0, 0, 0, 0, 0
		for _, s := range v.Servers {
			if s.State == "up" && !s.Sorry {
				up++
			}
			if s.State != "leaving" && !s.Sorry { // it is not meant to be up
				all++
			}
			active, inactive, persistent = active+s.Active, inactive+s.Inactive, persistent+s.Persistent
		}
		mark := ""
		if up < all {
			mark = " !"
		}
		cells := []string{v.Name, virtualAddress(v), v.Scheduler, v.Forward, fmt.Sprintf("%d/%d%s", up, all, mark),
			figures.SI(v.Rates.Connections), figures.SI(uint64(active)), figures.Bits(v.Rates.BytesIn), figures.Bits(v.Rates.BytesOut)}
		if a.wide() {
			cells = append(cells, figures.SI(uint64(inactive)), figures.SI(uint64(persistent)), figures.SI(v.Rates.PacketsIn), figures.SI(v.Rates.PacketsOut))
		}
		t.row(cells...)
	}
	return a.table(w, t)
}

func hostPort(s api.Server) string { return net.JoinHostPort(s.Address, fmt.Sprint(s.Port)) }

// virtualAddress is how a virtual is reached: 192.0.2.10:80/t, or mark 7.
func virtualAddress(v api.Virtual) string {
	if v.FWMark != 0 {
		return fmt.Sprintf("mark %d", v.FWMark)
	}
	ports := make([]string, len(v.Ports))
	for i, p := range v.Ports {
		ports[i] = fmt.Sprint(p)
	}
	ports = append(ports, v.Ranges...)
	host := v.Address
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strings.Join(ports, ",") + "/" + v.Protocol[:min(1, len(v.Protocol))]
}

func (a *app) membersCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:   "members",
		Short: "The routers and witnesses of the cluster",
		Example: `  polso members
  polso members -o wide --sort-by behind
  polso members -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			st, err := cl.BriefStatus(cmd.Context())
			if err != nil {
				return err
			}
			all, err := a.find(st, "member", "")
			if err != nil {
				return err
			}
			if !st.Formed {
				all.table = func(w io.Writer) error { return a.status(w, st) }
			}
			return a.list(all)
		},
	})
}

// paths is how many of a member's paths are up, "-" where it has but one or is the leader itself.
func paths(all []api.Path) string {
	if len(all) == 0 {
		return "-"
	}
	up := 0
	for _, p := range all {
		if p.State == "up" {
			up++
		}
	}
	return fmt.Sprintf("%d/%d", up, len(all))
}

func (a *app) memberTable(w io.Writer, st api.Status) error {
	header := []string{"NAME", "ADDRESS", "RAFT", "DIRECTOR", "STATE", ">BEHIND", ">CONTACT", "VERSION", ">UPTIME"}
	if a.wide() {
		header = append(header, "TYPE", ">REVISION", "CONVERGED", "PATHS", "ID", "SEES", "UNFIT")
	}
	t := newTable(header...)
	for _, m := range st.Members {
		behind, contact := fmt.Sprint(m.Behind), figures.Age(figures.Seconds(m.Contact))
		if m.Raft == "leader" || m.State == "unknown" {
			behind, contact = "-", "-"
		}
		raft := m.Raft
		if m.Kind == "witness" && raft == "follower" {
			raft = m.Kind // what it is by trade; -o wide has its type in any case
		}
		cells := []string{m.Name, strings.Join(m.Addresses, ","), raft, m.Director, a.state(m.State), behind, contact, m.Version, figures.Since(m.Started)}
		if a.wide() {
			cells = append(cells, m.Kind, fmt.Sprint(m.AppliedRevision), fmt.Sprint(m.Converged), paths(m.Paths), m.ID, sees(m.Sees), oneLine(against(m)))
		}
		t.row(cells...)
	}
	return a.table(w, t)
}
