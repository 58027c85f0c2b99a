package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

const assignments = `
An attribute is written as in the document, one in a block with the block before it: scheduler=mh, persistent.timeout=10m,
check.http.path=/healthz, sorry_server.spare.address=10.0.0.9, flags=fallback,port. ATTRIBUTE= without a value takes it out, BLOCK= a
block. "polso explain %s" lists what there is. The running text is changed in place, with its comments; the plan is shown, and the
revision lands in the history.`

// assigned is the help of a command whose arguments set attributes of what stands at that path.
func assigned(does, path string) string { return does + ".\n" + fmt.Sprintf(assignments, path) }

func (a *app) addCmd() *cobra.Command {
	c := &cobra.Command{Use: "add", Short: "Add a virtual, a server, a vip, a notify block or a router_check to the running document", Long: assigned("Add one part to the running document", "virtual"), Example: addExamples}
	c.AddCommand(a.partCmds(config.Add)...)
	return c
}

func (a *app) setCmd() *cobra.Command {
	c := &cobra.Command{Use: "set", Short: "Change attributes of the running document", Long: assigned("Change attributes of one part of the running document", "virtual"), Example: setExamples}
	c.AddCommand(a.partCmds(config.Set)...)
	return c
}

// partAliases are other words for a kind of part, as they are elsewhere.
var partAliases = map[config.Kind][]string{config.KindVirtual: {"vs"}, config.KindServer: {"rs"}, config.KindRouterCheck: {"router-check"}}

// about is what the commands do to a part.
var about = map[config.Verb]string{
	config.Add: "Add %s to the running document",
	config.Set: "Change attributes of %s of the running document",
	config.Del: "Remove %s from the running document",
}

// aPart is a kind of part in a sentence.
var aPart = map[config.Kind]string{
	config.KindCluster: "the cluster block", config.KindVirtual: "a virtual", config.KindServer: "a server", config.KindVIP: "a vip",
	config.KindNotify: "a notify block", config.KindRouterCheck: "a router_check",
}

// partCmds are what a verb can be done to: the cluster is always there.
func (a *app) partCmds(verb config.Verb) []*cobra.Command {
	kinds := []config.Kind{config.KindVirtual, config.KindServer, config.KindVIP, config.KindNotify, config.KindRouterCheck}
	if verb == config.Set {
		kinds = append(kinds, config.KindCluster)
	}
	cmds := make([]*cobra.Command, len(kinds))
	for i, kind := range kinds {
		cmds[i] = a.partCmd(verb, kind)
	}
	return cmds
}

// partCmd edits one part of the running document.
func (a *app) partCmd(verb config.Verb, kind config.Kind) *cobra.Command {
	var ch change
	use, least, path := string(kind)+" NAME", 1, string(kind)
	switch kind {
	case config.KindCluster:
		use, least = "cluster", 0
	case config.KindServer:
		use, path = "server VIRTUAL/NAME", "virtual.server"
	}
	does := fmt.Sprintf(about[verb], aPart[kind])
	args := cobra.ExactArgs(least)
	switch verb {
	case config.Add:
		use += " [ATTRIBUTE=VALUE...]"
		args = cobra.MinimumNArgs(least)
	case config.Set:
		use += " ATTRIBUTE=VALUE..."
		args = cobra.MinimumNArgs(least + 1)
	}
	long := does + "."
	if verb != config.Del {
		long = assigned(does, path)
	}
	c := &cobra.Command{
		Use:     use,
		Aliases: partAliases[kind],
		Short:   does,
		Long:    long,
		Example: partExamples[verb][kind],
		Args:    args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := ch.checked(cmd); err != nil {
				return err
			}
			edit := config.Edit{Verb: verb, Kind: kind, Values: args[least:]}
			if least == 1 {
				edit.Name = args[0]
			}
			return a.edited(cmd.Context(), ch, edit)
		},
	}
	ch.flags(c)
	return c
}

// edited makes one edit of the running document. The agent makes it: it knows the text.
func (a *app) edited(ctx context.Context, ch change, edit config.Edit) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	req := api.EditRequest{
		Verb: edit.Verb, Kind: edit.Kind, Name: edit.Name, Values: edit.Values,
		Message: ch.req.Message, Drain: ch.req.Drain, Adopt: ch.req.Adopt, ConfirmSeconds: ch.req.ConfirmSeconds,
	}
	err = a.changed(ctx, cl, ch, func(base uint64) (api.Applied, error) {
		req.Base, req.DryRun = base, false
		return cl.Edit(ctx, req)
	}, func() (api.Plan, error) {
		req.DryRun = true
		done, err := cl.Edit(ctx, req)
		return done.Plan, err
	})
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code == api.CodeEdit {
		return usageError{err}
	}
	return err
}

// runningDocument asks the agent for the running document, and returns the client for the change.
func (a *app) runningDocument(ctx context.Context) (*api.Client, api.Revision, config.Document, error) {
	cl, err := a.client()
	if err != nil {
		return nil, api.Revision{}, config.Document{}, err
	}
	r, err := cl.BareDocument(ctx)
	if err != nil {
		return nil, api.Revision{}, config.Document{}, err
	}
	doc, err := documentOf(r)
	return cl, r, doc, err
}

// documentOf is the document of a revision that was asked for alone.
func documentOf(r api.Revision) (config.Document, error) {
	doc, err := config.FromCanonical(r.Document)
	if err != nil {
		return config.Document{}, fmt.Errorf("revision %d: %w", r.Number, err)
	}
	return doc, nil
}

// start makes text what ch brings in, based on the revision that the edit began at.
func (ch *change) start(revision uint64, text []byte) {
	ch.req.Files = []api.File{{Name: fmt.Sprintf("<revision %d, edited>", revision), Text: string(text)}}
	if ch.req.Base == 0 {
		ch.req.Base = revision
	}
}
