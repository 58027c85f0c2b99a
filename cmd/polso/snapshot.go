package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

func (a *app) snapshotCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Document, history and audit in one file: save, inspect, restore",
		Example: `  polso snapshot save edge.snap
  polso snapshot inspect edge.snap
  polso snapshot restore edge.snap`,
	}
	c.AddCommand(a.snapshotSaveCmd(), a.snapshotInspectCmd(), a.snapshotRestoreCmd())
	return c
}

func (a *app) snapshotSaveCmd() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "save FILE",
		Short: "Write document, history and audit to a file",
		Long: `Writes the running document, its history and the audit to a file that only you may read. It never has members, keys or tokens:
it can begin another cluster, and join none. Any router will do; what it does not know yet, the file does not have.`,
		Example: `  polso snapshot save edge.snap
  polso snapshot save --force /var/backups/edge.snap
  polso snapshot save -                                  # to standard output`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			path := args[0]
			if path != "-" && !force {
				if _, err := os.Lstat(path); err == nil {
					return inTheWay(path)
				}
			}
			text, err := cl.Snapshot(cmd.Context())
			if err != nil {
				return err
			}
			s, err := api.InspectSnapshot("what the agent sent", text) // a file that cannot be restored is worse than none
			if err != nil {
				return err
			}
			done := api.SnapshotSaved{Schema: api.Schema, File: path, Bytes: len(text), Cluster: s.Cluster, Revision: s.Revision, At: s.At}
			said := fmt.Sprintf("Saved revision %d of cluster %s: %s, %s, %d bytes.", s.Revision, s.Cluster,
				figures.Count(len(s.Revisions), "document"), figures.Count(len(s.Audit), "line")+" of audit", len(text))
			if path == "-" {
				a.tell("%s", said)
				_, err := a.stdout.Write(text)
				return err
			}
			if err := keep(path, text, force); err != nil {
				return err
			}
			return a.print(done, func(w io.Writer) error { _, err := fmt.Fprintln(w, said); return err })
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return c
}

func inTheWay(path string) error {
	return api.Errorf(api.CodeExists, "%s is there already; nothing was written", path).WithHint("choose another name, or replace it with --force")
}

// keep writes text to a file that only its owner may read, and returns once it is on the disk. What was there is replaced as a
// whole, and only if that is wanted.
func keep(path string, text []byte, replace bool) (err error) {
	name := path
	if replace {
		name = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return inTheWay(name)
	case errors.Is(err, fs.ErrPermission):
		return api.Errorf(api.CodeDenied, "not permitted to write %s", path)
	case err != nil:
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && replace {
		err = os.Rename(name, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// snapshotFile reads a snapshot, from standard input if it is called -.
func (a *app) snapshotFile(path string) ([]byte, api.Snapshot, error) {
	name, in := path, a.stdin
	if path == "-" {
		name = "standard input"
	} else {
		f, err := os.Open(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, api.Snapshot{}, usageError{fmt.Errorf("there is no file %s", path)}
		case errors.Is(err, fs.ErrPermission):
			return nil, api.Snapshot{}, api.Errorf(api.CodeDenied, "not permitted to read %s", path)
		case err != nil:
			return nil, api.Snapshot{}, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, api.MaxSnapshot)) // one that is longer ends too early
	if err != nil {
		return nil, api.Snapshot{}, fmt.Errorf("%s: %w", name, err)
	}
	s, err := api.InspectSnapshot(name, text)
	return text, s, err
}

func (a *app) snapshotInspectCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:   "inspect FILE",
		Short: "What a snapshot holds; needs no agent",
		Example: `  polso snapshot inspect edge.snap
  polso snapshot inspect -o json edge.snap               # the audit too
  polso snapshot save - | polso snapshot inspect -`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, s, err := a.snapshotFile(args[0])
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) error {
				fmt.Fprintf(w, "SNAPSHOT of cluster %s   revision %d   saved %s   %s of audit\n",
					s.Cluster, s.Revision, s.At.Local().Format(time.DateTime), figures.Count(len(s.Audit), "line"))
				return a.revisions(w, s.Revisions)
			})
		},
	})
}

func (a *app) snapshotRestoreCmd() *cobra.Command {
	var req api.RestoreRequest
	var yes bool
	var wait time.Duration
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Run the document of a snapshot, as a new revision",
		Long: `Makes the document of a snapshot the cluster's, as a new revision. Members, tokens, keys, and what is drained stay as they are.
Into the cluster it is of, or a new one, the snapshot's older revisions come along under their own numbers.`,
		Example: `  polso snapshot restore edge.snap
  polso snapshot restore edge.snap --dry-run
  polso snapshot restore edge.snap --yes --check-revision 1 --wait 30s`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if req.Base == 0 && cmd.Flags().Changed("check-revision") { // a script's empty variable must not mean "no check"
				return usageError{errors.New("--check-revision 0 is no revision: they begin at 1")}
			}
			text, s, err := a.snapshotFile(args[0])
			if err != nil {
				return err
			}
			req.Text = text
			cl, err := a.client()
			if err != nil {
				return err
			}
			return a.restore(cmd.Context(), cl, req, s, yes, wait)
		},
	}
	f := c.Flags()
	f.StringVarP(&req.Message, "message", "m", "", "why, for the history (default: what it was restored from)")
	f.Uint64Var(&req.Base, "check-revision", 0, "refuse unless this revision is running")
	f.BoolVar(&req.DryRun, "dry-run", false, "only show what it would change")
	f.BoolVar(&yes, "yes", false, "do not ask")
	f.DurationVar(&wait, "wait", 0, "wait until every reachable router's kernel follows it")
	return c
}

// restore shows what a snapshot would change, asks, and does it.
func (a *app) restore(ctx context.Context, cl *api.Client, req api.RestoreRequest, s api.Snapshot, yes bool, wait time.Duration) error {
	if req.DryRun || !yes {
		asked := req
		asked.DryRun = true
		shown, err := cl.Restore(ctx, asked)
		if err != nil {
			return err
		}
		a.tell("Snapshot of cluster %s, revision %d, saved %s.", s.Cluster, s.Revision, s.At.Local().Format(time.DateTime))
		if n := shown.Snapshot.Brought; n > 0 {
			a.tell("It brings %s into the history.", figures.Count(n, "older revision"))
		}
		a.warn(shown.Plan.Warnings)
		if req.DryRun {
			return a.print(shown.Plan, func(w io.Writer) error { _, err := io.WriteString(w, shown.Plan.Text); return err })
		}
		fmt.Fprint(a.stderr, shown.Plan.Text)
		if err := a.confirm(yes, "Restore?"); err != nil {
			return err
		}
		req.Base = shown.Plan.Base // what was shown is what is done
	}
	done, err := cl.Restore(ctx, req)
	if err != nil {
		return err
	}
	if yes {
		a.warn(done.Plan.Warnings)
	}
	return a.applied(ctx, cl, done, wait)
}
