package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
	"polso/convert"
	"polso/figures"
)

// imported is what import answers scripts.
type imported struct {
	Format   string           `json:"format"`
	Document json.RawMessage  `json:"document"` // canonical
	HCL      string           `json:"hcl"`
	Notes    []convert.Note   `json:"notes"`
	Lost     int              `json:"lost"`
	Other    *[]config.Change `json:"other,omitempty"` // with --with: what the other file would change
}

func (a *app) importCmd() *cobra.Command {
	var strict bool
	var with string
	var known []string
	long := "Make a document of another load balancer's configuration. The document goes to standard output, with a comment for every line that\n" +
		"could not be carried over as it stands; the same notes go to standard error. Nothing is asked of an agent, and nothing is changed.\n\nFormats:"
	for _, f := range convert.Importers() {
		known = append(known, f.Name)
		long += fmt.Sprintf("\n  %-10s  %s", f.Name, f.Of)
	}
	c := &cobra.Command{
		Use:   "import FORMAT FILE",
		Short: "Make a document of another load balancer's configuration",
		Long:  long,
		Example: `  polso import lvs.cf /etc/sysconfig/ha/lvs.cf > edge.hcl
  polso import lvs.cf --with backup-lvs.cf primary-lvs.cf > edge.hcl  # do the two routers have the same?
  polso import lvs.cf --strict - < lvs.cf                             # 1 when a line could not be carried over`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			f, ok := convert.ImporterOf(args[0])
			if !ok {
				return usageError{fmt.Errorf("format %q is not known; use %s", args[0], strings.Join(known, ", "))}
			}
			return a.importFile(f, args[1], with, strict)
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "print no document and exit 1 when a line could not be carried over")
	c.Flags().StringVar(&with, "with", "", "the other router's file: say where the two differ in meaning, and exit 2 then")
	return c
}

func (a *app) importFile(f convert.Importer, path, with string, strict bool) error {
	r, err := a.importOne(f, path)
	if err != nil {
		return err
	}
	canonical, err := config.Canonical(r.Document)
	if err != nil {
		return err
	}
	out := imported{Format: f.Name, Document: canonical, HCL: string(r.HCL()), Notes: append([]convert.Note{}, r.Notes...), Lost: len(r.Lost())}
	var differs config.Changes
	if with != "" {
		other, err := a.importOne(f, with)
		if err != nil {
			return err
		}
		differs = config.Diff(r.Document, other.Document)
		out.Other = new([]config.Change)
		*out.Other = append([]config.Change{}, differs...)
	}
	if err := r.Report(a.stderr); err != nil {
		return err
	}
	if with != "" {
		a.tell("What %s would change in %s:", oneLine(with), oneLine(path))
		for _, line := range differs.Lines() {
			a.tell("%s", line)
		}
		a.tell("%s", differs.Summary())
	}
	if strict && out.Lost > 0 {
		return api.Errorf(api.CodeRefused, "%s could not be carried over, and --strict is given", figures.Count(out.Lost, "line"))
	}
	err = a.print(one{out}, func(w io.Writer) error { _, err := io.WriteString(w, out.HCL); return err })
	if err == nil && len(differs) > 0 {
		return status(exitChanges)
	}
	return err
}

// importOne imports a file, or - for standard input.
func (a *app) importOne(f convert.Importer, path string) (convert.Result, error) {
	name, in := "<stdin>", a.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return convert.Result{}, usageError{err}
		}
		defer file.Close()
		name, in = path, file
	}
	text, err := io.ReadAll(io.LimitReader(in, convert.MaxText+1)) // one too many is refused
	if err != nil {
		return convert.Result{}, fmt.Errorf("%s: %w", name, err)
	}
	r, err := f.Read(included, convert.File{Name: name, Text: text})
	if e, ok := errors.AsType[*convert.Error](err); ok {
		at := e.File
		if e.Line > 0 {
			at = fmt.Sprintf("%s:%d", e.File, e.Line)
		}
		return r, api.Errorf(api.CodeInvalid, "%s: %s", oneLine(at), e.What).WithHint("%s", e.Fix)
	}
	return r, err
}
