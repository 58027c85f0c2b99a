package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"polso/agent"
)

const defaultDataDir = "/var/lib/polso"

func (a *app) agentCmd() *cobra.Command {
	var o agent.Options
	var interfaces []string
	var kernel, level, format string
	c := &cobra.Command{
		Use:   "agent",
		Short: "Run this router's daemon",
		Long: `Runs in the foreground until it is told to stop. A new agent waits for polso init or polso join; after that it finds
its cluster in the data directory.`,
		Example: `  polso agent --name r1 --interface outside=eth0 --interface inside=eth1
  polso agent --dev               # one node in memory, a simulated kernel, no privileges: to try things`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLog(a, level, format)
			if err != nil {
				return usageError{err}
			}
			o.Log, o.Kernel, o.Version = log, agent.Kernel(kernel), buildVersion()
			if o.Interfaces, err = interfaceMap(interfaces); err != nil {
				return usageError{err}
			}
			if o.Socket == "" {
				if o.Socket, err = a.socket(); err != nil {
					return err
				}
			}
			if o.Name == "" {
				if o.Name, err = os.Hostname(); err != nil {
					return fmt.Errorf("name: %w; give one with --name", err)
				}
				o.Name, _, _ = strings.Cut(o.Name, ".")
			}
			err = agent.Run(cmd.Context(), o)
			if wrong, ok := errors.AsType[*agent.OptionsError](err); ok {
				return usageError{wrong}
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&o.Name, "name", a.env("POLSO_NAME", ""), "this router's name (default: the host's; env POLSO_NAME)")
	f.StringVar(&o.DataDir, "data-dir", a.env("POLSO_DATA_DIR", defaultDataDir), "where the cluster's state is kept (env POLSO_DATA_DIR)")
	f.StringVar(&o.Socket, "socket", "", "unix socket for the command line (default: that of --addr)")
	f.StringSliceVar(&o.Listen, "listen", nil, "ADDRESS:PORT for the other routers (default: every address, port 5390)")
	f.StringArrayVar(&interfaces, "interface", nil, "logical=device, as in outside=eth0; repeat it")
	f.StringVar(&kernel, "kernel", string(agent.RealKernel), "real, or simulated: addresses and ARP are real, the IPVS table is not")
	f.BoolVar(&o.Dev, "dev", false, "one node in memory, everything simulated, formed by itself")
	f.StringVar(&level, "log-level", a.env("POLSO_LOG_LEVEL", "info"), "debug, info, warn or error (env POLSO_LOG_LEVEL)")
	f.StringVar(&format, "log-format", a.env("POLSO_LOG_FORMAT", "text"), "text or json (env POLSO_LOG_FORMAT)")
	return c
}

func newLog(a *app, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level %q: want debug, info, warn or error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(a.stderr, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.stderr, o)), nil
	}
	return nil, fmt.Errorf("log-format %q: want text or json", format)
}

func interfaceMap(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, s := range list {
		logical, device, ok := strings.Cut(s, "=")
		if !ok || logical == "" || device == "" {
			return nil, fmt.Errorf("interface %q: want LOGICAL=DEVICE, as in outside=eth0", s)
		}
		if other, twice := m[logical]; twice {
			return nil, fmt.Errorf("interface %q is given twice: %s and %s", logical, other, device)
		}
		m[logical] = device
	}
	return m, nil
}
