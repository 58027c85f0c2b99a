package steward

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"polso/fsm"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// scene builds inputs for the leader r1 out of words, one member each:
//
//	r1 voter | r2 learner behind | r3 voter silent | w1 voter | r4 node (not in raft) | r5 voter stranger (no node)
//	r2 voter failing=5 | r2 voter converged | r2 voter drained | r2 learner contact=3s | r2 voter converged unfit
//	r2 voter converged undecided=web,mail | prefer r2 r1 (the document's order) | failback
//	trusting (entry 4 began a change of the CA) | r2 voter ca=4
//	changing (entry 3 began a change of the profile) | r2 voter change=3 | r2 voter restart
//	r2 voter converged fit=1m | r2 voter converged fit=5m handed=3 | r1 voter led=1s
//	r2 voter converged sees=web:3,mail:0+2 (of mail nothing is decided) | r1 voter yielded=10s
//	r2 voter converged penalty=10
//
// Trouble of r1's own has lasted for long, unless "for=1s" says how long.
//
// Names beginning with w are witnesses. The running revision is 7.
func scene(t testing.TB, self, words string) Inputs {
	t.Helper()
	in := Inputs{
		Now: now, Self: self, LedFor: time.Hour, Reports: make(map[string]Report), UnfitFor: time.Hour, FailingFor: time.Hour, DimFor: time.Hour, BurdenFor: time.Hour,
		FitFor: make(map[string]time.Duration), HandedBack: make(map[string]int),
		State: &fsm.Snapshot{Known: true, Cluster: fsm.Cluster{ID: "c"}, Revision: 7},
	}
	for part := range strings.SplitSeq(words, "|") {
		f := strings.Fields(part)
		if f[0] == "failback" {
			in.State.Document.Cluster.Failback = true
			continue
		}
		if f[0] == "trusting" {
			in.State.Cluster.NextCA, in.State.Cluster.CAChange = "pem", 4
			continue
		}
		if f[0] == "changing" {
			in.State.Cluster.Next, in.State.Cluster.Change = "wan", 3
			continue
		}
		if f[0] == "prefer" {
			for _, id := range f[1:] {
				in.State.Document.Cluster.Prefer = append(in.State.Document.Cluster.Prefer, id+"-name")
			}
			continue
		}
		m := Member{ID: f[0], CaughtUp: true, Reachable: true, LastContact: 50 * time.Millisecond}
		n := fsm.Node{ID: f[0], Name: f[0] + "-name", Kind: fsm.Router}
		if strings.HasPrefix(f[0], "w") {
			n.Kind = fsm.Witness
		}
		member, node := true, true
		for _, word := range f[1:] {
			key, value, _ := strings.Cut(word, "=")
			r := in.Reports[f[0]]
			switch key {
			case "voter":
				m.Voter = true
			case "learner":
			case "behind":
				m.CaughtUp = false
			case "silent":
				m.Reachable, m.LastContact = false, time.Minute
			case "contact":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				m.LastContact = d
			case "for":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				in.UnfitFor, in.FailingFor, in.DimFor, in.BurdenFor = d, d, d, d
			case "led":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				in.LedFor = d
			case "fit":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				in.FitFor[f[0]] = d
			case "handed":
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				in.HandedBack[f[0]] = n
			case "unfit":
				r.Unfit = "link eth0 of vip 192.0.2.10 is down"
				in.Reports[f[0]] = r
			case "undecided":
				r.Undecided = strings.Split(value, ",")
				in.Reports[f[0]] = r
			case "restart":
				r.Restart = true
				in.Reports[f[0]] = r
			case "ca":
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				r.CAChange = uint64(n)
				in.Reports[f[0]] = r
			case "change":
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				r.Change = uint64(n)
				in.Reports[f[0]] = r
			case "sees":
				r.Sees = sees(t, value)
				in.Reports[f[0]] = r
			case "penalty":
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				r.Penalty = n
				in.Reports[f[0]] = r
			case "yielded":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				in.Yielded = d
			case "node":
				member = false
			case "stranger":
				node = false
			case "drained":
				in.State.Overrides = append(in.State.Overrides, fsm.Override{Target: "router/" + n.Name, Kind: fsm.Drain})
			case "converged":
				in.Reports[f[0]] = Report{Revision: 7, Converged: true}
			case "failing":
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				r.Failing = n
				in.Reports[f[0]] = r
			case "revision":
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				r.Revision = uint64(n)
				in.Reports[f[0]] = r
			default:
				t.Fatalf("scene: unknown word %q", word)
			}
		}
		if member {
			in.Members = append(in.Members, m)
		}
		if node {
			in.State.Nodes = append(in.State.Nodes, n)
		}
	}
	return in
}

func diary(actions []Action) string {
	var lines []string
	for _, a := range actions {
		lines = append(lines, a.String())
	}
	return strings.Join(lines, ", ")
}

func TestDecide(t *testing.T) {
	tests := []struct {
		name  string
		self  string // r1 unless said otherwise
		scene string
		want  string
	}{
		{"one router alone", "", "r1 voter", ""},
		{"three voters", "", "r1 voter | r2 voter | r3 voter", ""},

		{"a lone second router stays a learner", "", "r1 voter | r2 learner", ""},
		{"the third lets both in, one after the other", "", "r1 voter | r2 learner | r3 learner", "promote r2"},
		{"then the other", "", "r1 voter | r2 voter | r3 learner", "promote r3"},
		{"a witness is a third voter", "", "r1 voter | r2 learner | w1 learner", "promote r2"},
		{"the third is behind", "", "r1 voter | r2 learner | r3 learner behind", ""},
		{"the third does not answer", "", "r1 voter | r2 learner | r3 learner silent", ""},
		{"the third answered long ago", "", "r1 voter | r2 learner | r3 learner contact=2s", ""},
		{"the third is no node", "", "r1 voter | r2 learner | r3 learner stranger", "remove member r3"},
		{"a fourth joins", "", "r1 voter | r2 voter | r3 voter | r4 learner", "promote r4"},
		{"a learner behind", "", "r1 voter | r2 voter | r3 learner behind", ""},

		{"an admission half done", "", "r1 voter | r2 node", "add learner r2"},
		{"two admissions half done: one at a time", "", "r1 voter | r3 node | r2 node", "add learner r3"},
		{"add before promote", "", "r1 voter | r2 learner | r3 learner | r4 node", "add learner r4"},

		{"a change of the profile that all apply", "", "changing | r1 voter change=3 | r2 voter change=3 | r3 voter change=3", "finish the change of the profile"},
		{"one has not heard of it", "", "changing | r1 voter change=3 | r2 voter change=3 | r3 voter change=2", ""},
		{"one was not heard", "", "changing | r1 voter change=3 | r2 voter change=3 | r3 voter silent", ""},
		{"one is admitted and not in raft yet", "", "changing | r1 voter change=3 | r2 voter change=3 | r3 node", "add learner r3"},
		{"one is removed and in raft still", "", "changing | r1 voter change=3 | r2 voter silent stranger", "remove member r2"},
		{"and cannot be taken out", "", "changing | r1 voter change=3 | r2 voter change=3 silent | r3 voter stranger", ""},
		{"no change", "", "r1 voter change=3 | r2 voter change=3", ""},

		{"a step of a change of the CA that all follow", "", "trusting | r1 voter ca=4 | r2 voter ca=4 | r3 voter ca=4", "advance the change of the CA"},
		{"one does not follow", "", "trusting | r1 voter ca=4 | r2 voter ca=4 | r3 voter change=2", ""},
		{"one was not heard", "", "trusting | r1 voter ca=4 | r2 voter ca=4 | r3 voter silent", ""},
		{"no change of the CA", "", "r1 voter ca=4 | r2 voter ca=4 | r3 voter ca=4", ""},

		{"restarts, the leader last", "", "changing | r1 voter restart | r2 voter converged restart | r3 voter converged restart", "restart r2"},
		{"restarts, the second", "", "changing | r1 voter restart | r2 voter converged change=3 | r3 voter converged restart", "restart r3"},
		{"restarts, the last", "", "changing | r1 voter restart | r2 voter converged change=3 | r3 voter change=3", "restart r1"},
		{"the leader waits for one that has not said that it must", "", "changing | r1 voter restart | r2 voter converged change=3 | r3 voter converged change=2", ""},
		{"and for one that has said nothing", "", "changing | r1 voter restart | r2 voter converged change=3 | r3 voter", ""},
		{"not for one that is away", "", "changing | r1 voter restart | r2 voter converged change=3 | r3 voter change=3 | r4 voter change=3 | r5 voter silent", "restart r1"},
		{"no restart before another could direct", "", "changing | r1 voter restart | r2 voter change=3 | r3 voter change=3", ""},
		{"no restart that leaves no majority", "", "changing | r1 voter change=3 | r2 voter restart | r3 voter silent", ""},
		{"nor one behind", "", "changing | r1 voter change=3 | r2 voter restart | r3 voter behind", ""},
		{"one of five is missing", "", "changing | r1 voter | r2 voter restart | r3 voter silent | r4 voter | r5 voter", "restart r2"},
		{"two cannot do without either", "", "changing | r1 voter | r2 voter restart", "restart r2"},
		{"alone", "", "r1 voter restart", "restart r1"},

		{"a removal half done", "", "r1 voter | r2 voter | r3 voter stranger", "remove member r3"},
		{"remove before add: a data directory was lost", "", "r1 voter | r2 voter | r3 voter silent stranger | r4 node", "remove member r3"},
		{"learners are removed first", "", "r1 voter | r2 voter | r3 voter silent stranger | r4 learner stranger", "remove member r4"},
		{"silent voters are removed before those that answer", "", "r1 voter | r2 voter stranger | r3 voter silent stranger | r4 voter", "remove member r3"},
		{"no removal that leaves no majority", "", "r1 voter | r2 voter silent | r3 voter stranger", ""},
		{"a silent one of two goes", "", "r1 voter | r2 voter silent stranger", "remove member r2"},
		{"removed itself: the successor does it", "", "r1 voter stranger | r2 voter converged | r3 voter", "hand over to r2"},
		{"removed itself, nobody converged", "", "r1 voter stranger | r2 voter silent | r3 voter", "hand over to r3"},
		{"removed itself, nobody there", "", "r1 voter stranger | r2 learner", ""},

		{"failing, another does not", "", "r1 voter failing=5 | r2 voter converged | r3 voter converged", "hand over to r2"},
		{"too few failing passes", "", "r1 voter failing=4 | r2 voter converged", ""},
		{"failing for a second", "", "r1 voter failing=5 for=1s | r2 voter converged", "hand over to r2"},
		{"failing not long enough", "", "r1 voter failing=5 for=999ms | r2 voter converged", ""},
		{"failing everywhere is the document's fault", "", "r1 voter failing=9 | r2 voter failing=9 revision=7 | r3 voter failing=1 revision=7", ""},
		{"the other follows an older revision", "", "r1 voter failing=5 | r2 voter converged revision=6", ""},
		{"the other converged but fails now", "", "r1 voter failing=5 | r2 voter converged failing=1", ""},
		{"the other was not heard", "", "r1 voter failing=5 | r2 voter", ""},
		{"the other is a learner", "", "r1 voter failing=5 | r2 learner converged", ""},
		{"the other is behind", "", "r1 voter failing=5 | r2 voter behind converged | r3 voter", ""},
		{"the other does not answer", "", "r1 voter failing=5 | r2 voter silent converged", ""},
		{"the other is drained", "", "r1 voter failing=5 | r2 voter converged drained | r3 voter converged", "hand over to r3"},
		{"never to a witness", "", "r1 voter failing=5 | w1 voter converged", ""},
		{"handing over comes before membership", "", "r1 voter failing=5 | r2 voter converged | r3 node", "hand over to r2"},
		{"failing with nobody better does membership", "", "r1 voter failing=5 | r2 voter | r3 node", "add learner r3"},

		{"unfit, another is not", "", "r1 voter converged unfit | r2 voter converged | r3 voter converged", "hand over to r2"},
		{"unfit for two seconds", "", "r1 voter converged unfit for=2s | r2 voter converged", "hand over to r2"},
		{"unfit not long enough", "", "r1 voter converged unfit for=1999ms | r2 voter converged", ""},
		{"unfit and failing: the sooner counts", "", "r1 voter failing=5 unfit for=1s | r2 voter converged", "hand over to r2"},
		{"unfit everywhere", "", "r1 voter unfit | r2 voter converged unfit | r3 voter converged unfit", ""},
		{"the other is unfit, the next is not", "", "r1 voter unfit | r2 voter converged unfit | r3 voter converged", "hand over to r3"},
		{"unfit, and the other's kernel fails", "", "r1 voter unfit | r2 voter failing=1 revision=7", ""},
		{"failing, and the other is unfit", "", "r1 voter failing=5 | r2 voter converged unfit", ""},
		{"unfit without anybody better does membership", "", "r1 voter unfit | r2 voter | r3 node", "add learner r3"},
		{"drained, and the other is unfit", "", "r1 voter drained | r2 voter converged unfit", ""},
		{"a witness hands over to the unfit before it keeps the lead", "w1", "w1 voter | r1 voter converged unfit", "hand over to r1"},
		{"an unfit standby is nobody's business", "", "r1 voter converged | r2 voter converged unfit", ""},

		{"the other has just booted and knows no server, the next does", "", "r1 voter unfit | r2 voter converged undecided=web | r3 voter converged", "hand over to r3"},
		{"the only other has just booted", "", "r1 voter drained | r2 voter converged undecided=web,mail", ""},
		{"a virtual is new to both", "", "r1 voter drained undecided=web | r2 voter converged undecided=web", "hand over to r2"},
		{"a virtual is new to both, the other has booted besides", "", "r1 voter drained undecided=web | r2 voter converged undecided=mail,web", ""},
		{"the director's own verdicts are no reason to move", "", "r1 voter converged undecided=web | r2 voter converged", ""},
		{"a witness hands over to who has just booted before it keeps the lead", "w1", "w1 voter | r1 voter converged undecided=web", "hand over to r1"},

		{"drained hands over", "", "r1 voter drained | r2 voter converged", "hand over to r2"},
		{"drained hands over to who is preferred", "", "r1 voter drained | r2 voter converged | r3 voter converged | prefer r1 r3", "hand over to r3"},
		{"drained, just elected, and the preferred one was not heard yet", "", "r1 voter drained led=999ms | r2 voter converged | r3 voter | prefer r3", ""},
		{"drained, elected a while ago", "", "r1 voter drained led=1s | r2 voter converged | r3 voter | prefer r3", "hand over to r2"},
		{"drained, just elected, and the preferred one is unfit", "", "r1 voter drained led=0s | r2 voter converged | r3 voter unfit | prefer r3", "hand over to r2"},
		{"drained, just elected, and the preferred one has not answered raft yet", "", "r1 voter drained led=999ms | r2 voter converged | r3 voter silent converged | prefer r3", ""},
		{"drained, just elected, and the preferred one is drained too", "", "r1 voter drained led=0s | r2 voter converged | r3 voter drained | prefer r3", "hand over to r2"},
		{"drained, just elected, and nobody is preferred", "", "r1 voter drained led=0s | r2 voter | r3 voter converged", "hand over to r3"},
		{"a witness waits for nobody", "w1", "w1 voter led=0s | r2 voter converged | r3 voter | prefer r3", "hand over to r2"},
		{"the preferred one cannot", "", "r1 voter drained | r2 voter converged | r3 voter converged unfit | prefer r3 r2", "hand over to r2"},
		{"unfit hands over in that order", "", "r1 voter unfit | r2 voter converged | r3 voter converged | r4 voter converged | prefer r4 r3", "hand over to r4"},
		{"nobody listed: as without", "", "r1 voter unfit | r2 voter converged | r3 voter converged | prefer r9", "hand over to r2"},
		{"removed hands over in that order", "", "r1 voter stranger | r2 voter converged | r3 voter converged | prefer r3", "hand over to r3"},
		{"a witness hands over in that order", "w1", "w1 voter | r1 voter failing=1 | r2 voter | prefer r2", "hand over to r2"},
		{"failback: fit for a minute", "", "r1 voter | r2 voter fit=1m | prefer r2 r1 | failback", "hand back to r2"},
		{"failback: not yet a minute", "", "r1 voter | r2 voter fit=59999ms | prefer r2 r1 | failback", ""},
		{"failback: not fit", "", "r1 voter | r2 voter | prefer r2 r1 | failback", ""},
		{"failback: this one comes first", "", "r1 voter | r2 voter fit=1h | prefer r1 r2 | failback", ""},
		{"failback: none is listed", "", "r1 voter | r2 voter fit=1h | failback", ""},
		{"failback: this one is listed, the other is not", "", "r1 voter | r2 voter fit=1h | prefer r9 r1 | failback", ""},
		{"failback: the other is listed, this one is not", "", "r1 voter | r2 voter fit=1h | prefer r2 | failback", "hand back to r2"},
		{"failback: the first of two", "", "r1 voter | r2 voter fit=1h | r3 voter fit=1m | prefer r3 r2 r1 | failback", "hand back to r3"},
		{"failback: the first is not fit", "", "r1 voter | r2 voter fit=1h | r3 voter | prefer r3 r2 r1 | failback", "hand back to r2"},
		{"failback: the first is fit soon, one move is enough", "", "r1 voter | r2 voter fit=1h | r3 voter fit=2s | prefer r3 r2 r1 | failback", ""},
		{"failback: the first keeps losing the lead", "", "r1 voter | r2 voter fit=1h | r3 voter fit=3m handed=3 | prefer r3 r2 r1 | failback", "hand back to r2"},
		{"failback: twice within the hour costs nothing", "", "r1 voter | r2 voter fit=1m handed=1 | prefer r2 | failback", "hand back to r2"},
		{"failback: the third time takes two minutes", "", "r1 voter | r2 voter fit=119s handed=2 | prefer r2 | failback", ""},
		{"failback: and then it is", "", "r1 voter | r2 voter fit=2m handed=2 | prefer r2 | failback", "hand back to r2"},
		{"failback: at most an hour", "", "r1 voter | r2 voter fit=1h handed=99 | prefer r2 | failback", "hand back to r2"},
		{"failback: membership first", "", "r1 voter | r2 voter fit=1h | r3 node | prefer r2 | failback", "add learner r3"},
		{"failback: trouble first", "", "r1 voter unfit | r2 voter converged fit=1h | r3 voter converged fit=1h | prefer r3 | failback", "hand over to r3"},
		{"failback from a removed router is a hand-over", "", "r1 voter stranger | r2 voter converged fit=1h | prefer r2 | failback", "hand over to r2"},
		{"without failback", "", "r1 voter | r2 voter fit=1h | prefer r2 r1", ""},
		{"preferred alone is no reason", "", "r1 voter converged | r2 voter converged | prefer r2 r1", ""},
		{"drained with nobody fit stays", "", "r1 voter drained | r2 voter failing=1", ""},
		{"a witness hands over", "w1", "w1 voter | r1 voter | r2 voter converged", "hand over to r2"},
		{"a witness hands over to whoever directs at all", "w1", "w1 voter | r1 voter failing=9 | r2 voter silent", "hand over to r1"},
		{"a witness prefers who has said nothing to who has trouble", "w1", "w1 voter | r1 voter converged unfit | r2 voter | r3 voter failing=1", "hand over to r2"},
		{"a witness prefers who has trouble to who is drained", "w1", "w1 voter | r1 voter drained converged | r2 voter failing=9", "hand over to r2"},
		{"a witness hands over to a drained router before it keeps the lead", "w1", "w1 voter | r1 voter drained", "hand over to r1"},
		{"and so does who was removed", "", "r1 voter stranger | r2 voter drained", "hand over to r2"},
		{"a witness leads while no router answers", "w1", "w1 voter | r1 voter silent | r2 voter behind", ""},
		{"a witness that leads does not hand over to another witness", "w1", "w1 voter | w2 voter | r1 voter silent", ""},
		{"a witness is no second voter", "", "r1 voter | w1 learner", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			self := tt.self
			if self == "" {
				self = "r1"
			}
			if got := diary(Decide(scene(t, self, tt.scene))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecideDue(t *testing.T) {
	in := scene(t, "r1", "r1 voter | r2 node")
	for i, at := range []time.Duration{-time.Hour, 0, time.Nanosecond} {
		in.State.Due = append(in.State.Due, fsm.Due{At: now.Add(at), Kind: fsm.DueToken, ID: fmt.Sprint("k", i)})
	}
	want := []Action{
		{Kind: Expire, Due: in.State.Due[0], Reason: "its time has come"},
		{Kind: Expire, Due: in.State.Due[1], Reason: "its time has come"},
		{Kind: AddLearner, ID: "r2", Reason: "r2-name was admitted"},
	}
	if d := cmp.Diff(want, Decide(in)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	in.Waiting = func(a Action) bool { return a.Due.ID == "k0" || a.Kind == AddLearner }
	if d := cmp.Diff(want[1:2], Decide(in)); d != "" {
		t.Errorf("with two waiting: -want +got:\n%s", d)
	}
}

// Drains that end in one pass, by their time or with their last connections, are one action for every thousand; one that failed waits.
func TestDecideEndsDrainsTogether(t *testing.T) {
	in := scene(t, "r1", "r1 voter")
	in.State.Due = []fsm.Due{{At: now, Kind: fsm.DueToken, ID: "k"}}
	in.IdleFor = make(map[string]time.Duration)
	for i := range 2*fsm.MaxDrains + 1 {
		d := fsm.Due{At: now.Add(time.Duration(i%2) * time.Hour), Kind: fsm.DueLeaving, ID: fmt.Sprintf("web/%d@3", i)}
		in.State.Due, in.IdleFor[d.ID] = append(in.State.Due, d), IdleAfter
	}
	got := Decide(in)
	if len(got) != 4 || got[0].Kind != Expire || got[0].Due.ID != "k" {
		t.Fatalf("%d actions, the first %v", len(got), got[0])
	}
	seen := make(map[string]bool)
	for i, a := range got[1:] {
		if want := []int{fsm.MaxDrains, fsm.MaxDrains, 1}[i]; a.Kind != EndDrains || len(a.Drains) != want {
			t.Errorf("%v of %d drains, want %d", a, len(a.Drains), want)
		}
		for _, d := range a.Drains {
			seen[d.ID] = true
		}
	}
	if len(seen) != 2*fsm.MaxDrains+1 {
		t.Errorf("%d drains end, want %d", len(seen), 2*fsm.MaxDrains+1)
	}
	in.Waiting = func(a Action) bool { return a.String() == got[1].String() }
	if left := Decide(in); len(left) != 3 || left[1].String() != got[2].String() {
		t.Errorf("with the first thousand waiting: %v", left)
	}
	in.Waiting, in.State.Due = nil, in.State.Due[:2]
	if left := diary(Decide(in)); strings.Contains(left, "end drains") || !strings.Contains(left, "web/0@3") {
		t.Errorf("a single one: %s", left)
	}
}

// A revision goes back by the leader's wall clock, whatever it did meanwhile: a clock that is set back prolongs the wait, one
// that is set ahead ends it.
func TestDecideConfirm(t *testing.T) {
	in := scene(t, "r1", "r1 voter")
	in.State.Due = []fsm.Due{{At: now.Add(5 * time.Minute), Kind: fsm.DueConfirm, ID: "43"}}
	for passed, want := range map[time.Duration]string{
		0: "", -time.Hour: "", 5*time.Minute - 1: "", 5 * time.Minute: "expire confirm 43 of 2026-11-22T10:05:00Z",
		48 * time.Hour: "expire confirm 43 of 2026-11-22T10:05:00Z",
	} {
		in.Now = now.Add(passed)
		if got := diary(Decide(in)); got != want {
			t.Errorf("after %v: got %q, want %q", passed, got, want)
		}
	}
}

// What waits does not keep others from their turn.
func TestDecideWaiting(t *testing.T) {
	in := scene(t, "r1", "r1 voter | r2 node | r3 node")
	in.Waiting = func(a Action) bool { return a.ID == "r2" }
	if got, want := diary(Decide(in)), "add learner r3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecideNothingKnown(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state fsm.Snapshot
	}{
		{"the state is not known", fsm.Snapshot{Cluster: fsm.Cluster{ID: "c"}}},
		{"there is no cluster", fsm.Snapshot{Known: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := scene(t, "r1", "r1 voter | r2 voter stranger | r3 node")
			if len(Decide(in)) == 0 {
				t.Fatal("the scene gives nothing to do")
			}
			tt.state.Nodes, tt.state.Due = in.State.Nodes, []fsm.Due{{At: now, Kind: fsm.DueToken, ID: "k"}}
			in.State = &tt.state
			if got := diary(Decide(in)); got != "" {
				t.Errorf("got %q, want nothing", got)
			}
		})
	}
}

// From any start, with every member answering, doing what Decide says ends, with every node a member and no one else, one
// change at a time, and never with exactly two voters made out of one learner alone.
func TestDecideConverges(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		in := scene(t, "r1", "r1 voter")
		for i := 2; i <= 6; i++ {
			id := fmt.Sprint("r", i)
			if rapid.Bool().Draw(r, "node") {
				in.State.Nodes = append(in.State.Nodes, fsm.Node{ID: id, Name: id, Kind: rapid.SampledFrom([]string{fsm.Router, fsm.Witness}).Draw(r, "kind")})
			}
			if rapid.Bool().Draw(r, "member") {
				in.Members = append(in.Members, Member{ID: id, Voter: rapid.Bool().Draw(r, "voter"), CaughtUp: true, Reachable: true})
			}
		}
		for range 20 {
			actions := Decide(in)
			if len(actions) == 0 {
				ready := 0
				for _, m := range in.Members {
					if _, ok := in.State.Node(m.ID); !ok {
						r.Fatalf("%s stays a member", m.ID)
					}
					if !m.Voter {
						ready++
					}
				}
				if len(in.Members) != len(in.State.Nodes) {
					r.Fatalf("%d members, %d nodes", len(in.Members), len(in.State.Nodes))
				}
				if ready > 0 && len(in.Members) != 2 {
					r.Fatalf("%d of %d members stay learners", ready, len(in.Members))
				}
				return
			}
			if len(actions) != 1 {
				r.Fatalf("more than one change in a pass: %s", diary(actions))
			}
			a := actions[0]
			i := slices.IndexFunc(in.Members, func(m Member) bool { return m.ID == a.ID })
			switch a.Kind {
			case AddLearner:
				in.Members = append(in.Members, Member{ID: a.ID, CaughtUp: true, Reachable: true})
			case Promote:
				in.Members[i].Voter = true
			case RemoveMember:
				in.Members = slices.Delete(in.Members, i, i+1)
			default:
				r.Fatalf("%s with every router fit", a)
			}
		}
		r.Fatal("20 passes and no end")
	})
}
