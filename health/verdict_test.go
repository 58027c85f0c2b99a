package health

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
)

// run judges answers, one letter a probe (y, n or s, which is silence), and writes one letter a state (. unknown, U up, D down).
func run(check config.Check, answers string) (string, verdict) {
	var (
		t   verdict
		out strings.Builder
		now = time.Unix(1000, 0)
	)
	for _, a := range answers {
		now = now.Add(time.Second)
		t = t.judge(Result{OK: a == 'y', Took: time.Millisecond, Reason: string(a), Silent: a == 's'}, check, now)
		out.WriteByte(".UD"[t.State])
	}
	return out.String(), t
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name       string
		rise, fall int
		answers    string
		want       string
		streak     int
	}{
		{"up after rise", 2, 3, "yy", ".U", 0},
		{"down after fall", 2, 3, "nnn", "..D", 0},
		{"undecided while it flaps", 2, 3, "ynynny", "......", 1},
		{"one probe decides", 1, 1, "yny", "UDU", 0},
		{"two failures are forgiven", 2, 3, "yynnynn", ".UUUUUU", 2},
		{"three are not", 2, 3, "yynnn", ".UUUD", 0},
		{"back after rise", 2, 3, "nnnyny", "..DDDD", 1},
		{"back for good", 2, 3, "nnnyy", "..DDU", 0},
		{"rise and fall never below one", 0, 0, "nyn", "DUD", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, end := run(config.Check{Rise: tt.rise, Fall: tt.fall}, tt.answers)
			if got != tt.want || end.Streak != tt.streak {
				t.Errorf("answers %s\n got %s streak %d\nwant %s streak %d", tt.answers, got, end.Streak, tt.want, tt.streak)
			}
		})
	}
}

func TestJudgeKeepsTheLastAnswerAndTheTimeOfTheTurn(t *testing.T) {
	_, end := run(config.Check{Rise: 2, Fall: 3}, "yynn")
	want := Status{State: Up, Since: time.Unix(1002, 0), Last: time.Unix(1004, 0), Took: time.Millisecond, Reason: "n", Streak: 2, Heard: time.Unix(1004, 0)}
	if end.Status != want {
		t.Errorf("got %+v\nwant %+v", end.Status, want)
	}
}

// TestJudgeTellsSilence: who is down is silent from the probe that decided it until something comes back.
func TestJudgeTellsSilence(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(1000+second, 0).Add(-time.Millisecond) }
	for _, tt := range []struct {
		answers string
		heard   int64 // the probe, from 1
		silent  time.Time
	}{
		{"yyss", 2, time.Time{}},
		{"yysss", 2, at(5)},
		{"yyssssss", 2, at(5)},
		{"yynns", 4, at(5)},
		{"yyssn", 5, time.Time{}},
		{"yysssn", 6, time.Time{}},
		{"yysssns", 6, time.Time{}},
		{"yysssyy", 7, time.Time{}},
		{"yysssyysss", 7, at(10)},
	} {
		_, end := run(config.Check{Rise: 2, Fall: 3}, tt.answers)
		if heard := time.Unix(1000+tt.heard, 0); !end.Heard.Equal(heard) || !end.Silent.Equal(tt.silent) {
			t.Errorf("%s: heard %v and silent since %v, want %v and %v", tt.answers, end.Heard, end.Silent, heard, tt.silent)
		}
	}
}

// TestJudgeProperty compares the machine with the definition: the state changes at the first probe that completes a run
// of rise (or fall) equal answers since the state was entered, and only then.
func TestJudgeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		check := config.Check{Rise: rapid.IntRange(1, 4).Draw(t, "rise"), Fall: rapid.IntRange(1, 4).Draw(t, "fall")}
		answers := rapid.StringMatching(`[yn]{0,40}`).Draw(t, "answers")
		got, _ := run(check, answers)
		var want strings.Builder
		state := byte('.')
		for i := range answers {
			seen := answers[:i+1]
			switch {
			case state != 'U' && strings.HasSuffix(seen, strings.Repeat("y", check.Rise)):
				state = 'U'
			case state != 'D' && strings.HasSuffix(seen, strings.Repeat("n", check.Fall)):
				state = 'D'
			}
			want.WriteByte(state)
		}
		if got != want.String() {
			t.Fatalf("rise %d fall %d\nanswers %s\n    got %s\n   want %s", check.Rise, check.Fall, answers, got, want.String())
		}
	})
}
