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

// What operators said stands after the director was killed, each word with its reason and its end, and cuts no connection: a server
// drained, disabled, given a weight, forced down, and forced up against its check; the maintenance of a machine in both of its virtuals; and
// a drained router, which does not direct.
func operatorsHand(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	dark := Virtual{Name: "dark", Address: WebVIP, Port: echoPort, Protocol: "udp", Servers: []string{"b"}} // whose check asks where nobody listens
	asksNobody := strings.Replace(l.Document(dark), fmt.Sprintf("    port    = %d\n", echoPort), "    port    = 9\n", 1)
	must(t, l.Apply(ctx, l.Routers[0], closing+l.Document(echo, web)+asksNobody))
	_, err := l.SameTable(ctx, tableLines(echo, web)+1)
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
	say(director, "disable", "server", "web/"+drained, "-m", "stolen")
	say(director, "force", "up", "dark/b", "-m", "asked wrongly")
	maintain := func(flag, end string) {
		t.Helper()
		say(director, "maintain", l.Servers[maintained].Addr(Outside).String(), flag, end, "--reason", "memory")
	}
	maintain("--for", "2h")

	weights := map[string]int{"echo/" + drained: 0, "echo/" + weighed: 7, "echo/" + maintained: 0, "web/" + maintained: 0, "dark/b": 1}
	everybody := func(weights map[string]int, routers ...*Router) {
		t.Helper()
		must(t, Eventually(ctx, given, func(ctx context.Context) error {
			for _, r := range routers {
				table, err := r.Table(ctx)
				if want := l.handTable(weights, echo, web, dark); err != nil || table != want {
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

	left := slices.DeleteFunc(slices.Clone(l.Routers), func(r *Router) bool { return r == director })
	next, aside := left[0], left[1]
	say(director, "drain", "router", aside.Name, "-m", "new kernel")
	end := time.Now().Add(20 * time.Second) // another word in the place of the first, as its end shows
	maintain("--until", end.UTC().Format(time.RFC3339))
	must(t, director.Kill())
	must(t, Eventually(ctx, startupTimeout, func(context.Context) error {
		for _, r := range left {
			if has, err := r.Has(WebVIP); err != nil || has != (r == next) {
				return fmt.Errorf("%s is drained, and on %s the address is there: %v (%v)", aside.Name, r.Name, has, err)
			}
		}
		return nil
	}))
	if time.Until(end) < 3*time.Second {
		t.Fatalf("the maintenance ends in %v: too soon to say", time.Until(end))
	}
	everybody(weights, left...)
	said := []string{
		"drain address/" + l.Servers[maintained].Addr(Outside).String() + " memory", "drain server/echo/a new disk", "weight server/echo/b ", "down server/web/b burns",
		"disable server/web/a stolen", "up server/dark/b asked wrongly", "drain router/" + aside.Name + " new kernel",
	}
	wantOverrides(t, ctx, next, said...)
	t.Logf("%s directs with all of it, %v before the maintenance ends", next.Name, time.Until(end).Round(time.Second))

	must(t, Pause(ctx, time.Until(end)))
	weights["echo/"+maintained], weights["web/"+maintained] = 1, 1
	everybody(weights, left...)
	t.Logf("the maintenance ended within %v of its time", time.Since(end).Round(time.Millisecond))
	wantOverrides(t, ctx, next, said[1:]...)
	must(t, director.Start(ctx))
	everybody(weights, director)
	say(next, "undrain", "router", aside.Name)
}

// handTable is the table of these where their servers have these weights, in the form of Router.Table.
func (l *Lab) handTable(weights map[string]int, virtuals ...Virtual) string {
	var lines []string
	for _, v := range virtuals {
		service := "-" + v.Protocol[:1] + " " + netip.AddrPortFrom(v.Address, uint16(v.Port)).String()
		lines = append(lines, fmt.Sprintf("-A %s -s rr", service))
		for _, s := range v.Servers {
			if w, there := weights[v.Name+"/"+s]; there {
				lines = append(lines, fmt.Sprintf("-a %s -r %s -g -w %d", service, netip.AddrPortFrom(l.Servers[s].Addr(Outside), uint16(v.Port)), w))
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
