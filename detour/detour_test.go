package detour_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"polso/detour"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func way(virtual, server string, by detour.By) detour.Way {
	return detour.Way{Virtual: addr(virtual), Server: addr(server), By: by}
}

func TestPlanInWords(t *testing.T) {
	a, b := way("192.0.2.10", "10.0.0.1", detour.Direct), way("192.0.2.10", "10.0.0.2", detour.Direct)
	at1, at2 := addr("198.18.0.1"), addr("198.18.0.2")
	whole := func(ways ...detour.Way) detour.State {
		s := detour.State{Base: true, Virtuals: map[netip.Addr]netip.Addr{}, Routes: map[netip.Addr]detour.Route{}}
		for i, w := range ways {
			at := []netip.Addr{at1, at2}[i]
			s.Virtuals[at], s.Routes[at] = w.Virtual, detour.Route{Server: w.Server, By: w.By}
		}
		return s
	}
	lost := whole(a)
	delete(lost.Routes, at1)
	stale := whole(a)
	stale.Base = false
	for name, c := range map[string]struct {
		want []detour.Detour
		have detour.State
		ops  string
	}{
		"first":           {[]detour.Detour{{at1, a}}, detour.State{}, "add base; add virtual 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1; add route 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1"},
		"as it should be": {[]detour.Detour{{at1, a}, {at2, b}}, whole(a, b), ""},
		"last goes":       {nil, whole(a), "delete route 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1; delete base"},
		"leftover":        {nil, detour.State{Left: true}, "delete base"},
		"nothing":         {nil, detour.State{}, ""},
		"route lost":      {[]detour.Detour{{at1, a}}, lost, "add route 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1"},
		"base lost": {[]detour.Detour{{at1, a}}, stale, "delete route 198.18.0.1 for invalid IP by dr to 10.0.0.1; add base; " +
			"add virtual 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1; add route 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, o := range detour.Plan(c.want, c.have) {
				got = append(got, o.String())
			}
			if strings.Join(got, "; ") != c.ops {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), c.ops)
			}
		})
	}
}

// follow has the kernel have what is wanted.
func follow(t *testing.T, k *detour.Keeper, ways ...detour.Way) {
	t.Helper()
	k.Set(ways)
	_, _ = k.StandIn(detour.Way{})
	for w, err := range k.Failed() {
		t.Fatalf("%s: %v", w, err)
	}
}

// suite is what every Edge does. ways are some that the edge's kernel can route.
func suite(t *testing.T, e detour.Edge, ways []detour.Way) {
	t.Helper()
	for from := range 1 << len(ways) {
		k := detour.New(e)
		for to := range 1 << len(ways) {
			for step, set := range []int{from, to} {
				var want []detour.Way
				for i, w := range ways {
					if set&(1<<i) != 0 {
						want = append(want, w)
					}
				}
				follow(t, k, want...)
				s, err := e.State()
				if err != nil {
					t.Fatal(err)
				}
				var got []detour.Way
				for _, d := range s.Detours() {
					got = append(got, d.Way)
					if at, err := k.StandIn(d.Way); at != d.At || err != nil {
						t.Fatalf("%s: %s, %v; in the kernel %s", d.Way, at, err, d.At)
					}
				}
				byText := func(a, b detour.Way) int { return cmp.Compare(a.String(), b.String()) }
				slices.SortFunc(got, byText)
				slices.SortFunc(want, byText)
				if !slices.Equal(got, want) {
					t.Fatalf("from %b to %b, step %d: got %v, want %v", from, to, step, got, want)
				}
				if s.Base != (len(want) > 0) || s.Left {
					t.Fatalf("with %d ways base %v, left %v", len(want), s.Base, s.Left)
				}
			}
		}
		if err := detour.Raze(e); err != nil {
			t.Fatal(err)
		}
		if s, err := e.State(); err != nil || s.Base || s.Left || len(s.Routes) > 0 {
			t.Fatalf("left: %+v, %v", s, err)
		}
	}
}

func TestFake(t *testing.T) {
	suite(t, new(detour.Fake), []detour.Way{
		way("192.0.2.10", "10.0.0.1", detour.Direct), way("192.0.2.10", "10.0.0.2", detour.IPIP), way("2001:db8::10", "2001:db8::1", detour.Direct),
	})
}

// TestStandInsStay: what a change of the document does not touch keeps its stand-in, so that no probe under way is lost.
func TestStandInsStay(t *testing.T) {
	k := detour.New(new(detour.Fake))
	var ways []detour.Way
	for i := range 20 {
		ways = append(ways, way("192.0.2.10", fmt.Sprintf("10.0.0.%d", i+1), detour.Direct))
	}
	k.Set(ways)
	before := make(map[detour.Way]netip.Addr)
	for _, w := range ways {
		before[w], _ = k.StandIn(w)
	}
	k.Set(append(slices.Clone(ways[5:]), way("192.0.2.9", "10.0.0.1", detour.Direct)))
	seen := make(map[netip.Addr]bool)
	for _, w := range ways[5:] {
		at, err := k.StandIn(w)
		if at != before[w] || err != nil || seen[at] {
			t.Errorf("%s: %s before, %s after, %v", w, before[w], at, err)
		}
		seen[at] = true
	}
	if at, err := k.StandIn(way("192.0.2.9", "10.0.0.1", detour.Direct)); err != nil || seen[at] {
		t.Errorf("the new one is at %s: %v", at, err)
	}
	if _, err := k.StandIn(ways[0]); err == nil {
		t.Error("what is wanted no more has a stand-in")
	}
}

// TestMends: who loads a firewall anew takes the rules away. The next probe mends them before it asks.
func TestMends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(detour.Fake)
		k := detour.New(e)
		w := way("192.0.2.10", "10.0.0.1", detour.Direct)
		k.Set([]detour.Way{w})
		e.Lose()
		time.Sleep(2 * time.Second)
		if _, err := k.StandIn(w); err != nil {
			t.Fatal(err)
		}
		if s, _ := e.State(); len(s.Detours()) != 1 {
			t.Errorf("not mended: %+v", s)
		}
		broken := errors.New("operation not supported")
		e.Fail(broken)
		time.Sleep(2 * time.Second)
		if _, err := k.StandIn(w); !errors.Is(err, broken) {
			t.Errorf("without nftables: %v", err)
		}
		if err := k.Failed()[w]; !errors.Is(err, broken) {
			t.Errorf("without nftables: %v", err)
		}
		e.Fail(nil)
		time.Sleep(2 * time.Second)
		if _, err := k.StandIn(w); err != nil {
			t.Errorf("with nftables again: %v", err)
		}
	})
}

// TestRun takes away what another has left, follows, and leaves nothing.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(detour.Fake)
		follow(t, detour.New(e), way("192.0.2.9", "10.0.0.9", detour.Direct))
		k := detour.New(e)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		synctest.Wait()
		if s, _ := e.State(); s.Base || len(s.Routes) > 0 {
			t.Errorf("left of another: %+v", s)
		}
		w := way("192.0.2.10", "10.0.0.1", detour.Direct)
		k.Set([]detour.Way{w})
		synctest.Wait()
		if s, _ := e.State(); len(s.Detours()) != 1 || s.Detours()[0].Way != w {
			t.Errorf("wanted: %+v", s)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if s, _ := e.State(); s.Base || len(s.Routes) > 0 {
			t.Errorf("left: %+v", s)
		}
	})
}
