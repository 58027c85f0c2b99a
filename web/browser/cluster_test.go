// Package browser holds the tests that look at the web interface as people do: in Debian's Chromium and in w3m, at routers in network
// namespaces. `make web` runs them. The browser is the laboratory's client: it sees what a machine on the routers' segment sees.
package browser

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polso/lab"
)

// needWeb skips a test where nobody asked for browsers. What is lacking after that is a failure.
func needWeb(t *testing.T) {
	t.Helper()
	if os.Getenv("POLSO_WEB") == "" {
		t.Skip("drives browsers against routers in network namespaces: run `make web`")
	}
	for _, program := range []string{"chromium", "certutil", "w3m", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatal(err)
		}
	}
}

// cluster is three routers with a simulated kernel that serve the web interface, and one that belongs to none yet.
type cluster struct {
	*lab.Lab
	spare  *lab.Router
	caFile string // the cluster's certificate authority
	http   http.Client
}

// newCluster forms a cluster. It ends with the test; a failed one keeps the routers' logs.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	needWeb(t)
	ctx := t.Context()
	l, err := lab.New(ctx, lab.Options{Routers: 4, Binary: binary(t), AgentFlags: []string{"--kernel", "simulated"}})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{Lab: l, spare: l.Routers[3]}
	t.Cleanup(func() {
		if t.Failed() {
			where, err := l.KeepLogs(t.Name())
			t.Logf("routers' logs: %s (%v)", where, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, r := range l.Routers {
		must(t, r.Start(ctx))
	}
	first := l.Routers[0]
	polso(t, first, "init", "--advertise", first.Addr4())
	for _, r := range l.Routers[1:3] {
		must(t, l.Join(ctx, first, r))
	}
	must(t, lab.Eventually(ctx, 20*time.Second, func(ctx context.Context) error {
		for _, r := range l.Routers[:3] {
			s, err := r.Status(ctx, lab.ClusterBrief)
			if err != nil {
				return err
			}
			if s.Leader == "" || s.Quorum.Healthy != 3 {
				return fmt.Errorf("%s counts %d of 3 healthy", r.Name, s.Quorum.Healthy)
			}
		}
		return nil
	}))
	c.trust(t)
	for _, role := range []string{"viewer", "operator", "admin"} {
		user := map[string]string{"name": role, "role": role, "password": password}
		must(t, first.Ask(ctx, http.MethodPost, "/v1/users", user, nil))
	}
	return c
}

// trust learns the cluster's certificate authority, as an operator's machine would.
func (c *cluster) trust(t *testing.T) {
	t.Helper()
	pem := polso(t, c.Routers[0], "cert", "show", "--ca")
	c.caFile = filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(c.caFile, []byte(pem), 0o644))
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		t.Fatalf("no certificate in %q", pem)
	}
	c.http = http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: c.dial, TLSClientConfig: &tls.Config{RootCAs: roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dial connects from the client's place in the network.
func (c *cluster) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = c.Client.Do(func() (err error) {
		d := net.Dialer{Timeout: 2 * time.Second}
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// at is the address of a page on a router.
func at(r *lab.Router, path string) string { return "https://" + r.Addr4() + ":3636" + path }

// polso runs the command line on a router.
func polso(t *testing.T, r *lab.Router, args ...string) string {
	t.Helper()
	out, err := r.Polso(t.Context(), args...)
	if err != nil {
		t.Fatalf("polso %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// table is what a router's kernel balances, as its page says.
func (c *cluster) table(t *testing.T, r *lab.Router) string {
	t.Helper()
	p := newPlain(t, c, r)
	p.signIn("viewer", password)
	_, text := p.get("/monitoring/ipvs")
	return text
}

// password is everybody's; their names are their roles.
const password = "correct horse battery staple"

// binary is the product that is tried.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/polso")
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run `make web`", err)
	}
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
