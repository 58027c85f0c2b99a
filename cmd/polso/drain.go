package main

import (
	"github.com/spf13/cobra"

	"polso/api"
)

const drainRouterExamples = `  polso drain router r1 -m "new kernel"
  polso drain router r1 --for 2h
  polso drain router r1 --until 06:00`

const (
	drainExamples = `  polso drain router r1 -m "new kernel"                  # another directs
  polso drain server web/a --for 2h                      # others get its new connections`

	undrainExamples = `  polso undrain router r1
  polso undrain server web/a`
)

func (a *app) drainCmd() *cobra.Command {
	c := &cobra.Command{Use: "drain", Short: "Keep a router from directing, or a server from new connections", Example: drainExamples}
	c.AddCommand(a.drainRouterCmd(), a.drainServerCmd())
	return c
}

func (a *app) drainRouterCmd() *cobra.Command {
	var e ending
	c := &cobra.Command{
		Use:   "router NAME",
		Short: "Keep a router from directing; if it does, another takes over at once",
		Long: `Keep a router from directing, say before work on it. If it directs, the addresses move to another router at once, as soon as one
is fit; until then it goes on, and the status says why. It goes on voting, checking and keeping its table.`,
		Example: drainRouterExamples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seconds, until, err := e.read(cmd)
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.DrainRouter(cmd.Context(), args[0], api.DrainRequest{For: seconds, Until: until, Reason: e.reason})
			return a.done(done, err)
		},
	}
	e.flags(c)
	return c
}

func (a *app) undrainCmd() *cobra.Command {
	c := &cobra.Command{Use: "undrain", Short: "Let a router direct again, or give a server connections again", Example: undrainExamples}
	c.AddCommand(a.enableServerCmd(undrainExamples), &cobra.Command{
		Use:     "router NAME",
		Short:   "Let a router direct again",
		Long:    "Let a router direct again. The addresses stay where they are, unless the document has failback and prefers it.",
		Example: undrainExamples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.UndrainRouter(cmd.Context(), args[0])
			return a.done(done, err)
		},
	})
	return c
}
