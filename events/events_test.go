package events

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRingKeepsTheLast(t *testing.T) {
	r := NewRing("r1")
	added := r.Added()
	for i := range Kept + 5 {
		r.Add(Event{Kind: Role, What: fmt.Sprint(i)})
	}
	select {
	case <-added:
	default:
		t.Error("who waits is not told")
	}
	all, now := r.After(Position{})
	if len(all) != Kept || all[0].What != "5" || all[Kept-1].What != fmt.Sprint(Kept+4) {
		t.Errorf("has %d, the first %q, the last %q", len(all), all[0].What, all[len(all)-1].What)
	}
	for name, c := range map[string]struct {
		p    Position
		want int
	}{
		"at the end":         {now, 0},
		"one before":         {Position{now.Boot, now.Last - 1}, 1},
		"what is gone":       {Position{now.Boot, 2}, Kept},
		"of another process": {Position{"other", now.Last}, Kept},
		"of the future":      {Position{now.Boot, now.Last + 9}, 0},
	} {
		if got, _ := r.After(c.p); len(got) != c.want {
			t.Errorf("%s: %d events, want %d", name, len(got), c.want)
		}
	}
	r.Add(Event{What: strings.Repeat("é", 400) + "\n\x00"})
	if got, _ := r.After(now); len(got) != 1 || len(got[0].What) > longestWhat || !strings.HasSuffix(got[0].What, "é…") || got[0].Router != "r1" {
		t.Errorf("a long one is %+v", got)
	}
}

// Whoever has read a merged list up to any event, and goes on from there, gets the rest and nothing twice.
func TestCursorGoesOn(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	list := func(name, boot string, seconds ...int) (out []Event) {
		for i, s := range seconds {
			out = append(out, Event{ID: fmt.Sprintf("%s.%s.%d", name, boot, i+1), At: at.Add(time.Duration(s) * time.Second)})
		}
		return out
	}
	// r2's clock is behind, and r.3's name has a point.
	lists := map[string][]Event{"r1": list("r1", "aa", 1, 4, 9), "r2": list("r2", "bb", 0, 0, 1), "r.3": list("r.3", "cc", 2, 3), "": list("", "", 5, 4)}
	all := Merge(lists["r1"], lists["r2"], nil, lists["r.3"], lists[""])
	if len(all) != 10 {
		t.Fatalf("%d events", len(all))
	}
	c := Cursor{}
	for i, e := range all {
		c = c.Of(e)
		again, err := ParseCursor(c.String())
		if err != nil || cmp.Diff(c, again) != "" {
			t.Fatalf("%q is read as %v, %v", c, again, err)
		}
		var rest [][]Event
		for name, l := range lists {
			rest = append(rest, l[again[name].Last:])
		}
		if diff := cmp.Diff(all[i+1:], Merge(rest...), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("after %d events, at %s (-want +got):\n%s", i+1, c, diff)
		}
	}
	for _, bad := range []string{"r1", "r1.a", "r1.a.x", ",", strings.Repeat("r1.a.1,", 1000)} {
		if c, err := ParseCursor(bad); err == nil {
			t.Errorf("%q is read as %v", bad, c)
		}
	}
}

func TestStages(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		m     Moments
		want  string
		total time.Duration
	}{
		"whole":                        {Moments{1000 * ms, 1400 * ms, 1430 * ms, 1440 * ms, 1450 * ms, 1451 * ms}, "detection 400ms election 30ms lease 10ms addresses 10ms announcement 1ms", 451 * ms},
		"no address":                   {Moments{1000 * ms, 1400 * ms, 1430 * ms, 1440 * ms, 0, 0}, "detection 400ms election 30ms lease 10ms", 440 * ms},
		"no sign of who was before":    {Moments{0, 1400 * ms, 1430 * ms, 1440 * ms, 0, 0}, "election 30ms lease 10ms", 40 * ms},
		"nobody to ask for a vote":     {Moments{1000 * ms, 0, 1430 * ms, 1440 * ms, 0, 0}, "election 430ms lease 10ms", 440 * ms},
		"announced before all were up": {Moments{1000 * ms, 1400 * ms, 1430 * ms, 1440 * ms, 1460 * ms, 1450 * ms}, "detection 400ms election 30ms lease 10ms addresses 20ms announcement 0s", 460 * ms},
		"nothing":                      {Moments{}, "", 0},
	} {
		stages, total := c.m.Stages()
		var words []string
		var sum float64
		for _, s := range stages {
			words, sum = append(words, s.String()), sum+s.Seconds
		}
		if got := strings.Join(words, " "); got != c.want || total != c.total {
			t.Errorf("%s: %s, together %v; want %s, %v", name, got, total, c.want, c.total)
		}
		if diff := sum - total.Seconds(); diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s: the stages are %v together, not %v", name, sum, total)
		}
	}
}

func TestFailoverInALine(t *testing.T) {
	f := Takeover{From: "r1", To: "r2", Reason: "transfer", By: "ada", Seconds: 0.0125, Stages: []Stage{{"detection", 0.012}, {"election", 0.0005}}}
	if got, want := f.String(), "r1 -> r2: transfer, asked for by ada; 13ms: detection 12ms, election 500µs"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	f = Takeover{From: "r1", To: "r2", Via: "w", Reason: "leader lost", Unfinished: "it lost the lead again"}
	if got, want := f.String(), "r1 -> r2: leader lost, by way of witness w; not complete: it lost the lead again"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
