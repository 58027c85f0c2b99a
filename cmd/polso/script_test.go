package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"polso": main}) }

// The scripts in testdata/script are sessions at the command line. `agent NAME` is given a running --dev agent's address in
// POLSO_ADDR; see agentUp.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(e *testscript.Env) error { e.Setenv("LC_ALL", "C"); return nil },
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"up": up, "exits": exits},
	})
}

// up SOCKET waits until the agent there is ready: in a cluster that has a leader, its kernel following the document.
func up(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: up SOCKET")
	}
	path := ts.MkAbs(args[0])
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if resp, err := client.Get("http://polso/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond) // another process: there is nothing to wait on
	}
	ts.Fatalf("the agent at %s is not ready", path)
}

// exits CODE COMMAND... runs a command and wants exactly that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", strings.Join(args[1:], " "), err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// Every command has help with an example or takes nothing that needs one, and every document in docs parses.
func TestExampleDocumentsParse(t *testing.T) {
	examples, err := filepath.Glob("../../docs/examples/*.hcl")
	if err != nil || len(examples) == 0 {
		t.Fatalf("docs/examples holds no document (%v)", err)
	}
	for _, path := range examples {
		var out, errs strings.Builder
		app := newApp(strings.NewReader(""), &out, &errs, os.Getenv)
		root := app.root()
		root.SetArgs([]string{"validate", "-f", path})
		if code := app.exit(root.ExecuteContext(t.Context())); code != exitOK {
			t.Errorf("%s: exit %d\n%s", path, code, errs.String())
		}
	}
}
