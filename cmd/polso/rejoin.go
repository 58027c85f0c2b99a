package main

import (
	"github.com/spf13/cobra"

	"polso/api"
)

func (a *app) rejoinCmd() *cobra.Command {
	var req api.RejoinRequest
	var token func() (string, error)
	var yes bool
	c := &cobra.Command{
		Use:   "rejoin ADDRESS... --token TOKEN",
		Short: "Join again under the old name, when this router's data is of no use any more",
		Long: `For a router whose data is damaged or gone (polso status says so), that was removed, or that a recovered cluster goes on
without. It joins as a new member and takes its old name; a member that still bears it is removed, unless it lives. What is in
the data directory is put aside, into a folder of it named after the time: nothing is deleted. A refusal changes nothing.`,
		Example: `  polso rejoin 10.9.0.11 --token POLSO-1-...
  polso token create | ssh r2 polso rejoin 10.9.0.11 --token - --yes
  polso rejoin 10.9.0.11 --token-file t --advertise 10.9.0.12 --name r2   # when not even these can be read`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Addresses = args
			var err error
			if req.Token, err = token(); err != nil {
				return err
			}
			if err := a.confirm(yes, "Put this router's data aside and join again as a new member?"); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			ans, err := cl.Rejoin(cmd.Context(), req)
			if err != nil {
				return err
			}
			if ans.Aside != "" {
				a.tell("What this router had is in %s.", ans.Aside)
			}
			return a.joined(ans, "is again a member of")
		},
	}
	token = a.joinToken(c)
	f := c.Flags()
	f.StringSliceVar(&req.Advertise, "advertise", nil, "address other routers reach this one at (default: as before); repeat it for more paths")
	f.StringVar(&req.Name, "name", "", "the name to take (default: as before)")
	f.BoolVar(&yes, "yes", false, "do not ask")
	return c
}
