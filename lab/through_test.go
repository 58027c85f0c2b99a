package lab

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// throughTheVirtual: of two servers one lacks the virtual address, and answers at its own. A check through the virtual finds it out
// on every router, director and standby alike, by dr and by a tunnel; nobody but the director ever answers for the address.
func throughTheVirtual(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	every, err := time.ParseDuration(CheckEvery())
	must(t, err)
	s := scene{t: t, ctx: ctx, l: l, on: l.Routers, every: every}.paced(every)
	a, b := l.Servers["a"], l.Servers["b"]
	for _, server := range []*Server{a, b} {
		must(t, server.sysctl("net/ipv4/conf/all/rp_filter", "0"))
		_, err := server.Run(ctx, "modprobe", "ipip")
		must(t, err)
		must(t, server.Batch(ctx, "link set tunl0 up"))
		must(t, server.sysctl("net/ipv4/conf/tunl0/rp_filter", "0"))
	}
	// It stays as the laboratory's other scenarios want it, whatever becomes of this one.
	held := true
	hold := func(want bool) {
		verb := map[bool]string{true: "add", false: "del"}[want]
		if want != held {
			must(t, b.Batch(ctx, "addr "+verb+" "+WebVIP.String()+"/32 dev lo"))
			held = want
		}
	}
	defer hold(true)
	plain, through := timed(`check "tcp"`, every), timed(`check "tcp"`, every, `through = "virtual"`)

	s.apply(s.echo("", plain, "a", "b") + "}\n")
	hold(false)
	s.within(startupTimeout, "b lacks the address, asked at its own", "a 1", "b 1")
	watch, err := l.StartWatch(WebVIP)
	must(t, err)
	defer watch.Stop()
	began := time.Now()
	for _, by := range []struct{ forward, flag, tunnel string }{{"dr", "-g", ""}, {"tun", "-i", " --tun-type ipip"}} {
		s.flag, s.tunnel = by.flag, by.tunnel
		forward := "  forward = \"" + by.forward + "\"\n"
		hold(false)
		s.apply(s.echo(forward, through, "a", "b") + "}\n")
		s.within(startupTimeout, by.forward+": b lacks the address, asked through the virtual", "a 1")
		hold(true)
		s.within(s.back, by.forward+": b has it", "a 1", "b 1")
		hold(false)
		s.within(s.hung, by.forward+": b has lost it", "a 1")
		hold(true)
		s.within(s.back, by.forward+": b has it again", "a 1", "b 1")
	}
	director, err := l.Active(ctx)
	must(t, err)
	if holders := watch.Holders(WebVIP, began, time.Now()); !slices.Equal(holders, []string{director.Name}) {
		t.Errorf("%s was answered for by %v; %s directs", WebVIP, holders, director.Name)
	}
	have(t, ctx, l)
	for _, r := range l.Routers {
		err := Eventually(ctx, pace, func(ctx context.Context) error { return gone(ctx, r) })
		if err != nil {
			t.Error(err)
		}
	}
}

// gone tells what of stand-ins is left on a router.
func gone(ctx context.Context, r *Router) error {
	for _, ask := range [][]string{{"ip", "route", "show", "proto", "0x70"}, {"ip", "-6", "route", "show", "proto", "0x70"}} {
		if out, err := r.Run(ctx, ask[0], ask[1:]...); err != nil || len(out) > 0 {
			return fmt.Errorf("%s has left %q (%v)", r.Name, out, err)
		}
	}
	return nil
}
