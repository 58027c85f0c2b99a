package director

import (
	"fmt"
	"testing"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// told notes the lists of targets that a Health is told.
type told struct {
	settled
	lists [][]health.Target
}

func (t *told) Set(targets []health.Target) { t.lists = append(t.lists, targets) }

// What is asked is worked out and told once for each document, not in each pass.
func TestQuestionsAreMadeOncePerDocument(t *testing.T) {
	doc, revision := document(web("a", "b")), uint64(2)
	checks := new(told)
	d := New(Options{
		IPVS: new(ipvs.Fake), VIP: still{}, Sysctls: newProc(&diary{}), Health: checks,
		Mandate: func() Mandate { return Mandate{} },
		State:   func() State { return State{Known: true, Revision: revision, Document: doc} },
	})
	pass := func() *asked {
		d.round(d.o.Mandate, d.o.State)
		return d.memory.asked
	}
	first := pass()
	if pass() != first {
		t.Error("made anew for the same document")
	}
	if len(checks.lists) != 1 || len(checks.lists[0]) != 2 {
		t.Fatalf("told %v, want two targets once", checks.lists)
	}
	doc, revision = document(web("a", "b", "c")), 3
	if pass() == first || len(checks.lists) != 2 || len(checks.lists[1]) != 3 {
		t.Errorf("told %v after a document with another server", checks.lists)
	}
	doc = config.Document{}
	if pass(); len(checks.lists) != 3 || len(checks.lists[2]) != 0 {
		t.Errorf("told %v after an empty document", checks.lists)
	}
}

// Whatever is looked up is what TargetOf says, also of sorry servers, and of virtuals that the document does not have.
func TestQuestionsAreThoseOfTargetOf(t *testing.T) {
	v := web("a", "b")
	v.Servers[1].Check = &config.Check{Kind: config.CheckTCP, Port: 8080}
	v.Sorry = []config.Server{v.Servers[0]}
	v.Sorry[0].Check = &config.Check{Kind: config.CheckTCP, Port: 9090}
	bare := web("a", "b")
	bare.Name, bare.Check = "bare", nil
	a := askedOf(nil, document(v, bare))
	other := web("x")
	other.Name = "other"
	for _, v := range []config.Virtual{v, bare, other, Apart(v)} {
		servers := v.Servers
		if v.Name == "" {
			servers = v.Sorry
		}
		for _, s := range servers {
			target, askable := TargetOf(v, s)
			q := a.at(v, s)
			if q.askable != askable || askable && q.key != target.Key() {
				t.Errorf("%s/%s: %+v, want %s", v.Name, s.Name, q, target.Key())
			}
		}
	}
	want := "[tcp 10.0.0.1:80 every 2s timeout 1s rise 2 fall 3 tcp 10.0.0.1:9090 tcp 10.0.0.2:8080]"
	var keys []health.Key
	for _, target := range a.probes {
		keys = append(keys, target.Key())
	}
	if got := fmt.Sprint(keys); got != want {
		t.Errorf("probes %s, want %s", got, want)
	}
}
