package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"polso": main}) }

var update = flag.Bool("update", false, "write what the scripts compare with anew")

// The scripts in testdata/script are sessions at the command line, with agents of their own in the background.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LC_ALL", "C")
			e.Setenv("POLSO_API", "none") // agents of many scripts run at a time
			me, err := user.Current()     // who alone may run commands for an agent of the same user
			if err == nil {
				e.Setenv("ME", me.Username)
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"up": up, "exits": exits, "blur": blur, "names": names, "until": until, "freeport": freePort, "shows": shows},

		UpdateScripts: *update,
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
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
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

// freePort VARIABLE sets it to a loopback address whose port nobody listens at.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// shows VARIABLE DAYS has a server show a certificate that it signed itself, which ends in so many days, at the address that the
// variable is set to; the certificate is in the file VARIABLE.pem.
func shows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: shows VARIABLE DAYS")
	}
	days, err := strconv.Atoi(args[1])
	ts.Check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	end := time.Now().AddDate(0, 0, days)
	it := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: end.AddDate(-1, 0, 0), NotAfter: end, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, it, it, key.Public(), key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.StartTLS()
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.Listener.Addr().String())
}

// What is different on every run: dates, ages, token IDs, and the widths that follow from them.
var (
	someDate   = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?`)
	someAge    = regexp.MustCompile(`\b(\d+ms|\d+(\.\d)?s|\d+m\d\ds|\d+h\d\dm|\d+d)\b`)
	someColumn = regexp.MustCompile(` {2,}`)
)

// blur puts what differs between runs in the last standard output into words, for a comparison.
func blur(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: blur")
	}
	text := someDate.ReplaceAllString(ts.ReadFile("stdout"), "DATE")
	text = someAge.ReplaceAllString(text, "AGE")
	if u, err := user.Current(); err == nil {
		text = regexp.MustCompile(`\b`+regexp.QuoteMeta(u.Username)+`\b`).ReplaceAllString(text, "USER")
	}
	fmt.Fprint(ts.Stdout(), someColumn.ReplaceAllString(text, "  "))
}

// names lists every name in the JSON of the last standard output with its place: members[].name.
func names(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: names")
	}
	var tree any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &tree))
	found := map[string]bool{}
	gather(found, "", tree)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(ts.Stdout(), name)
	}
}

func gather(found map[string]bool, path string, tree any) {
	switch tree := tree.(type) {
	case map[string]any:
		for name, value := range tree {
			found[strings.TrimPrefix(path+"."+name, ".")] = true
			gather(found, path+"."+name, value)
		}
	case []any:
		for _, value := range tree {
			gather(found, path+"[]", value)
		}
	}
}

// until PATTERN COMMAND... runs a command until its standard output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND...")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		time.Sleep(20 * time.Millisecond) // another process: there is nothing to wait on
	}
	ts.Fatalf("%s: no %s in\n%s", strings.Join(args[1:], " "), args[0], ts.ReadFile("stdout"))
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
