package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"
)

// diffCmd compares revisions; without one it is plan under another name.
func (a *app) diffCmd() *cobra.Command {
	c := a.planCmd()
	planned, needFile := c.RunE, c.PreRunE
	c.Use, c.Short = "diff REVISION [REVISION] | -f FILE", "What tells two revisions apart, or a document from the running one"
	c.Example = `  polso diff 41                   # the way from it to the running one
  polso diff 41 43 --exit-code    # 2 when they differ
  polso diff -f edge.hcl          # as polso plan`
	c.Args = cobra.MaximumNArgs(2)
	c.PreRunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 && !cmd.Flags().Changed("file") {
			return nil
		}
		if err := noArgs(cmd, args); err != nil { // and a file
			return usageError{err}
		}
		return needFile(cmd, args)
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return planned(cmd, args)
		}
		return a.compare(cmd, args)
	}
	return c
}

// compare prints the way from one revision to another, or to the running one.
func (a *app) compare(cmd *cobra.Command, args []string) error {
	var numbers [2]uint64
	for i, arg := range args {
		n, err := revisionNumber(arg)
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	cl, err := a.client()
	if err != nil {
		return err
	}
	d, err := cl.Compare(cmd.Context(), numbers[0], numbers[1])
	if err != nil {
		return err
	}
	err = a.print(d, func(w io.Writer) error { _, err := io.WriteString(w, d.Text); return err })
	if asked, _ := strconv.ParseBool(cmd.Flag("exit-code").Value.String()); err == nil && asked && len(d.Changes) > 0 {
		return status(exitChanges)
	}
	return err
}
