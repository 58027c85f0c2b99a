package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [PATH]",
		Short: "What a block or attribute of the document means",
		Example: `  polso explain
  polso explain virtual.check.http
  polso explain virtual.check.http.status
  polso explain virtual.server -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := strings.Join(args, "")
			topic, err := config.Explain(path)
			if err != nil {
				return api.Errorf(api.CodeNotFound, "%v", err).WithHint("polso explain lists what there is")
			}
			return a.print(one{topic}, func(w io.Writer) error { return a.topic(w, cmp.Or(path, "document"), topic) })
		},
	}
}

// topic prints one part of the manual.
func (a *app) topic(w io.Writer, path string, t config.Topic) error {
	head := path
	switch {
	case t.Form != "":
		head += "  " + string(t.Form)
	case t.Label != "":
		head += fmt.Sprintf("  block, with a label: %s", t.Label)
	case t.Name != "":
		head += "  block"
	}
	fmt.Fprintf(w, "%s\n\n%s\n", head, t.Text)
	if t.Since > 0 {
		fmt.Fprintf(w, "Since:    command level %d, which every member must know (polso upgrade status)\n", t.Since)
	}
	if t.Form != "" {
		if t.Value != "" {
			fmt.Fprintf(w, "Value:    %s\n", t.Value)
		}
		_, err := fmt.Fprintf(w, "Default:  %s\n", cmp.Or(t.Default, "none"))
		return err
	}
	fmt.Fprintln(w)
	list := newTable("NAME", "FORM", "DEFAULT", "MEANING")
	for _, x := range t.Topics {
		first, _, _ := strings.Cut(x.Text, ". ")
		list.row(x.Name, cmp.Or(string(x.Form), "block"), x.Default, strings.TrimSuffix(first, "."))
	}
	return a.table(w, list)
}
