package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"polso/figures"
)

func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual's pages",
		Long: `Writes a page for every command to DIR/man1, and polso.hcl(5) and node.hcl(5) to DIR/man5, from what --help and polso explain
say. They bear the date of SOURCE_DATE_EPOCH if that is set, today's if not.`,
		Example: `  polso man /usr/local/share/man
  polso man /tmp/man`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			date := time.Now()
			if epoch := a.getenv("SOURCE_DATE_EPOCH"); epoch != "" {
				seconds, err := strconv.ParseInt(epoch, 10, 64)
				if err != nil {
					return usageError{fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds", epoch)}
				}
				date = time.Unix(seconds, 0)
			}
			pages := manual(date.UTC().Format(time.DateOnly))
			for path, text := range pages {
				path = filepath.Join(args[0], path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					return err
				}
			}
			a.tell("Wrote %s to %s.", figures.Count(len(pages), "page"), args[0])
			return nil
		},
	}
}

// manual is every page by its path below a folder of manuals.
func manual(date string) map[string]string {
	m := manuals{date: date, source: "polso " + version}
	// What the environment says here is no default of the program.
	root := newApp(strings.NewReader(""), new(strings.Builder), new(strings.Builder), func(string) string { return "" }).root()
	pages := map[string]string{"man5/polso.hcl.5": m.document(), "man5/node.hcl.5": m.node()}
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		pages["man1/"+pageName(c)+".1"] = m.command(c)
		for _, sub := range visible(c) {
			each(sub)
		}
	}
	each(root)
	return pages
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// visible are the commands below one; help is about pages itself.
func visible(c *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(c.Commands()), func(sub *cobra.Command) bool {
		return sub.Hidden || sub.Name() == "help"
	})
}

// manuals writes pages of one date.
type manuals struct{ date, source string }

// command is the page of one command.
func (m manuals) command(c *cobra.Command) string {
	r := newRoff(pageName(c), "1", m.date, m.source)
	r.section("Name")
	fmt.Fprintf(&r.b, "%s \\- %s\n", plain(pageName(c)), plain(c.Short))
	r.section("Synopsis")
	for _, line := range synopsis(c) {
		r.b.WriteString(line + "\n")
	}
	r.section("Description")
	r.text(orShort(c))
	if len(c.Aliases) > 0 {
		r.paragraph()
		r.lines("Also: " + strings.Join(c.Aliases, ", ") + ".")
	}
	if c.Example != "" {
		r.section("Examples")
		r.verbatim(c.Example)
	}
	m.commands(r, c)
	m.options(r, c)
	if !c.HasParent() {
		m.common(r, c)
	}
	r.section("See also")
	r.lines(strings.Join(related(c), ",\n"))
	return r.b.String()
}

func orShort(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return strings.TrimSuffix(c.Short, ".") + "."
}

func synopsis(c *cobra.Command) []string {
	line := bold(c.CommandPath())
	if _, rest, ok := strings.Cut(c.Use, " "); ok {
		line += " " + italic(rest)
	}
	switch {
	case !c.HasParent():
		return []string{line + " " + italic("COMMAND") + " [" + italic("OPTION") + "...]"}
	case c.HasSubCommands():
		return []string{line + " " + italic("COMMAND")}
	}
	return []string{line + " [" + italic("OPTION") + "...]"}
}

// commands are those below c, by the groups that help shows them in.
func (m manuals) commands(r *roff, c *cobra.Command) {
	subs := visible(c)
	if len(subs) == 0 {
		return
	}
	r.section("Commands")
	list := func(of string) {
		for _, sub := range subs {
			if sub.GroupID == of {
				r.item(bold(pageName(sub))+"(1)", sub.Short+".")
			}
		}
	}
	for _, g := range c.Groups() {
		r.subsection(strings.TrimSuffix(g.Title, ":"))
		list(g.ID)
	}
	if len(c.Groups()) > 0 && slices.ContainsFunc(subs, func(sub *cobra.Command) bool { return sub.GroupID == "" }) {
		r.subsection("Others")
	}
	list("")
}

// options are c's own; those of every command are polso(1)'s.
func (m manuals) options(r *roff, c *cobra.Command) {
	r.section("Options")
	flags := c.LocalFlags()
	if c.HasParent() {
		flags = c.NonInheritedFlags()
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		head := bold("--" + f.Name)
		name, usage := pflag.UnquoteUsage(f)
		if name != "" {
			head += " " + italic(name)
		}
		if f.Shorthand != "" {
			head = bold("-"+f.Shorthand) + ", " + head
		}
		if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
			usage += " (default " + f.DefValue + ")"
		}
		r.item(head, usage)
	})
	r.item(bold("-h")+", "+bold("--help"), "what this page says, in short")
	if c.HasParent() {
		r.paragraph()
		r.lines("Options of every command, exit status and environment: see polso(1).")
	}
}

// inEnvironment is how flags name their variable.
var inEnvironment = regexp.MustCompile(`^(.*?)\s*\((?:.*; )?env ([A-Z_]+)\)$`)

// common is what holds for every command.
func (m manuals) common(r *roff, root *cobra.Command) {
	r.section("Exit status")
	for _, e := range exitCodes() {
		r.item(bold(strconv.Itoa(e.code)), e.means)
	}
	r.section("Environment")
	said := map[string]string{}
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if found := inEnvironment.FindStringSubmatch(f.Usage); found != nil {
				said[found[2]] = "in the place of --" + f.Name + ": " + found[1]
			}
		})
		for _, sub := range visible(c) {
			each(sub)
		}
	}
	each(root)
	for _, name := range slices.Sorted(maps.Keys(said)) {
		r.item(bold(name), said[name])
	}
	r.section("Files")
	r.item(italic(defaultNodeFile), "this router's settings; see node.hcl(5)")
	r.item(italic(defaultDataDir), "the cluster's state, and this router's keys")
	r.item(italic(defaultSocket), "where the agent listens to the command line")
}

// related are the pages around one.
func related(c *cobra.Command) []string {
	var out []string
	if c.HasParent() {
		out = append(out, pageName(c.Parent())+"(1)")
	}
	for _, sub := range visible(c) {
		out = append(out, pageName(sub)+"(1)")
	}
	if !c.HasParent() {
		out = append(out, "polso.hcl(5)", "node.hcl(5)", "ipvsadm(8)")
	}
	return out
}
