package lab

import (
	"context"
	"encoding/json"
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
	before := make(map[string]map[string]float64)
	for _, r := range l.Routers {
		before[r.Name], err = r.Numbers(ctx)
		must(t, err)
	}
	killed := time.Now()
	must(t, old.Kill())
	must(t, Eventually(ctx, 20*time.Second, func(context.Context) error {
		got, err := active(at)
		if err == nil && (got == "" || got == old.Name) {
			err = fmt.Errorf("%s says that %q directs", at.Name, got)
		}
		return err
	}))
	t.Logf("%s told of the new director %v after %s was killed", at.Name, time.Since(killed).Round(10*time.Millisecond), old.Name)
	must(t, udp.WaitAnswer(ctx, time.Now(), 10*time.Second))
	var told takeoverRecord
	must(t, Eventually(ctx, 20*time.Second, func(context.Context) (err error) {
		text, err := from(at, "events", "--kind", "failover", "-o", "json")
		if err == nil {
			told, err = takeoverFrom(old.Name, killed, text)
		}
		return err
	}))
	t.Logf("%s tells: %s -> %s, %s, by stages %v, %v s together", at.Name, told.From, told.To, told.Reason, told.Stages, told.Seconds)
	if err := told.whole(); err != nil || told.Reason != "leader lost" {
		t.Errorf("the record of the failover, %+v, is not as it should be: %v", told, err)
	}
	for _, r := range l.Routers {
		if r.Name == told.To {
			now, err := r.Numbers(ctx)
			must(t, err)
			if err := told.counted(before[r.Name], now); err != nil {
				t.Errorf("%s tells Prometheus of the failover: %v", r.Name, err)
			}
		}
	}
	must(t, startSlowly(ctx, old)) // beside traffic
	must(t, l.WaitWhole(ctx))
}

// takeoverRecord is what the events say of a failover.
type takeoverRecord struct {
	From, To, Reason, Unfinished string
	At                           time.Time
	Seconds                      float64
	Stages                       []struct {
		Name    string
		Seconds float64
	}
}

// takeoverFrom finds the last record of a takeover from that router since then: there are older ones, and the newest may be on its way.
func takeoverFrom(router string, since time.Time, text string) (out takeoverRecord, err error) {
	var list struct {
		Events []struct{ Failover *takeoverRecord }
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return out, err
	}
	err = fmt.Errorf("%d failovers are told, none from %s since %v", len(list.Events), router, since)
	for _, e := range list.Events {
		if e.Failover != nil && e.Failover.From == router && e.Failover.At.After(since) {
			out, err = *e.Failover, nil
		}
	}
	return out, err
}

// counted wants the takeover, and how long nobody led, in what its router tells Prometheus.
func (r takeoverRecord) counted(before, now map[string]float64) error {
	const took = "polso_takeover_seconds"
	more := func(series string) float64 { return now[series] - before[series] }
	n, seconds, all := more(took+"_count"), more(took+"_sum"), more(took+`_bucket{le="+Inf"}`)
	switch {
	case n < 1 || all != n || more("polso_takeovers_total") < n:
		return fmt.Errorf("%v takeovers, of which %v were timed, %v of them in the histogram", more("polso_takeovers_total"), n, all)
	case n == 1 && (seconds <= 0 || seconds > r.Seconds+1e-6):
		return fmt.Errorf("it took %v s, with announcement %v s", seconds, r.Seconds)
	case more("polso_pass_seconds_count") < 1:
		return fmt.Errorf("none of its passes was timed: %v", now["polso_pass_seconds_count"])
	}
	return nil
}

// whole wants every stage, and that together they are the total.
func (r takeoverRecord) whole() error {
	var names []string
	sum := 0.0
	for _, s := range r.Stages {
		names, sum = append(names, s.Name), sum+s.Seconds
	}
	if got := strings.Join(names, " "); got != "detection election lease addresses announcement" || r.Unfinished != "" {
		return fmt.Errorf("its stages are %q, unfinished: %q", got, r.Unfinished)
	}
	if diff := sum - r.Seconds; r.Seconds <= 0 || diff > 1e-6 || diff < -1e-6 {
		return fmt.Errorf("its stages are %v s together, not %v", sum, r.Seconds)
	}
	return nil
}
