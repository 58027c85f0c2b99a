package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// What operators said of servers stands after the director was killed, each word with its reason and its end, and cuts no connection: a
// drain, a weight, a server forced down, and the maintenance of a machine in both of its virtuals.
func operatorsHand(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	must(t, l.Apply(ctx, l.Routers[0], closing+l.Document(echo, web)))
	_, err := l.SameTable(ctx, tableLines(echo, web))
	must(t, err)
	director, err := l.Active(ctx)
	must(t, err)

	var flows []*Flow
	for range 6 {
		f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 200*time.Millisecond)
		must(t, err)
		defer f.Stop()
		flows = append(flows, f)
	}
	const drained, weighed, maintained = "a", "b", "c"
	say := func(on *Router, args ...string) {
		t.Helper()
		_, err := on.Polso(ctx, args...)
		must(t, err)
	}
	say(director, "drain", "server", "echo/"+drained, "--reason", "new disk")
	say(director, "weight", "echo/"+weighed, "7", "--for", "2h")
	say(director, "force", "down", "web/"+weighed, "-m", "burns")
	maintain := func(flag, end string) {
		t.Helper()
		say(director, "maintain", l.Servers[maintained].Addr(Outside).String(), flag, end, "--reason", "memory")
	}
	maintain("--for", "2h")

	weights := map[string]int{"echo/" + drained: 0, "echo/" + weighed: 7, "echo/" + maintained: 0, "web/" + drained: 1, "web/" + maintained: 0}
	everybody := func(weights map[string]int, routers ...*Router) {
		t.Helper()
		must(t, Eventually(ctx, given, func(ctx context.Context) error {
			for _, r := range routers {
				table, err := r.Table(ctx)
				if want := l.handTable(weights); err != nil || table != want {
					return fmt.Errorf("%s has (%v)\n%s\nwant\n%s", r.Name, err, table, want)
				}
			}
			return nil
		}))
	}
	everybody(weights, l.Routers...)
	for range 4 {
		f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 200*time.Millisecond)
		must(t, err)
		if f.Server != weighed {
			t.Errorf("a new connection came to %s", f.Server)
		}
		_, _, err = f.Stop()
		must(t, err)
	}
	must(t, Pause(ctx, 2*time.Second))
	on := make(map[string]int)
	for _, f := range flows {
		must(t, f.Alive())
		_, _, err := f.Stop()
		must(t, err)
		on[f.Server]++
	}
	if on[drained] == 0 || on[maintained] == 0 {
		t.Fatalf("the connections were at %v: none where it mattered", on)
	}
	began := time.Now()
	say(director, "drain", "server", "echo/"+drained, "--reason", "new disk", "--wait", "30s")
	t.Logf("0 of %d connections cut (%v); the last of the drained server ended within %v", len(flows), on, time.Since(began).Round(time.Millisecond))

	end := time.Now().Add(20 * time.Second) // another word in the place of the first, as its end shows
	maintain("--until", end.UTC().Format(time.RFC3339))
	must(t, director.Kill())
	next, err := l.Successor(ctx, director, WebVIP)
	must(t, err)
	left := slices.DeleteFunc(slices.Clone(l.Routers), func(r *Router) bool { return r == director })
	if time.Until(end) < 3*time.Second {
		t.Fatalf("the maintenance ends in %v: too soon to say", time.Until(end))
	}
	everybody(weights, left...)
	four := []string{"drain address/" + l.Servers[maintained].Addr(Outside).String() + " memory", "drain server/echo/a new disk", "weight server/echo/b ", "down server/web/b burns"}
	wantOverrides(t, ctx, next, four...)
	t.Logf("%s directs with all of it, %v before the maintenance ends", next.Name, time.Until(end).Round(time.Second))

	must(t, Pause(ctx, time.Until(end)))
	weights["echo/"+maintained], weights["web/"+maintained] = 1, 1
	everybody(weights, left...)
	t.Logf("the maintenance ended within %v of its time", time.Since(end).Round(time.Millisecond))
	wantOverrides(t, ctx, next, four[1:]...)
	must(t, director.Start(ctx))
	everybody(weights, director)
}

// handTable is the table of echo and web where their servers have these weights, in the form of Router.Table.
func (l *Lab) handTable(weights map[string]int) string {
	var lines []string
	for _, v := range []Virtual{echo, web} {
		service := netip.AddrPortFrom(v.Address, uint16(v.Port))
		lines = append(lines, fmt.Sprintf("-A -t %s -s rr", service))
		for _, s := range v.Servers {
			if w, there := weights[v.Name+"/"+s]; there {
				lines = append(lines, fmt.Sprintf("-a -t %s -r %s -g -w %d", service, netip.AddrPortFrom(l.Servers[s].Addr(Outside), uint16(v.Port)), w))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// wantOverrides wants exactly these, each as KIND TARGET REASON, and who said it.
func wantOverrides(t *testing.T, ctx context.Context, on *Router, want ...string) {
	t.Helper()
	text, err := on.Polso(ctx, "get", "overrides", "-o", "json")
	must(t, err)
	var list struct {
		Overrides []struct{ Target, Kind, By, Reason string }
	}
	must(t, json.Unmarshal([]byte(text), &list))
	var got []string
	for _, o := range list.Overrides {
		got = append(got, o.Kind+" "+o.Target+" "+o.Reason)
		if o.By == "" {
			t.Errorf("%s: nobody said it", o.Target)
		}
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("overrides on %s:\n%s\nwant\n%s", on.Name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
