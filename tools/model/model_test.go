package main

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/traces.txt anew")

func skipUnderRace(t *testing.T) {
	if raceEnabled {
		t.Skip("each search is one goroutine's: nothing for the race detector")
	}
}

// TestNeverTwoHolders goes through the smaller clusters; `make model` through all.
func TestNeverTwoHolders(t *testing.T) {
	skipUnderRace(t)
	fast, _ := everything()
	if text, ok := tabulate(clusters, fast); !ok {
		t.Errorf("a search ended otherwise than it must:\n%s", text)
	} else if doc := document(t); !strings.Contains(doc, text) {
		t.Errorf("docs/safety.md has another table, `go run ./tools/model` prints it; these rows of it are\n%s", text)
	}
}

// TestEachRule switches each rule off. The ways to two holders are kept in testdata, so that one sees what a change of the
// model changes.
func TestEachRule(t *testing.T) {
	skipUnderRace(t)
	runs := eachOff()
	found := searches(runs)
	var b, traces strings.Builder
	b.WriteString(switched.head)
	for i, r := range runs {
		b.WriteString(switched.row(r, found[i]))
		name, says := r.model.offs()
		if !r.asItMust(found[i]) {
			t.Errorf("without %s (%s): %s", name, says, lines(found[i]))
		}
		traces.WriteString("without " + name + " (" + says + "), " + r.model.cluster() + "\n" + lines(found[i]) + "\n")
	}
	if !strings.Contains(document(t), b.String()) {
		t.Errorf("docs/safety.md has another table than\n%s", b.String())
	}
	golden := filepath.Join("testdata", "traces.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(traces.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if traces.String() != string(want) {
		t.Errorf("other ways to two holders than in %s (go test ./tools/model -update writes it anew):\n%s", golden, traces.String())
	}
}

func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryGuardOfTheLedger: a guard that the ledger gets, the model must get as well.
func TestEveryGuardOfTheLedger(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../../consensus/lease/guard.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ledger []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "off") {
			ledger = append(ledger, v.Names[0].Name)
		}
		return true
	})
	var off []string
	for _, r := range eachOff() {
		name, _ := r.model.offs()
		off = append(off, name)
	}
	for i, r := range rules {
		if r.off != 1<<i {
			t.Errorf("%s is not in its place", r.name)
		}
		if !slices.Contains(off, r.name) {
			t.Errorf("no search without %s", r.name)
		}
	}
	if len(ledger) == 0 {
		t.Error("no guard found")
	}
	for _, name := range ledger {
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.name == name }) {
			t.Errorf("the ledger has a guard %s, the model has not", name)
		}
	}
}

// TestPrint: names make no difference, anything else does.
func TestPrint(t *testing.T) {
	m := plain(5, 2, 2).withMembers(0, 1, 3)
	m.ready()
	s := m.begin()
	s.node[0].acked = of(3) | of(4)
	s.node[0].log[0], s.node[0].length = entry{term: 1, voters: 1 + 2 + 4 + 8}, 1
	s.sent[0][3] = 1
	swapped := swap(s, 0, 2)
	if a, b := m.print(&s), m.print(&swapped); a != b {
		t.Errorf("a and c have changed their names: %x, %x", a, b)
	}
	for name, change := range map[string]func(*state){
		"another age":        func(s *state) { s.sent[0][3] = 0 },
		"another follower":   func(s *state) { s.sent[0][3], s.sent[0][1] = never, 1 },
		"another voter":      func(s *state) { s.node[0].log[0].voters = 1 + 2 + 8 + 16 },
		"a promise":          func(s *state) { s.node[1].promised = 1 },
		"an acknowledgement": func(s *state) { s.node[0].acked = of(2) | of(4) },
	} {
		u := s
		if change(&u); m.print(&u) == m.print(&s) {
			t.Errorf("%s makes no difference", name)
		}
	}
}

// swap gives i's name to j and j's to i.
func swap(s state, i, j int) state {
	to := func(k int) int {
		switch k {
		case i:
			return j
		case j:
			return i
		}
		return k
	}
	call := func(c set) (d set) {
		for k := range most {
			if c.has(k) {
				d |= of(to(k))
			}
		}
		return d
	}
	t := s
	for k := range most {
		n := s.node[k]
		if n.voted > 0 {
			n.voted = uint8(to(int(n.voted)-1)) + 1
		}
		n.got, n.acked = call(n.got), call(n.acked)
		for e := range n.log {
			n.log[e].voters = call(n.log[e].voters)
		}
		t.node[to(k)] = n
		for l := range most {
			t.sent[to(k)][to(l)], t.rose[to(k)][to(l)] = s.sent[k][l], s.rose[k][l]
		}
	}
	return t
}
