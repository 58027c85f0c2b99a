package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watching: somebody elsewhere, with an access token and the CA for browsers, follows the cluster over HTTPS at a router that stands by,
// while traffic runs and the director is killed; and what they write there reaches whoever leads.
func watching(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l, web, dns)
	old, err := l.Active(ctx)
	must(t, err)
	var at *Router
	for _, r := range l.Routers {
		if r != old {
			at = r
		}
	}
	token, err := old.Polso(ctx, "token", "create", "--role", "operator")
	must(t, err)
	ca, err := at.Polso(ctx, "cert", "show", "--ca")
	must(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(file, []byte(ca), 0o644))
	from := func(r *Router, args ...string) (string, error) {
		env := []string{"POLSO_ADDR=https://" + netip.AddrPortFrom(r.Addr(Outside), 3636).String(), "POLSO_TOKEN=" + strings.TrimSpace(token), "POLSO_CACERT=" + file}
		return l.Client.Run(ctx, "env", append(append(env, l.options.Binary), args...)...)
	}
	active := func(r *Router) (string, error) {
		text, err := from(r, "status", "-o", "json")
		if err != nil && ExitStatus(err) != 3 { // 3: a router is down, and that is told
			return "", err
		}
		s, err := parseStatus([]byte(text))
		return s.Active, err
	}
	for _, r := range l.Routers {
		if got, err := active(r); err != nil || got != old.Name {
			t.Errorf("%s says over HTTPS that %q directs (%v), want %s", r.Name, got, err, old.Name)
		}
	}
	_, err = from(at, "weight", "web/a", "7")
	must(t, err)
	must(t, Eventually(ctx, 20*time.Second, func(ctx context.Context) error {
		table, err := old.Table(ctx)
		if err == nil && !strings.Contains(table, "-w 7") {
			err = fmt.Errorf("%s directs without the weight that was written on %s:\n%s", old.Name, at.Name, table)
		}
		return err
	}))

	udp, err := StartProber(l.Client, Traffic{Network: "udp", To: netip.AddrPortFrom(WebVIP, echoPort), Every: 20 * time.Millisecond})
	must(t, err)
	defer udp.Stop()
	must(t, udp.WaitAnswer(ctx, time.Now(), 5*time.Second))
	must(t, old.Kill())
	killed := time.Now()
	must(t, Eventually(ctx, 20*time.Second, func(context.Context) error {
		got, err := active(at)
		if err == nil && (got == "" || got == old.Name) {
			err = fmt.Errorf("%s says that %q directs", at.Name, got)
		}
		return err
	}))
	t.Logf("%s told of the new director %v after %s was killed", at.Name, time.Since(killed).Round(10*time.Millisecond), old.Name)
	must(t, udp.WaitAnswer(ctx, time.Now(), 10*time.Second))
	must(t, old.Start(ctx))
	must(t, l.WaitWhole(ctx))
}
