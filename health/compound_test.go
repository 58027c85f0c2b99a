package health

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"polso/config"
)

// compound is a target of several checks at the pace of target.
func compound(kind config.CheckKind, need int, addr string, of ...config.Check) Target {
	t := target(addr)
	t.Check.Kind, t.Check.Need, t.Check.Of = kind, need, of
	return t
}

func TestChildren(t *testing.T) {
	all := compound(config.CheckAll, 0, "10.0.0.1:80",
		config.Check{Kind: config.CheckTCP},
		config.Check{Kind: config.CheckTCP, Port: 8080, Every: 5 * time.Second, Timeout: 3 * time.Second, Rise: 1, Fall: 1})
	got := all.Children()
	own := target("10.0.0.1:8080")
	own.Check.Every, own.Check.Timeout, own.Check.Rise, own.Check.Fall = 5*time.Second, 3*time.Second, 1, 1
	if len(got) != 2 || got[0].Key() != target("10.0.0.1:80").Key() || got[1].Key() != own.Key() {
		t.Errorf("got %v", got)
	}
	if target("10.0.0.1:80").Children() != nil {
		t.Error("a check that is none of several has children")
	}
}

func TestKeysOfCompounds(t *testing.T) {
	tcp, other := config.Check{Kind: config.CheckTCP}, config.Check{Kind: config.CheckTCP, Port: 81}
	base := compound(config.CheckSome, 1, "10.0.0.1:80", tcp, other)
	want := Key("some 10.0.0.1:80 every 2s timeout 1s rise 2 fall 3 need 1 " +
		"(tcp 10.0.0.1:80 every 2s timeout 1s rise 2 fall 3) (tcp 10.0.0.1:81 every 2s timeout 1s rise 2 fall 3)")
	if got := base.Key(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	seen := map[Key]bool{want: true}
	for _, differs := range []Target{
		compound(config.CheckSome, 2, "10.0.0.1:80", tcp, other), compound(config.CheckAny, 0, "10.0.0.1:80", tcp, other),
		compound(config.CheckSome, 1, "10.0.0.2:80", tcp, other), compound(config.CheckSome, 1, "10.0.0.1:80", other, tcp),
		compound(config.CheckSome, 1, "10.0.0.1:80", tcp), with(base, func(c *config.Check) { c.Initial = config.InitialUp }),
		with(base, func(c *config.Check) { c.Flaps = 3 }), with(base, func(c *config.Check) { c.Fast = time.Second }),
	} {
		if k := differs.Key(); seen[k] {
			t.Errorf("twice: %s", k)
		} else {
			seen[k] = true
		}
	}
}

// with returns t with its check changed.
func with(t Target, change func(*config.Check)) Target {
	change(&t.Check)
	return t
}

func TestCombine(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	up := func(since int) Status { return Status{State: Up, Since: at(since), Reason: "tcp: connected"} }
	down := func(since int) Status { return Status{State: Down, Since: at(since), Reason: "http: 503"} }
	open := Status{}
	tests := []struct {
		name     string
		kind     config.CheckKind
		need     int
		children []Status
		want     State
		reason   string
	}{
		{"all up by the last to come", config.CheckAll, 3, []Status{up(1), up(3), up(2)}, Up, "all: 3 of 3 up; check 2, tcp: connected"},
		{"all down by the first to go", config.CheckAll, 3, []Status{down(3), up(1), down(2)}, Down, "all: 1 of 3 up; check 3, http: 503"},
		{"all down though one is open", config.CheckAll, 2, []Status{open, down(1)}, Down, "all: 0 of 2 up; check 2, http: 503"},
		{"all wait for the last", config.CheckAll, 2, []Status{up(1), open}, Unknown, "all: 1 of 2 up; check 2, not answered yet"},
		{"any up though one is open", config.CheckAny, 1, []Status{open, up(1)}, Up, "any: 1 of 2 up; check 2, tcp: connected"},
		{"any up by the first to come", config.CheckAny, 1, []Status{up(2), up(1)}, Up, "any: 2 of 2 up; check 2, tcp: connected"},
		{"any down by the last to go", config.CheckAny, 1, []Status{down(1), down(2)}, Down, "any: 0 of 2 up; check 2, http: 503"},
		{"any waits for the last", config.CheckAny, 1, []Status{down(1), open}, Unknown, "any: 0 of 2 up; check 2, not answered yet"},
		{"some up", config.CheckSome, 2, []Status{up(1), open, up(2)}, Up, "some: 2 of 3 up (2 needed); check 3, tcp: connected"},
		{"some down", config.CheckSome, 2, []Status{down(1), up(1), down(2)}, Down, "some: 1 of 3 up (2 needed); check 3, http: 503"},
		{"some wait", config.CheckSome, 2, []Status{down(1), open, up(2)}, Unknown, "some: 1 of 3 up (2 needed); check 2, not answered yet"},
		{"more needed than there are", config.CheckSome, 3, []Status{up(1), up(2)}, Unknown, ""},
		{"of none", config.CheckAll, 0, nil, Unknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := combine(tt.kind, tt.need, tt.children); got.state != tt.want || got.reason != tt.reason {
				t.Errorf("got %s, %q\nwant %s, %q", got.state, got.reason, tt.want, tt.reason)
			}
		})
	}
}

func TestCombineAdviceAndExpiry(t *testing.T) {
	half, drain := Advice{Percent, 50}, Advice{Kind: DrainAdvice}
	soon, late := time.Unix(100, 0), time.Unix(200, 0)
	for _, tt := range []struct {
		name     string
		children []Status
		advice   Advice
		expires  time.Time
	}{
		{"nobody says anything", []Status{{State: Up}, {State: Up}}, Advice{}, time.Time{}},
		{"the first that says something", []Status{{State: Up}, {State: Up, Advice: half}, {State: Up, Advice: Advice{Percent, 10}}}, half, time.Time{}},
		{"to drain is stronger", []Status{{State: Up, Advice: half}, {State: Up, Advice: drain}, {State: Up, Advice: half}}, drain, time.Time{}},
		{"who is down has no say", []Status{{State: Down, Advice: drain}, {State: Up, Advice: half}}, half, time.Time{}},
		{"the certificate that ends first", []Status{{State: Up, Expires: late}, {State: Up}, {State: Up, Expires: soon}}, Advice{}, soon},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := combine(config.CheckAny, 1, tt.children); got.advice != tt.advice || got.expires != tt.expires {
				t.Errorf("got %v, %v", got.advice, got.expires)
			}
		})
	}
}

func TestCombineSilence(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	silent := Status{State: Down, Since: at(3), Heard: at(1), Silent: at(2)}
	refuses := Status{State: Down, Since: at(4), Heard: at(4)}
	answers := Status{State: Up, Since: at(1), Heard: at(5)}
	for _, tt := range []struct {
		kind          config.CheckKind
		need          int
		children      []Status
		heard, silent time.Time
	}{
		{config.CheckAll, 2, []Status{silent, answers}, at(5), at(2)},
		{config.CheckAll, 2, []Status{refuses, answers}, at(5), time.Time{}},
		{config.CheckAny, 1, []Status{silent, answers}, at(5), time.Time{}},
		{config.CheckAny, 1, []Status{silent, refuses}, at(4), time.Time{}},
		{config.CheckAll, 2, []Status{silent, refuses}, at(4), at(2)},
	} {
		if got := combine(tt.kind, tt.need, tt.children); !got.heard.Equal(tt.heard) || !got.silent.Equal(tt.silent) {
			t.Errorf("%s of %v: heard %v, silent since %v", tt.kind, tt.children, got.heard, got.silent)
		}
	}
}

// TestACompoundIsAFunctionOfItsChildren: whatever the servers of its children do and whenever, a compound is what the definition
// says of the states that its children have at that moment.
func TestACompoundIsAFunctionOfItsChildren(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "children")
		need := rapid.IntRange(1, n).Draw(rt, "need")
		kind := rapid.SampledFrom([]config.CheckKind{config.CheckAll, config.CheckAny, config.CheckSome}).Draw(rt, "kind")
		least := map[config.CheckKind]int{config.CheckAll: n, config.CheckAny: 1, config.CheckSome: need}[kind]
		turns := rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 20).Draw(rt, "turns")
		waits := rapid.SliceOfN(rapid.IntRange(0, 8000), len(turns), len(turns)).Draw(rt, "waits")
		synctest.Test(t, func(t *testing.T) {
			f := newFarm()
			s := start(t, Options{Probe: f.probe})
			var of []config.Check
			for i := range n {
				of = append(of, config.Check{Kind: config.CheckTCP, Port: uint16(1 + i), Rise: 1 + i%3, Fall: 1 + i%2})
			}
			whole := compound(kind, need, "10.0.0.1:80", of...)
			s.Set([]Target{whole})
			verify := func() {
				view, ups, downs := s.View(), 0, 0
				for _, c := range whole.Children() {
					switch view[c.Key()].State {
					case Up:
						ups++
					case Down:
						downs++
					}
				}
				want := Unknown
				if ups >= least {
					want = Up
				} else if n-downs < least {
					want = Down
				}
				if got := view[whole.Key()]; got.State != want {
					t.Fatalf("%s, %d needed, %d up and %d down of %d: got %s (%s), want %s", kind, least, ups, downs, n, got.State, got.Reason, want)
				}
			}
			wait(0)
			dead := make([]bool, n)
			for i, child := range turns {
				addr := fmt.Sprintf("10.0.0.1:%d", 1+child)
				if dead[child] = !dead[child]; dead[child] {
					f.kill(addr)
				} else {
					f.revive(addr)
				}
				wait(time.Duration(waits[i]) * time.Millisecond)
				verify()
			}
		})
	})
}

func TestCompoundsShareTheirChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.kill("10.0.0.1:81")
		var rings atomic.Int64
		var log strings.Builder
		s := start(t, Options{Probe: f.probe, Ring: func() { rings.Add(1) }, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: timeless}))})
		tcp, other := config.Check{Kind: config.CheckTCP}, config.Check{Kind: config.CheckTCP, Port: 81}
		single := target("10.0.0.1:80")
		all, anyOf := compound(config.CheckAll, 0, "10.0.0.1:80", tcp, other), compound(config.CheckAny, 0, "10.0.0.1:80", tcp, other)
		s.Set([]Target{single, all, anyOf})
		wait(time.Hour - time.Nanosecond)
		view := s.View()
		if view[single.Key()].State != Up || view[anyOf.Key()].State != Up || view[all.Key()].State != Down || len(view) != 4 {
			t.Errorf("got %v", view)
		}
		if got := rings.Load(); got != 2 {
			t.Errorf("%d rings, want one for each answer that decided something", got)
		}
		for _, addr := range []string{"10.0.0.1:80", "10.0.0.1:81"} {
			if got := f.times(addr); got < 1800 || got > 1806 {
				t.Errorf("%s was asked %d times in an hour, want one question every 2 s for all", addr, got)
			}
		}
		if got := view[all.Key()]; got.Reason != "all: 1 of 2 up; check 2, tcp: connection refused after 0 ms" || got.Last.Before(time.Now().Add(-2*time.Second)) {
			t.Errorf("got %+v", got)
		}

		// What one of them needs no more the other still does.
		s.Set([]Target{anyOf})
		f.kill("10.0.0.1:80")
		wait(8 * time.Second)
		if got := s.View(); got[anyOf.Key()].State != Down || len(got) != 3 {
			t.Errorf("got %v", got)
		}
		if !strings.Contains(log.String(), `msg="one of a server's checks changed state" server=10.0.0.1:81 from=unknown to=down`) ||
			!strings.Contains(log.String(), `msg="server changed state" server=10.0.0.1:80 from=up to=down reason="any: 0 of 2 up; check 1, tcp: connection refused`) {
			t.Errorf("log:\n%s", log.String())
		}
		s.Set(nil)
		wait(0)
		before := f.times("10.0.0.1:80") + f.times("10.0.0.1:81")
		wait(time.Minute)
		if after := f.times("10.0.0.1:80") + f.times("10.0.0.1:81"); after != before || len(s.View()) != 0 {
			t.Errorf("%d questions after the end, view %v", after-before, s.View())
		}
	})
}

// TestACompoundPassesAdviceOn: a change of advice rings, and a compound has that of its children.
func TestACompoundPassesAdviceOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rings atomic.Int64
		var weight atomic.Int64
		weight.Store(100)
		end := time.Unix(2e9, 0)
		s := start(t, Options{Ring: func() { rings.Add(1) }, Probe: func(_ context.Context, t Target) Result {
			if t.Addr.Port() == 81 {
				return Result{OK: true, Advice: Advice{Percent, int(weight.Load())}, Reason: "agent: up"}
			}
			return Result{OK: true, Expires: end, Reason: "tls: valid"}
		}})
		all := compound(config.CheckAll, 0, "10.0.0.1:80", config.Check{Kind: config.CheckTCP}, config.Check{Kind: config.CheckTCP, Port: 81})
		s.Set([]Target{all})
		wait(time.Minute)
		before := rings.Load()
		weight.Store(30)
		wait(2 * time.Second)
		if got := s.View()[all.Key()]; got.Advice != (Advice{Percent, 30}) || got.Expires != end || rings.Load() != before+1 {
			t.Errorf("got %+v and %d rings", got, rings.Load()-before)
		}
		wait(time.Minute)
		if got := rings.Load(); got != before+1 {
			t.Errorf("%d rings for advice that stays", got-before-1)
		}
		other := Target{Addr: netip.MustParseAddrPort("10.0.0.1:81"), Check: all.Check}
		other.Check.Kind, other.Check.Of = config.CheckTCP, nil
		if got := s.View()[other.Key()]; got.Advice.Value != 30 {
			t.Errorf("the child: %+v", got)
		}
	})
}
