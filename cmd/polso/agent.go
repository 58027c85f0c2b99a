package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"polso/agent"
	"polso/config"
	"polso/metrics"
)

const defaultDataDir = "/var/lib/polso"

func (a *app) agentCmd() *cobra.Command {
	var f agentFlags
	c := &cobra.Command{
		Use:   "agent",
		Short: "Run this router's daemon",
		Long: `Runs in the foreground until it is told to stop. A new agent waits for polso init or polso join; after that it finds
its cluster in the data directory. What no flag and no environment variable says, ` + defaultNodeFile + ` does: name, data_dir,
socket, listen, interface, kernel, api, api_certificate, api_key and flight_recorder.`,
		Example: `  polso agent --name r1 --interface outside=eth0 --interface inside=eth1
  polso agent --config r1.hcl
  polso agent --name w1 --kernel none   # a witness, on a machine without IPVS
  polso agent --dev               # one node in memory, a simulated kernel, no privileges: to try things`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(a, cmd)
			if err != nil {
				return err
			}
			raft, err := metrics.Raft()
			if err != nil {
				return err
			}
			o.Numbers = []prometheus.Collector{raft}
			err = agent.Run(cmd.Context(), o)
			if wrong, ok := errors.AsType[*agent.OptionsError](err); ok {
				return usageError{wrong}
			}
			return err
		},
	}
	f.register(a, c)
	return c
}

// agentFlags are the agent's flags as given.
type agentFlags struct {
	o             agent.Options
	config        string
	interfaces    []string
	kernel        string
	api           []string
	level, format string
}

func (f *agentFlags) register(a *app, c *cobra.Command) {
	flags := c.Flags()
	a.configFlag(c, &f.config)
	flags.StringVar(&f.o.Name, "name", a.env("POLSO_NAME", ""), "this router's name (default: the host's; env POLSO_NAME)")
	flags.StringVar(&f.o.DataDir, "data-dir", a.env("POLSO_DATA_DIR", defaultDataDir), "where the cluster's state is kept (env POLSO_DATA_DIR)")
	flags.StringVar(&f.o.Socket, "socket", "", "unix socket for the command line (default: that of --addr)")
	flags.StringSliceVar(&f.o.Listen, "listen", nil, "ADDRESS:PORT for the other routers (default: every address, port 5390)")
	flags.StringArrayVar(&f.interfaces, "interface", nil, "logical=device, as in outside=eth0; repeat it")
	flags.StringVar(&f.kernel, "kernel", string(agent.RealKernel), "real; simulated: addresses and ARP are real, the IPVS table is not; or none: it can only become a witness")
	flags.StringSliceVar(&f.api, "api", words(a.env("POLSO_API", "")), "ADDRESS:PORT for browsers and the command line from elsewhere (HTTPS), or none (default: every address, port "+agent.WebPort+"; 127.0.0.1 with --dev; none with --kernel none; env POLSO_API)")
	flags.BoolVar(&f.o.Dev, "dev", false, "one node in memory, everything simulated, formed by itself")
	flags.BoolVar(&f.o.FlightRecorder, "flight-recorder", false, "keep what the agent did last, of takeovers that are slow, in the data directory")
	flags.StringVar(&f.level, "log-level", a.env("POLSO_LOG_LEVEL", "info"), "debug, info, warn or error (env POLSO_LOG_LEVEL)")
	flags.StringVar(&f.format, "log-format", a.env("POLSO_LOG_FORMAT", "text"), "text or json (env POLSO_LOG_FORMAT)")
}

// options are the settings of the agent: flags before the environment, that before the file, that before what is usual. An agent
// that only tries things (--dev) takes no file that nobody named.
func (f *agentFlags) options(a *app, c *cobra.Command) (agent.Options, error) {
	o, n := f.o, config.Node{}
	var err error
	if o.Log, err = newLog(a, f.level, f.format); err != nil {
		return o, usageError{err}
	}
	if o.Interfaces, err = interfaceMap(f.interfaces); err != nil {
		return o, usageError{err}
	}
	if f.config != "" || !o.Dev {
		if n, err = a.nodeFile(f.config); err != nil {
			return o, err
		}
	}
	o.Version = buildVersion()
	o.Name = a.setting(c, "name", "POLSO_NAME", o.Name, n.Name)
	o.DataDir = a.setting(c, "data-dir", "POLSO_DATA_DIR", o.DataDir, n.DataDir)
	o.Kernel = agent.Kernel(a.setting(c, "kernel", "", f.kernel, n.Kernel))
	if !c.Flags().Changed("listen") && n.Listen != nil {
		o.Listen = n.Listen
	}
	if !c.Flags().Changed("interface") && n.Interfaces != nil {
		o.Interfaces = n.Interfaces
	}
	if o.API, err = f.web(c, o, n.API); err != nil {
		return o, err
	}
	o.Certificate, o.Key = n.Certificate, n.Key
	if !c.Flags().Changed("flight-recorder") {
		o.FlightRecorder = n.FlightRecorder
	}
	if o.Socket == "" {
		if o.Socket, err = a.socket(c, n); err != nil {
			return o, err
		}
	}
	if o.Name == "" {
		if o.Name, err = os.Hostname(); err != nil {
			return o, fmt.Errorf("name: %w; give one with --name", err)
		}
		o.Name, _, _ = strings.Cut(o.Name, ".")
	}
	return o, nil
}

// web is where to listen for browsers: as the flag or the environment says, then the file, then as is usual for such an agent.
func (f *agentFlags) web(c *cobra.Command, o agent.Options, file []string) ([]string, error) {
	list := f.api
	switch {
	case len(list) > 0 || c.Flags().Changed("api"):
	case file != nil:
		list = file
	case o.Dev:
		list = []string{"127.0.0.1"}
	case o.Kernel != agent.NoKernel: // a witness has nothing to show
		list = []string{""}
	}
	switch {
	case len(list) == 0 || len(list) == 1 && list[0] == "none":
		return nil, nil
	case slices.Contains(list, "none"):
		return nil, usageError{fmt.Errorf("api: none stands alone, and there is %s", strings.Join(list, ", "))}
	}
	return list, nil
}

// words are the parts of a list in the environment.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func newLog(a *app, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level %q: want debug, info, warn or error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	handler := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, o) }
	switch format {
	case "text":
	case "json":
		handler = func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, o) }
	default:
		return nil, fmt.Errorf("log-format %q: want text or json", format)
	}
	if toJournal(a.stderr, a.getenv("JOURNAL_STREAM")) {
		lines := newPriorities(a.stderr, handler)
		if format == "text" {
			return slog.New(newNative(a.journal, lines)), nil
		}
		return slog.New(lines), nil
	}
	return slog.New(handler(a.stderr)), nil
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
