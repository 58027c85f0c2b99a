package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
)

// recoverWarning is what an operator must know before.
const recoverWarning = `This router becomes the only member of its cluster, which goes on as a new generation. It keeps the document, its history
and its name. The other members are given up: they come back only with polso rejoin, and tokens of before admit nobody.
They must be OFF, or their agents stopped, and stay so until they rejoin: were two of them to reach each other elsewhere, they
could direct as well, and two routers would answer for the same addresses. What only they had is lost; a change that was
under way may come true.`

func (a *app) recoverCmd() *cobra.Command {
	var req api.RecoverRequest
	var yes bool
	c := &cobra.Command{
		Use:   "recover",
		Short: "Go on alone when a majority is lost for ever",
		Long: `The last survivor's way out, when so many voters are lost for ever that there can be no leader again. As long as one of them
may come back, wait, or mend that one.

` + recoverWarning + `

It is refused while there is a leader or any other member answers, and takes three seconds, the longest that a router which
has just been cut off may hold an address.`,
		Example: `  polso recover                                          # asks for the cluster's name
  polso recover --cluster edge --yes`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			if err := a.sure(&req, yes); err != nil {
				return err
			}
			done, err := cl.Recover(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.print(done, func(w io.Writer) error {
				a.tell("Cluster %s goes on with %s alone: generation %d, revision %d.", done.Cluster, done.Node, done.Generation, done.Revision)
				if len(done.GivenUp) == 0 {
					return nil
				}
				a.tell("Given up: %s. On each that is to come back (the token admits routers until %s):", strings.Join(done.GivenUp, ", "), done.Expires.Local().Format("15:04"))
				_, err := fmt.Fprintf(w, "polso rejoin %s --token %s\n", strings.Join(done.Addresses, " "), done.Token)
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&req.Cluster, "cluster", "", "the cluster's name, instead of typing it")
	f.BoolVar(&yes, "yes", false, "do not ask; needs --cluster")
	return c
}

// sure has the operator name the cluster. Without a terminal the name and a yes must have been given.
func (a *app) sure(req *api.RecoverRequest, yes bool) error {
	if yes && req.Cluster != "" {
		return nil
	}
	f, ok := a.terminal()
	if !ok {
		return api.Errorf(api.CodeRefused, "recovering needs the cluster's name and a yes").WithHint("without a terminal, say --cluster NAME --yes")
	}
	fmt.Fprintln(a.stderr, recoverWarning)
	if req.Cluster != "" {
		return a.confirm(yes, "Recover cluster "+req.Cluster+"?")
	}
	fmt.Fprint(a.stderr, "Type the cluster's name to go on: ")
	name, err := bufio.NewReader(f).ReadString('\n')
	if req.Cluster = strings.TrimSpace(name); err != nil || req.Cluster == "" {
		return api.Errorf(api.CodeRefused, "nothing was changed")
	}
	return nil
}
