package fsm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLead(t *testing.T) {
	m := newMachine(t)
	m.must(&TakeLead{Node: "n1", Reason: "first"}) // before there is a cluster
	m.term = 5
	m.must(&TakeLead{Node: "n2", From: "n1", Reason: "leader lost", Took: time.Second})
	if r := m.do(&TakeLead{Node: "n2", Reason: "leader lost"}); !r.Unchanged {
		t.Errorf("a second time in a term: %+v", r)
	}
	s := m.Load()
	want := []Lead{
		{Node: "n2", Term: 5, At: t0.Add(2 * time.Second), Reason: "leader lost", Took: time.Second, From: "n1"},
		{Node: "n1", Term: 2, At: t0.Add(time.Second), Reason: "first"},
	}
	if d := cmp.Diff(want, []Lead{s.Lead, s.Before}); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Who asked for a switchover, or for a test of who is told, stands in the audit and nowhere else.
func TestAuditAlone(t *testing.T) {
	for want, c := range map[string]Command{
		"the switchover from r1 to r2 was asked for":              &Switched{From: "r1", To: "r2"},
		"notify pager was tested; told by r1, r2; not told by r3": &TestedNotice{Notify: "pager", Told: []string{"r1", "r2"}, Failed: []string{"r3"}},
		"notify pager was tested; told by r1":                     &TestedNotice{Notify: "pager", Told: []string{"r1"}},
	} {
		m := cluster(t, "")
		before := m.Load()
		m.must(c)
		after := *m.Load()
		last := after.Audit[len(after.Audit)-1]
		if last.Action != string(c.Name()) || last.Detail != want || last.Actor != admin {
			t.Errorf("audit: %+v", last)
		}
		after.Index, after.Audit, after.requests = before.Index, before.Audit, before.requests
		if d := cmp.Diff(textOf(t, before), textOf(t, &after)); d != "" {
			t.Errorf("%s: -before +after:\n%s", c, d)
		}
	}
}

// A witness that passes the lead on is no director: who takes the addresses over takes them from the router before it.
func TestLeadThroughAWitness(t *testing.T) {
	m := cluster(t, "")
	witness := join("n3", "w1", "k2")
	witness.Node.Kind = Witness
	forWitness := token("k2", "b")
	forWitness.Token.Kind = Witness
	m.must(join("n2", "r2", "k1"), forWitness, witness)
	m.term = 5
	m.must(&TakeLead{Node: "n3", From: "n1", Reason: "leader lost", Took: time.Second})
	leads := func(want ...string) {
		t.Helper()
		s := m.Load()
		got := []string{s.Before.Node, s.Lead.Node, s.Lead.From, s.Lead.Reason, s.Lead.Took.String()}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
	leads("n1", "n3", "n1", "leader lost", "1s")
	m.term = 6
	m.must(&TakeLead{Node: "n2", From: "n3", Reason: "transfer", Took: 50 * time.Millisecond})
	leads("n1", "n2", "n1", "leader lost", "0s")
	m.term = 7
	m.must(&TakeLead{Node: "n1", From: "n2", Reason: "transfer", Took: time.Millisecond})
	leads("n2", "n1", "n2", "transfer", "1ms")
}

// Who led is named after it was removed too, whether it left the lead before or has it still.
func TestLeadOfARemovedNode(t *testing.T) {
	m := cluster(t, "")
	m.must(join("n2", "r2", "k1"))
	m.term = 5
	m.must(&TakeLead{Node: "n2", Reason: "leader lost"})
	names := func(want ...string) {
		t.Helper()
		s := m.Load()
		if d := cmp.Diff(want, []string{s.Lead.Node, s.Lead.Name, s.Before.Node, s.Before.Name}); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
	names("n2", "", "n1", "")
	m.must(join("n3", "r3", "k1"), &RemoveNode{ID: "n1"})
	names("n2", "", "n1", "r1")
	m.must(&RemoveNode{ID: "n2"})
	names("n2", "r2", "n1", "r1")
	m.term = 6
	m.must(&TakeLead{Node: "n3", Reason: "leader lost"})
	names("n3", "", "n2", "r2")
}
