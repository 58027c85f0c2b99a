package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/agent"
	"polso/api"
	"polso/bundle"
	"polso/figures"
)

// debugDone is what was written.
type debugDone struct {
	Schema string         `json:"schema"`
	File   string         `json:"file"`
	Bytes  int            `json:"bytes"`
	Parts  []bundle.Entry `json:"parts"`
}

func (a *app) debugCmd() *cobra.Command {
	var path, settings string
	var force bool
	c := &cobra.Command{
		Use:   "debug",
		Short: "One archive with what a report of a defect needs",
		Long: `Writes an archive that only you may read: versions, doctor's findings, the state of router and cluster, the document, history, audit, events,
IPVS table, counters, metrics, the agent's log and goroutines, and what the machine tells: kernel, settings, links, addresses, routes. Secrets are taken out: what checks
send and their headers, arguments of programs, paths of webhooks, tokens, keys, hashes of passwords. Its MANIFEST says what each file is, and what could not be
had and why; without an agent there is what the machine tells. Look into it before you hand it on: names and addresses are as they are.`,
		Example: `  polso debug
  polso debug -o r1.tar.gz
  tar tzf r1.tar.gz; polso debug --force -o r1.tar.gz`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := time.Now()
			folder := "polso-debug-" + hostName() + "-" + at.UTC().Format("20060102T150405Z")
			if path == "" {
				path = folder + ".tar.gz"
			}
			if _, err := os.Lstat(path); err == nil && !force {
				return inTheWay(path)
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			defer cl.Close()
			secrets := new(bundle.Secrets)
			text, entries, err := bundle.Collect(cmd.Context(), folder, at, a.debugParts(cmd.Context(), cl, settings, secrets), secrets)
			if err != nil {
				return err
			}
			if err := keep(path, text, force); err != nil {
				return err
			}
			done := debugDone{Schema: api.Schema, File: path, Bytes: len(text), Parts: entries}
			return a.print(done, func(w io.Writer) error { return tellDebug(w, done) })
		},
	}
	f := c.Flags()
	f.StringVarP(&path, "output", "o", "", "the file to write (default polso-debug-HOST-TIME.tar.gz)")
	f.BoolVar(&force, "force", false, "replace a file that is there")
	a.configFlag(c, &settings)
	return c
}

func tellDebug(w io.Writer, done debugDone) error {
	missing := 0
	for _, e := range done.Parts {
		if e.Why != "" {
			missing++
			fmt.Fprintf(w, "MISSING %s  %s\n", e.Name, oneLine(e.Why))
		}
	}
	_, err := fmt.Fprintf(w, "Wrote %s: %s, %d bytes. Look into it before you hand it on.\n", done.File, figures.Count(len(done.Parts)-missing, "file"), done.Bytes)
	return err
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	name, _, _ := strings.Cut(host, ".")
	return name
}

// debugParts are all there are: of the agent, and of this machine if the agent is on it.
func (a *app) debugParts(ctx context.Context, cl *api.Client, settings string, secrets *bundle.Secrets) []bundle.Part {
	parts := []bundle.Part{
		{Name: "version.json", What: "this binary", Get: func(context.Context) ([]byte, error) { return asJSON(buildVersion(), nil) }},
		{Name: "build.txt", What: "what it is built of", Get: func(context.Context) ([]byte, error) {
			i, ok := debug.ReadBuildInfo()
			if !ok {
				return nil, errors.New("the binary does not say")
			}
			return []byte(i.String()), nil
		}},
	}
	parts = append(parts, agentParts(cl, secrets)...)
	parts = append(parts, insideParts(ctx, cl)...)
	if strings.HasPrefix(a.addr, "https:") {
		return append(parts, bundle.Part{Name: "machine", What: "what the machine tells", Get: func(context.Context) ([]byte, error) {
			return nil, errors.New("the agent was asked from elsewhere; polso debug on that router has it")
		}})
	}
	n, err := a.nodeFile(settings)
	parts = append(parts, bundle.Part{Name: "node.json", What: "the settings in node.hcl, without its comments", Get: func(context.Context) ([]byte, error) {
		if err != nil {
			return nil, errors.New("they cannot be used; polso agent says why") // it would quote what stands there
		}
		return asJSON(n, nil)
	}})
	dir := n.DataDir
	if dir == "" {
		dir = a.env("POLSO_DATA_DIR", defaultDataDir)
	}
	return append(parts, bundle.Machine(dir)...)
}

// agentParts are what anybody may ask for.
func agentParts(cl *api.Client, secrets *bundle.Secrets) []bundle.Part {
	return []bundle.Part{
		{Name: "document.json", What: "the running document, without its comments", Get: func(ctx context.Context) ([]byte, error) {
			r, err := cl.BareDocument(ctx)
			if err != nil {
				return nil, err
			}
			return secrets.Document(r.Document)
		}},
		{Name: "agent-version.json", What: "what the agent runs", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Version(ctx)) }},
		{Name: "doctor.json", What: "what the router lacks", Get: func(ctx context.Context) ([]byte, error) {
			found, err := cl.Doctor(ctx, "")
			if api.CodeOf(err) == api.CodeUnreachable {
				found, err = agent.Examine(ctx), nil
			}
			return asJSON(found, err)
		}},
		{Name: "status.json", What: "the cluster, its members and its virtuals as the leader sees them", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Status(ctx)) }},
		{Name: "status-local.json", What: "the router alone", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Local(ctx)) }},
		{Name: "history.json", What: "the last revisions, without their documents", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.History(ctx, 100)) }},
		{Name: "audit.json", What: "the last changes", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Audit(ctx, api.AuditRequest{Count: 1000})) }},
		{Name: "events.json", What: "what has happened in the cluster", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Events(ctx, api.EventsRequest{})) }},
		{Name: "certificates.json", What: "certificates, without keys", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Certificates(ctx)) }},
		{Name: "ipvs.txt", What: "the router's IPVS table, as ipvsadm -Ln", Get: func(ctx context.Context) ([]byte, error) {
			table, err := cl.IPVS(ctx, api.IPVSRequest{Layout: "list"})
			return []byte(table.Text), err
		}},
		{Name: "stats.json", What: "what the kernel has counted", Get: func(ctx context.Context) ([]byte, error) { return asJSON(cl.Stats(ctx, api.StatsRequest{})) }},
		{Name: "metrics.txt", What: "the router's metrics", Get: cl.Metrics},
	}
}

// insideParts are what the agent tells an admin of its process. They are asked for at once.
func insideParts(ctx context.Context, cl *api.Client) []bundle.Part {
	inside, err := cl.Debug(ctx)
	if err != nil {
		return []bundle.Part{{Name: "agent", What: "the agent's log, goroutines and memory", Get: func(context.Context) ([]byte, error) { return nil, err }}}
	}
	var parts []bundle.Part
	for _, p := range inside.Parts {
		kind := bundle.Text
		if strings.HasSuffix(p.Name, ".trace") { // names of functions, and times
			kind = bundle.Binary
		}
		parts = append(parts, bundle.Part{Name: "agent/" + p.Name, What: p.What, Raw: kind, Get: func(context.Context) ([]byte, error) {
			if p.Why != "" {
				return p.Data, errors.New(p.Why)
			}
			return p.Data, nil
		}})
	}
	return parts
}

func asJSON[T any](v T, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(v, "", "  ")
}
