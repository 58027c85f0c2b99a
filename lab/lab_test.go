package lab

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// build makes a laboratory for a test, or skips it outside one. POLSO_LAB=require (which labvm sets) makes every reason
// to skip a failure.
func build(t *testing.T, o Options) (context.Context, *Lab) {
	t.Helper()
	if os.Getenv("POLSO_LAB") == "" {
		t.Skip("not in the laboratory: run `make lab`")
	}
	if os.Geteuid() != 0 {
		skip(t, "the laboratory needs root")
	}
	ctx := t.Context()
	l, err := New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			where, err := l.KeepLogs(t.Name())
			t.Logf("routers' logs: %s (%v)", where, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, l
}

func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("POLSO_LAB") == "require" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// needIPVS skips where the kernel cannot balance.
func needIPVS(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
		skip(t, "this kernel has no IPVS: "+err.Error())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The instruments are tried on addresses that the test itself moves: what they say about the product is worth what is
// proven here.
func TestWatchSeesAnAddressMove(t *testing.T) {
	ctx, l := build(t, Options{Beside: []string{"a"}, Behind: []string{}})
	r1, r2 := l.Routers[0], l.Routers[1]
	for _, tt := range []struct {
		name string
		vip  netip.Addr
		line string
	}{
		{"ARP", WebVIP, "addr add 10.9.0.50/32 dev eth0"},
		{"neighbour discovery", WebVIP6, "addr add fd09::50/128 dev eth0 nodad"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := l.StartWatch(tt.vip)
			must(t, err)
			defer w.Stop()
			holders := func(patience time.Duration, want ...string) (since time.Time) {
				t.Helper()
				since = time.Now()
				var got []string
				err := eventually(ctx, often, patience, func(context.Context) error {
					if got = w.Holders(tt.vip, since, time.Time{}); !slices.Equal(got, want) {
						return os.ErrNotExist
					}
					return nil
				})
				if err != nil {
					t.Fatalf("holders %v, want %v", got, want)
				}
				return since
			}
			must(t, r1.Batch(ctx, tt.line))
			since := holders(time.Second, "r1")
			if n := len(w.Overlaps(tt.vip, since, time.Time{})); n > 0 {
				t.Errorf("%d overlaps with one holder", n)
			}
			must(t, r1.Batch(ctx, "addr flush dev eth0 to "+tt.vip.String()))
			moved := time.Now()
			must(t, r2.Batch(ctx, tt.line))
			holders(time.Second, "r2")
			if got := w.Overlaps(tt.vip, moved, time.Time{}); len(got) > 0 {
				t.Errorf("overlaps after a clean move: %v", got)
			}
			both := time.Now()
			must(t, r1.Batch(ctx, tt.line))
			must(t, eventually(ctx, often, time.Second, func(context.Context) error {
				if len(w.Overlaps(tt.vip, both, time.Time{})) == 0 {
					return os.ErrNotExist
				}
				return nil
			}))
			must(t, l.Cut(ctx, r2.Node))
			// Its last answers may be on their way: from some moment on there are none.
			must(t, eventually(ctx, often, time.Second, func(context.Context) error {
				if since := time.Now().Add(-100 * time.Millisecond); !slices.Equal(w.Holders(tt.vip, since, time.Time{}), []string{"r1"}) {
					return os.ErrExist
				}
				return nil
			}))
			must(t, l.Heal(ctx, r2.Node))
			healed := time.Now()
			must(t, eventually(ctx, often, 2*time.Second, func(context.Context) error {
				if !slices.Contains(w.Holders(tt.vip, healed, time.Time{}), "r2") {
					return os.ErrNotExist
				}
				return nil
			}))
			must(t, r1.Batch(ctx, "addr flush dev eth0 to "+tt.vip.String()))
			must(t, r2.Batch(ctx, "addr flush dev eth0 to "+tt.vip.String()))
		})
	}
}

func TestProberMeasuresSilence(t *testing.T) {
	ctx, l := build(t, Options{Routers: 1, Beside: []string{"a"}, Behind: []string{}})
	a := l.Servers["a"]
	for _, tt := range []Traffic{
		{Network: "udp", To: netip.AddrPortFrom(a.Addr(Outside), echoPort)},
		{Network: "tcp", To: netip.AddrPortFrom(a.Addr6(Outside), httpPort)},
	} {
		t.Run(tt.Network, func(t *testing.T) {
			start := time.Now()
			p, err := StartProber(l.Client, tt)
			must(t, err)
			defer p.Stop()
			must(t, p.WaitAnswer(ctx, start, time.Second))
			steady := time.Now()
			must(t, p.WaitAnswer(ctx, steady.Add(300*time.Millisecond), time.Second))
			quiet := p.Between(steady, time.Time{})
			must(t, l.Cut(ctx, a.Node))
			cut := time.Now()
			const outage = 500 * time.Millisecond
			time.Sleep(outage)
			must(t, l.Heal(ctx, a.Node))
			must(t, p.WaitAnswer(ctx, time.Now(), 3*time.Second))
			loud := p.Between(cut.Add(-100*time.Millisecond), time.Time{})
			t.Logf("steady: %v; cut: %v", quiet, loud)
			if quiet.Gap > 200*time.Millisecond || quiet.Answered == 0 || quiet.Servers["a"] != quiet.Answered {
				t.Errorf("undisturbed: %v", quiet)
			}
			if loud.Gap < outage || loud.Gap > outage+400*time.Millisecond {
				t.Errorf("a cut of %v looks like %v", outage, loud)
			}
		})
	}
}

func TestFlowNoticesItsEnd(t *testing.T) {
	ctx, l := build(t, Options{Routers: 1, Beside: []string{"a"}, Behind: []string{}})
	a := l.Servers["a"]
	f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(a.Addr(Outside), echoPort), 20*time.Millisecond)
	must(t, err)
	if f.Server != "a" {
		t.Errorf("greeted by %q", f.Server)
	}
	if err := f.Alive(); err != nil {
		t.Error(err)
	}
	a.Down()
	must(t, eventually(ctx, often, 2*time.Second, func(context.Context) error {
		if f.Alive() == nil {
			return os.ErrExist
		}
		return nil
	}))
	if _, _, err := f.Stop(); err == nil {
		t.Error("a connection to a server that went down is said to have lived")
	}
	must(t, a.Up())
	f, err = StartFlow(ctx, l.Client, netip.AddrPortFrom(a.Addr6(Outside), echoPort), 20*time.Millisecond)
	must(t, err)
	if _, _, err := f.Stop(); err != nil {
		t.Error(err)
	}
}
