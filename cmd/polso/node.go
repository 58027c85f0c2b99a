package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"polso/agent"
	"polso/api"
)

func (a *app) ipvsCmd() *cobra.Command {
	var stats, rate, save, numeric bool
	var on string
	c := &cobra.Command{
		Use:   "ipvs",
		Short: "A router's kernel table, in ipvsadm's layout",
		Example: `  polso ipvs
  polso ipvs --stats --on r2
  polso ipvs --save                                      # fit for ipvsadm -R`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			layout, chosen := "list", 0
			for name, wanted := range map[string]bool{"stats": stats, "rate": rate, "save": save} {
				if wanted {
					layout, chosen = name, chosen+1
				}
			}
			if chosen > 1 {
				return usageError{errors.New("--stats, --rate and --save are one or another")}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			ans, err := cl.IPVS(cmd.Context(), api.IPVSRequest{On: on, Layout: layout})
			if err != nil {
				return err
			}
			return a.print(ans, func(w io.Writer) error {
				_, err := io.WriteString(w, ans.Text)
				return err
			})
		},
	}
	f := c.Flags()
	onFlag(f, &on)
	f.BoolVar(&stats, "stats", false, "totals, as ipvsadm -Ln --stats")
	f.BoolVar(&rate, "rate", false, "rates, as ipvsadm -Ln --rate")
	f.BoolVar(&save, "save", false, "as ipvsadm -Sn, fit for ipvsadm -R")
	f.BoolVarP(&numeric, "numeric", "n", true, "numbers (always; names are never looked up)")
	return c
}

func (a *app) announceCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "announce [VIP...]",
		Short: "Tell the segment again where the addresses live (gratuitous ARP, NA)",
		Example: `  polso announce                                         # every address that this router holds
  polso announce 192.0.2.10`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.Announce(cmd.Context(), api.AnnounceRequest{Addresses: args})
			return a.done(done, err)
		},
	}
}

func (a *app) doctorCmd() *cobra.Command {
	var hints bool
	var on string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "What a router lacks, each with its remedy",
		Example: `  polso doctor
  polso doctor --on r2
  polso doctor --fix-hints=false
  polso doctor -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			found, err := cl.Doctor(cmd.Context(), on)
			if api.CodeOf(err) == api.CodeUnreachable {
				a.tell("No agent answers at %s; looking at the machine alone.", a.addr)
				found, err = agent.Examine(cmd.Context()), nil
			}
			if err != nil {
				return err
			}
			if err := a.print(found, func(w io.Writer) error { return a.findings(w, found, hints) }); err != nil {
				return err
			}
			for _, f := range found.Findings {
				if f.Level == "fail" {
					return status(exitDegraded)
				}
			}
			return nil
		},
	}
	onFlag(c.Flags(), &on)
	c.Flags().BoolVar(&hints, "fix-hints", true, "print the remedy below each finding")
	return c
}

func (a *app) findings(w io.Writer, found api.Findings, hints bool) error {
	width := 0
	for _, f := range found.Findings {
		width = max(width, len(f.Name))
	}
	for _, f := range found.Findings {
		if _, err := fmt.Fprintf(w, "%-4s  %-*s  %s\n", strings.ToUpper(f.Level), width, f.Name, f.Detail); err != nil {
			return err
		}
		if hints && f.Fix != "" && f.Level != "ok" {
			fmt.Fprintf(w, "      %*s  fix: %s\n", width, "", f.Fix)
		}
	}
	return nil
}

func (a *app) releaseCmd() *cobra.Command {
	var all bool
	var dataDir, file string
	c := &cobra.Command{
		Use:   "release",
		Short: "Let go of the addresses that a dead agent left on this router",
		Long: `Removes every address that carries Polso's mark from this router. A running agent does so by itself; this is for a
supervisor, or for you, after an agent died. It refuses while an agent runs. With --all the IPVS table is emptied too, and every
kernel setting that Polso has changed since the boot is as it was found, unless somebody has changed it since.`,
		Example: `  polso release
  polso release --all                                    # the IPVS table and kernel settings too; this cuts connections`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			what := agent.Addresses
			if all {
				what = agent.Everything
			}
			n, err := a.nodeFile(file)
			if err != nil {
				return err
			}
			socket, err := a.socket(cmd, n)
			if err != nil {
				return err
			}
			dataDir = a.setting(cmd, "data-dir", "POLSO_DATA_DIR", dataDir, n.DataDir)
			done, err := agent.Release(cmd.Context(), agent.Remains{DataDir: dataDir, Socket: socket}, what)
			return a.done(api.Done{Schema: api.Schema, Done: done}, err)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "the IPVS table and kernel settings too; this cuts connections")
	c.Flags().StringVar(&dataDir, "data-dir", a.env("POLSO_DATA_DIR", defaultDataDir), "the agent's data directory (env POLSO_DATA_DIR)")
	a.configFlag(c, &file)
	return c
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "What this binary is",
		Example: `  polso version
  polso version -o json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			return a.print(v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "polso %s (commit %s, %s, %s/%s)\n", v.Version, v.Commit, v.Go, runtime.GOOS, runtime.GOARCH)
				return err
			})
		},
	}
}

func buildVersion() api.Version {
	return api.Version{Schema: api.Schema, Version: version, Commit: commit, Go: runtime.Version()}
}
