package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"

	"polso/agent"
	"polso/api"
)

const nodeHCL = `name      = "filed"
data_dir  = "/srv/polso"
socket    = "/run/filed.sock"
listen    = ["10.9.0.11:5391"]
interface = { outside = "eth0", inside = "eth1" }
kernel    = "simulated"
api       = ["10.9.0.11"]

api_certificate = "/etc/polso/web.pem"
api_key         = "/etc/polso/web.key"
flight_recorder = true
`

// settings are the agent's options out of a command line and an environment, with a file where it is looked for.
func settings(t *testing.T, file string, env map[string]string, args ...string) (agent.Options, error) {
	t.Helper()
	var out bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &out, func(name string) string { return env[name] })
	a.settings = file
	var f agentFlags
	c := &cobra.Command{}
	c.Flags().StringVar(&a.addr, "addr", a.env("POLSO_ADDR", "unix://"+defaultSocket), "")
	f.register(a, c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return f.options(a, c)
}

// A flag wins over the environment, that over the file, and that over what is usual.
func TestPrecedenceOfSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.hcl")
	if err := os.WriteFile(file, []byte(nodeHCL), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none.hcl")
	filed := agent.Options{
		Name: "filed", DataDir: "/srv/polso", Socket: "/run/filed.sock", Listen: []string{"10.9.0.11:5391"},
		Interfaces: map[string]string{"outside": "eth0", "inside": "eth1"}, Kernel: agent.SimulatedKernel,
		API: []string{"10.9.0.11"}, Certificate: "/etc/polso/web.pem", Key: "/etc/polso/web.key", FlightRecorder: true,
	}
	usual := agent.Options{DataDir: defaultDataDir, Socket: defaultSocket, Interfaces: map[string]string{}, Kernel: agent.RealKernel, API: []string{""}}
	env := map[string]string{"POLSO_NAME": "env", "POLSO_DATA_DIR": "/env", "POLSO_ADDR": "unix:///env.sock", "POLSO_API": "none"}
	usual.Name, _ = os.Hostname()
	usual.Name, _, _ = strings.Cut(usual.Name, ".")
	with := func(o agent.Options, change func(*agent.Options)) agent.Options { change(&o); return o }
	for _, test := range []struct {
		name, file string
		env        map[string]string
		args       []string
		want       agent.Options
	}{
		{"no file", none, nil, nil, usual},
		{"the usual file", file, nil, nil, filed},
		{"a named file", none, nil, []string{"--config", file}, filed},
		{"environment over file", file, env, nil, with(filed, func(o *agent.Options) { o.Name, o.DataDir, o.Socket, o.API = "env", "/env", "/env.sock", nil })},
		{"flags over both", file, env,
			[]string{"--name", "flag", "--data-dir", "/flag", "--addr", "unix:///flag.sock", "--listen", "10.0.0.1", "--interface", "lan=eth2", "--kernel", "real", "--api", "10.0.0.1,:443", "--flight-recorder=false"},
			agent.Options{Name: "flag", DataDir: "/flag", Socket: "/flag.sock", Listen: []string{"10.0.0.1"}, Interfaces: map[string]string{"lan": "eth2"}, Kernel: agent.RealKernel,
				API: []string{"10.0.0.1", ":443"}, Certificate: "/etc/polso/web.pem", Key: "/etc/polso/web.key"}},
		{"--socket over all", file, env, []string{"--socket", "here.sock", "--addr", "foo"}, with(filed, func(o *agent.Options) { o.Name, o.DataDir, o.Socket, o.API = "env", "/env", "here.sock", nil })},
		{"--dev takes no file that nobody named", file, nil, []string{"--dev"}, with(usual, func(o *agent.Options) { o.Dev, o.API = true, []string{"127.0.0.1"} })},
		{"a witness has nothing to show", none, nil, []string{"--kernel", "none"}, with(usual, func(o *agent.Options) { o.Kernel, o.API = agent.NoKernel, nil })},
		{"unless it is told to", none, nil, []string{"--kernel", "none", "--api", ":1"}, with(usual, func(o *agent.Options) { o.Kernel, o.API = agent.NoKernel, []string{":1"} })},
		{"--api none over the file", file, nil, []string{"--api", "none"}, with(filed, func(o *agent.Options) { o.API = nil })},
		{"--dev with a file", none, nil, []string{"--dev", "--config", file}, with(filed, func(o *agent.Options) { o.Dev = true })},
	} {
		got, err := settings(t, test.file, test.env, test.args...)
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(agent.Options{}), cmpopts.IgnoreTypes(api.Version{}, &slog.Logger{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}
