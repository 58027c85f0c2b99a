package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
)

func (a *app) certCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "cert",
		Short: "Certificates between the routers: show or renew them",
		Example: `  polso cert show
  polso cert rotate --all
  polso cert rotate --ca --yes`,
	}
	c.AddCommand(a.certShowCmd(), a.certRotateCmd())
	return c
}

func (a *app) certShowCmd() *cobra.Command {
	var ca bool
	c := &cobra.Command{
		Use:   "show",
		Short: "This router's certificates and the cluster's CA",
		Long: `This router's certificate, by which the others know it, and the CA that it is of. They have no end, and members look at no date. The pin
of the CA is what join tokens carry. HTTPS is what browsers, and the command line from elsewhere, are shown: compare the fingerprint with what the
browser says. --ca prints the CA of that, the same on every router, to be trusted by a browser or by polso --cacert.`,
		Example: "  polso cert show\n  polso cert show -o json\n  polso cert show --ca > polso-ca.pem",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			c, err := cl.Certificates(cmd.Context())
			if err != nil {
				return err
			}
			if ca {
				return a.printCA(c)
			}
			return a.print(c, func(w io.Writer) error {
				certificate(w, "ROUTER "+c.Node, c.Certificate)
				held := "; its key is here"
				if !c.CAKey {
					held = ""
				}
				certificate(w, "CA"+held, c.CA)
				if c.OtherCA != nil {
					certificate(w, "CA that is trusted as well", *c.OtherCA)
				}
				if c.Web != nil {
					webCertificate(w, *c.Web)
				}
				if c.Change != nil {
					fmt.Fprintln(w, changingCA(*c.Change))
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&ca, "ca", false, "print the CA that browsers can be told to trust, PEM")
	return c
}

// printCA prints the CA for browsers.
func (a *app) printCA(c api.Certificates) error {
	switch {
	case c.Web == nil:
		return api.Errorf(api.CodeRefused, "this node is a witness, and has no CA for browsers").WithHint("polso cert show --ca on a router")
	case c.Web.Source == "operator":
		a.warn([]string{"this router shows browsers a certificate of yours, issued by " + c.Web.Issuer + ", not by this CA"})
	}
	_, err := io.WriteString(a.stdout, c.Web.CA)
	return err
}

func webCertificate(w io.Writer, c api.WebCertificate) {
	at := "HTTPS, which is switched off"
	if len(c.Listen) > 0 {
		at = "HTTPS at " + strings.Join(c.Listen, ", ")
	}
	by := "issued by the CA that polso cert show --ca prints"
	if c.Source == "operator" {
		by = "yours, issued by " + c.Issuer
	}
	fmt.Fprintf(w, "%s\n  for          %s\n  valid        from %s, until %s; %s\n  serial       %s\n  fingerprint  %s\n",
		at, strings.Join(c.Names, ", "), c.NotBefore.Local().Format(time.DateOnly), c.NotAfter.Local().Format(time.DateTime), by, c.Serial, c.Fingerprint)
	if c.Trouble != "" {
		fmt.Fprintf(w, "  trouble      %s\n", c.Trouble)
	}
}

func certificate(w io.Writer, title string, c api.Certificate) {
	end := "no end"
	if c.NotAfter != nil {
		end = "until " + c.NotAfter.Local().Format(time.DateTime)
	}
	fmt.Fprintf(w, "%s\n  for          %s\n  valid        from %s, %s\n  serial       %s\n  fingerprint  %s\n  pin          %s\n",
		title, c.Identity, c.NotBefore.Local().Format(time.DateOnly), end, c.Serial, c.Fingerprint, c.Pin)
}

// changingCA says how far a change of the CA has come.
func changingCA(c api.CAChange) string {
	step := "every router begins to trust the new one"
	if c.Step == "issue" {
		step = "every router gets a certificate of the new one"
	}
	if len(c.Waiting) > 0 {
		step += ", waiting for " + strings.Join(c.Waiting, ", ")
	}
	return "CA       changes: " + step
}

func (a *app) certRotateCmd() *cobra.Command {
	var yes bool
	var req api.RotateRequest
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Give this router, or all, a new certificate, or the cluster a new CA",
		Long: `Give this router a new key and certificate, or every one with --all, under traffic: connections are made anew, those with one router
after the other. Without --ca the old certificate is not revoked: who has a copy of it and its key can use it. --ca takes
a new CA: every router begins to trust it, then each gets a certificate of it, then the old one is dropped, each step once every router has
said that it has done the one before. One that does not answer holds it up. Join tokens that were made before end with the old CA.`,
		Example: `  polso cert rotate
  polso cert rotate --all
  polso cert rotate --ca --yes        # then polso cert show, until it has come to its end`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.CA && req.All {
				return usageError{fmt.Errorf("--ca gives every router a new certificate; --all is not needed")}
			}
			if req.CA {
				if err := a.confirm(yes, "Take a new CA? Join tokens that were made before end with it."); err != nil {
					return err
				}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.RotateCertificates(cmd.Context(), req)
			return a.done(done, err)
		},
	}
	c.Flags().BoolVar(&req.All, "all", false, "every router's, one after the other")
	c.Flags().BoolVar(&req.CA, "ca", false, "a new CA, and with it new certificates for all")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
