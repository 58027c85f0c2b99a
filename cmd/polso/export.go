package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
	"polso/convert"
	"polso/figures"
)

// exported is what export answers scripts.
type exported struct {
	Format   string         `json:"format"`
	Revision uint64         `json:"revision"`
	Text     string         `json:"text"`
	Notes    []convert.Note `json:"notes"`
	Lost     int            `json:"lost"`
}

// exportFormats are what export writes.
func exportFormats() []string {
	list := []string{"hcl", "json"}
	for _, x := range convert.Exporters() {
		list = append(list, x.Name)
	}
	return list
}

func (a *app) exportCmd() *cobra.Command {
	var format string
	var number uint64
	var strict bool
	c := &cobra.Command{
		Use:   "export",
		Short: "The running document in another format",
		Long: "Print the running document as written (hcl), in its canonical form (json), as lines for ipvsadm -R (ipvsadm) or as Piranha's lvs.cf.\n" +
			"What the format cannot say is noted on standard error.",
		Example: `  polso export > edge.hcl
  polso export --format lvs.cf > lvs.cf
  polso export --format ipvsadm > table         # for ipvsadm -R on a machine without an agent
  polso export --format json --revision 41`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(exportFormats(), format) {
				return usageError{fmt.Errorf("format %q is not known; use %s", format, strings.Join(exportFormats(), ", "))}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			r, err := revision(cmd.Context(), cl, number)
			if err != nil {
				return err
			}
			return a.export(r, format, strict)
		},
	}
	f := c.Flags()
	f.StringVar(&format, "format", "hcl", strings.Join(exportFormats(), ", "))
	f.Uint64Var(&number, "revision", 0, "an older document instead of the running one")
	f.BoolVar(&strict, "strict", false, "print nothing and exit 1 when something cannot be said in the format")
	return c
}

func (a *app) export(r api.Revision, format string, strict bool) error {
	out := exported{Format: format, Revision: r.Number, Text: r.Source, Notes: []convert.Note{}}
	if format != "hcl" {
		doc, err := documentOf(r)
		if err != nil {
			return err
		}
		text, err := config.Canonical(doc)
		if err != nil {
			return err
		}
		text = append(text, '\n')
		for _, x := range convert.Exporters() {
			if x.Name == format {
				text, out.Notes = x.Write(doc)
			}
		}
		out.Text = string(text)
	}
	out.Lost = len(convert.Result{Notes: out.Notes}.Lost())
	if err := convert.Report(a.stderr, out.Notes); err != nil {
		return err
	}
	if strict && out.Lost > 0 {
		return api.Errorf(api.CodeRefused, "%s cannot be said in %s, and --strict is given", figures.Count(out.Lost, "thing"), format)
	}
	return a.print(one{out}, func(w io.Writer) error { _, err := io.WriteString(w, out.Text); return err })
}
