package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

func (a *app) fmtCmd() *cobra.Command {
	var write, check bool
	c := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Lay a document out as everybody's is; comments stay",
		Long:  "Print files in the one layout, with their comments. A folder stands for its *.hcl and *.json, - for standard input.",
		Example: `  polso fmt edge.hcl
  polso fmt -w edge.d
  polso fmt --check edge.d                              # lists the files that differ; exit 1
  cat edge.hcl | polso fmt -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if write && check {
				return usageError{errors.New("--write and --check contradict each other")}
			}
			files, err := a.read(args)
			if err != nil {
				return err
			}
			differ := false
			for _, f := range files {
				text, err := config.Layout(config.File{Name: f.Name, Text: []byte(f.Text)})
				if err != nil {
					return api.DocumentError(err)
				}
				same := string(text) == f.Text
				differ = differ || !same
				switch {
				case check && !same:
					fmt.Fprintln(a.stdout, f.Name)
				case write && f.Name == stdinName:
					return usageError{errors.New("standard input cannot be written back; leave --write out")}
				case write && !same:
					if err := rewriteFile(f.Name, text); err != nil {
						return err
					}
					fmt.Fprintln(a.stdout, f.Name)
				case !write && !check:
					if _, err := a.stdout.Write(text); err != nil {
						return err
					}
				}
			}
			if check && differ {
				return status(exitFailure)
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVarP(&write, "write", "w", false, "write the files that differ back, and name them")
	f.BoolVar(&check, "check", false, "only name the files that differ; exit 1 if one does")
	return c
}

// rewriteFile replaces a file as a whole; it keeps its mode.
func rewriteFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	at, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := keep(path, text, true); err != nil {
		return err
	}
	return os.Chmod(path, at.Mode()&fs.ModePerm)
}
