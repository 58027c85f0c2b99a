package steward

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
)

// sees reads what a router sees: "web:3,mail:2+1", so many up, and so many undecided.
func sees(t testing.TB, words string) map[string]Seen {
	t.Helper()
	out := make(map[string]Seen)
	for part := range strings.SplitSeq(words, ",") {
		name, counts, _ := strings.Cut(part, ":")
		up, unknown, _ := strings.Cut(counts, "+")
		n, err := strconv.Atoi(up)
		if err != nil {
			t.Fatal(err)
		}
		open, _ := strconv.Atoi(unknown)
		out[name] = Seen{Asks: uint64(len(name)), Up: n, Unknown: open}
	}
	return out
}

func TestDimmer(t *testing.T) {
	for _, tt := range []struct {
		one, other string
		want       bool // one is dimmer than the other
	}{
		{"web:3", "web:3", false},
		{"web:0", "web:3", true},
		{"web:0", "web:1", true},    // nothing is clear enough
		{"web:2", "web:3", false},   // one server
		{"web:1", "web:3", true},    // two of three
		{"web:6", "web:8", true},    // a quarter
		{"web:7", "web:9", false},   // less than a quarter
		{"web:74", "web:98", false}, // 24 of 98
		{"web:73", "web:98", true},
		{"web:0+3", "web:3", false}, // it has not decided
		{"web:0+1", "web:3", true},
		{"web:0", "web:0+3", false}, // nor has the other
		{"web:3,mail:0", "web:3,mail:1", true},
		{"web:3,mail:0", "web:0,mail:3", false},  // each sees what the other does not
		{"web:9,mail:0", "web:1,mail:3", false},  // more in all
		{"web:2,mail:0", "web:2,mail:3", true},   // nothing of mail
		{"web:4,mail:0", "web:1,mail:3", true},   // as many in all, and something of both
		{"web:0", "mail:3", false},               // nothing to compare
		{"web:0,mail:1", "web:3,other:5", true},  // only what both probe counts
		{"web:3,mail:1", "web:3,other:5", false}, //
	} {
		one, other := Report{Sees: sees(t, tt.one)}, Report{Sees: sees(t, tt.other)}
		if got := one.Dimmer(other); got != tt.want {
			t.Errorf("%s beside %s: dimmer %v", tt.one, tt.other, got)
		}
	}
	if one, other := (Report{Sees: map[string]Seen{"web": {Asks: 1}}}), (Report{Sees: map[string]Seen{"web": {Asks: 2, Up: 3}}}); one.Dimmer(other) {
		t.Error("two documents were compared")
	}
}

func TestYield(t *testing.T) {
	for _, tt := range []struct{ name, scene, want string }{
		{"blind, and both others see", "r1 voter converged sees=web:0 | r2 voter converged sees=web:3 | r3 voter converged sees=web:3", "yield to r2"},
		{"one of two sees", "r1 voter converged sees=web:0 | r2 voter converged sees=web:3 | r3 voter converged sees=web:0", ""},
		{"the only one that is heard sees", "r1 voter converged sees=web:0 | r2 voter converged sees=web:3 | r3 voter", "yield to r2"},
		{"two routers and a witness", "r1 voter converged sees=web:0 | r2 voter converged sees=web:3 | w1 voter converged", "yield to r2"},
		{"who sees the most", "r1 voter converged sees=web:0 | r2 voter converged sees=web:2 | r3 voter converged sees=web:3", "yield to r3"},
		{"who is preferred, of equals", "prefer r3 | r1 voter converged sees=web:0 | r2 voter converged sees=web:3 | r3 voter converged sees=web:3", "yield to r3"},
		{"not for long enough", "r1 voter converged sees=web:0 for=2999ms | r2 voter converged sees=web:3 | r3 voter converged sees=web:3", ""},
		{"just long enough", "r1 voter converged sees=web:0 for=3s | r2 voter converged sees=web:3 | r3 voter converged sees=web:3", "yield to r2"},
		{"it was handed the lead for that just now", "r1 voter converged sees=web:0 yielded=59s | r2 voter converged sees=web:3 | r3 voter converged sees=web:3", ""},
		{"a minute ago", "r1 voter converged sees=web:0 yielded=1m | r2 voter converged sees=web:3 | r3 voter converged sees=web:3", "yield to r2"},
		{"who sees more is unfit, the next is not", "r1 voter converged sees=web:0 | r2 voter converged unfit sees=web:3 | r3 voter converged sees=web:3", "yield to r3"},
		{"who sees more is drained", "r1 voter converged sees=web:0 | r2 voter converged drained sees=web:3 | r3 voter silent", ""},
		{"it votes all the same", "r1 voter converged sees=web:0 | r2 voter converged drained sees=web:3 | r3 voter converged sees=web:3", "yield to r3"},
		{"a standby that is blind is nobody's business", "r1 voter converged sees=web:3 | r2 voter converged sees=web:0 | r3 voter converged sees=web:3", ""},

		{"unfit, and the other sees less: it is better than nothing", "r1 voter converged unfit sees=web:3 | r2 voter converged sees=web:0", "hand over to r2"},
		{"unfit, and one sees less", "prefer r2 | r1 voter converged unfit sees=web:3 | r2 voter converged sees=web:0 | r3 voter converged sees=web:3", "hand over to r3"},
		{"drained, and the other is blind", "r1 voter converged drained sees=web:3 | r2 voter converged sees=web:0", ""},
	} {
		if got := diary(Decide(scene(t, "r1", tt.scene))); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	in := scene(t, "r1", "r1 voter converged sees=web:3 | r2 voter converged sees=web:0 | r3 voter converged sees=web:2")
	for i, want := range []bool{false, true} { // the lead is not handed back to who sees less
		if sound, _ := in.fitness(in.Members[i+1]); sound != want {
			t.Errorf("%s is sound: %v", in.Members[i+1].ID, sound)
		}
	}
	in = scene(t, "r1", "r1 voter converged sees=web:0 | r2 voter converged sees=web:3 | r3 voter converged sees=web:2")
	if got, want := Decide(in)[0].Reason, "r1-name sees 0 servers up, r2-name 3, r3-name 2"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// Whatever routers see, as long as it stays like that: the lead moves to one that sees more every time, and comes to rest.
func TestYieldingEnds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(r, "routers")
		var scenes []string
		reports := make(map[string]Report)
		for i := range n {
			var words []string
			for _, v := range []string{"v", "vv", "vvv"} {
				words = append(words, fmt.Sprintf("%s:%d+%d", v, rapid.IntRange(0, 6).Draw(r, "up"), rapid.IntRange(0, 1).Draw(r, "open")))
			}
			id := fmt.Sprintf("r%d", i+1)
			scenes = append(scenes, id+" voter converged sees="+strings.Join(words, ","))
			reports[id] = Report{Sees: sees(t, strings.Join(words, ","))}
		}
		at := rapid.SampledFrom([]string{"r1", "r2"}).Draw(r, "director")
		for moves := 0; ; moves++ {
			actions := Decide(scene(t, at, strings.Join(scenes, " | ")))
			if len(actions) == 0 {
				return
			}
			next := actions[0].ID
			if reports[next].Dimmer(reports[at]) || !reports[at].Dimmer(reports[next]) {
				r.Fatalf("from %s to %s: %v, %v", at, next, reports[at], reports[next])
			}
			if moves == n {
				r.Fatalf("it does not end: %v", scenes)
			}
			at = next
		}
	})
}

// What others see more of has to last, and a moment in which it does not begins the wait anew.
func TestDimHasToLast(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter converged sees=web:3 | r2 voter converged sees=web:3 | r3 voter converged sees=web:3")}
	see := func(up int) {
		w.change(func() {
			reports := make(map[string]Report)
			for id, r := range w.in.Reports {
				reports[id] = r
			}
			r := reports["r1"]
			r.Sees = map[string]Seen{"web": {Asks: 3, Up: up}}
			reports["r1"] = r
			w.in.Reports = reports
		})
	}
	got := w.run(t, 12*time.Second, func(s *Steward) {
		time.Sleep(time.Second)
		for _, up := range []int{0, 3, 0} {
			see(up)
			s.Ring()
			time.Sleep(2500 * time.Millisecond)
		}
	})
	diff(t, `
  9.0  yield to r2
`, strings.Join(strings.SplitAfter(got, "\n")[:1], ""))
}

// A server that dies is noticed by one router after the other, up to a turn of its check apart: that moves no lead.
func TestWhoNoticesFirstKeepsTheLead(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter converged sees=web:3,mail:1 | r2 voter converged sees=web:3,mail:1 | r3 voter converged sees=web:3,mail:1")}
	every := func(d time.Duration) *config.Check { return &config.Check{Every: d} }
	w.in.State.Document.Virtuals = []config.Virtual{
		{Name: "web", Check: every(10 * time.Second)},
		{Name: "mail", Servers: []config.Server{{Check: &config.Check{Every: time.Second, Of: []config.Check{*every(30 * time.Second)}}}}},
	}
	see := func(s *Steward, at time.Duration, router, words string) {
		time.Sleep(time.Until(w.begin.Add(at)))
		w.change(func() {
			w.in.Reports = maps.Clone(w.in.Reports)
			r := w.in.Reports[router]
			r.Sees = sees(t, words)
			w.in.Reports[router] = r
		})
		s.Ring()
	}
	got := w.run(t, 3*time.Minute, func(s *Steward) {
		see(s, 1*time.Second, "r1", "web:1,mail:0") // both others notice within their turns
		see(s, 9*time.Second, "r2", "web:1,mail:1")
		see(s, 10*time.Second, "r3", "web:1,mail:1")
		see(s, 30*time.Second, "r3", "web:1,mail:0")

		see(s, 60*time.Second, "r3", "web:3,mail:0") // and now all but r1 see web again
		see(s, 60*time.Second, "r2", "web:3,mail:0")
		see(s, 66*time.Second, "r1", "web:0,mail:0") // which loses the last
	})
	diff(t, `
 77.0  yield to r2
`, got[:strings.Index(got, "\n")+1])
}
