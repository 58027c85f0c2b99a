package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
	"polso/figures"
)

// stdinName is what standard input is called where a file's name would be said.
const stdinName = "<stdin>"

// read reads a document: a file, a folder's *.hcl and *.json, or - for standard input.
func (a *app) read(paths []string) ([]api.File, error) {
	var files []api.File
	for _, p := range paths {
		if p == "-" {
			text, err := io.ReadAll(io.LimitReader(a.stdin, config.MaxText+1)) // one too many is refused like a file's
			if err != nil {
				return nil, fmt.Errorf("standard input: %w", err)
			}
			files = append(files, api.File{Name: stdinName, Text: string(text)})
			continue
		}
		found, err := config.ReadFiles(p)
		if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
			return nil, err
		}
		if err != nil {
			return nil, usageError{err}
		}
		for _, f := range found {
			files = append(files, api.File{Name: f.Name, Text: string(f.Text)})
		}
	}
	return files, nil
}

func fileFlag(c *cobra.Command, paths *[]string) {
	c.Flags().StringArrayVarP(paths, "file", "f", nil, "the document: a file, a folder of *.hcl and *.json, or - for standard input; repeat it")
	required(c, "file")
}

func (a *app) validateCmd() *cobra.Command {
	var paths []string
	c := &cobra.Command{
		Use:   "validate -f FILE",
		Short: "Check a document without an agent; every mistake at once",
		Example: `  polso validate -f edge.hcl
  polso validate -f edge.d -o json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			files, err := a.read(paths)
			if err != nil {
				return err
			}
			in := make([]config.File, len(files))
			for i, f := range files {
				in[i] = config.File{Name: f.Name, Text: []byte(f.Text)}
			}
			doc, err := config.Load(in...)
			if err != nil {
				return api.DocumentError(err)
			}
			return a.print(map[string]any{"schema": api.Schema, "valid": true, "virtuals": len(doc.Virtuals), "vips": len(doc.VIPs)}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "Valid: %s, %s.\n", figures.Count(len(doc.Virtuals), "virtual"), figures.Count(len(doc.VIPs), "vip"))
				return err
			})
		},
	}
	fileFlag(c, &paths)
	return c
}

func (a *app) planCmd() *cobra.Command {
	var paths []string
	var exitWithChanges bool
	var req api.PlanRequest
	c := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "What a document would change",
		Example: `  polso plan -f edge.hcl
  polso plan -f edge.d --exit-code                       # 2 when something would change
  polso plan -f edge.hcl -o wide                         # with what each router would do, in ipvsadm's words
  polso plan -f edge.hcl --drain 0                       # removed servers go at once`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := a.read(paths)
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			req.Files = files
			p, err := cl.Plan(cmd.Context(), req)
			if err != nil {
				return err
			}
			err = a.print(p, func(w io.Writer) error {
				if err := a.plan(w, p); err != nil {
					return err
				}
				a.warn(p.Warnings)
				if len(p.Changes) > 0 {
					a.tell("Apply: polso apply -f %s --check-revision %d", strings.Join(paths, " -f "), p.Base)
				}
				return nil
			})
			if err == nil && exitWithChanges && len(p.Changes) > 0 {
				return status(exitChanges)
			}
			return err
		},
	}
	fileFlag(c, &paths)
	drainFlag(c.Flags(), &req.Drain)
	c.Flags().BoolVar(&exitWithChanges, "exit-code", false, "exit 2 when there are changes")
	return c
}

func (a *app) applyCmd() *cobra.Command {
	var paths []string
	var ch change
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make a document the cluster's",
		Example: `  polso apply -f edge.hcl
  polso apply -f edge.hcl --confirm 5m                   # it goes back by itself unless polso confirm follows
  polso apply -f edge.d/ -m "add web/d" --check-revision 42 --yes --wait 30s`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := ch.checked(cmd); err != nil {
				return err
			}
			files, err := a.read(paths)
			if err != nil {
				return err
			}
			ch.req.Files = files
			cl, err := a.client()
			if err != nil {
				return err
			}
			return a.change(cmd.Context(), cl, ch)
		},
	}
	fileFlag(c, &paths)
	ch.flags(c)
	return c
}
