package fsm

import "testing"

// The CA changes in three steps, each after the report of every node, those admitted meanwhile too; only the first can be begun anew.
func TestRotateCA(t *testing.T) {
	m := cluster(t, "")
	is := func(ca, next, old string) {
		t.Helper()
		if c := m.Load().Cluster; c.CA != pem+ca || c.NextCA != next || c.OldCA != old {
			t.Errorf("CA %q, next %q, old %q; want %q, %q, %q", c.CA, c.NextCA, c.OldCA, pem+ca, next, old)
		}
	}
	refused := func(c Command, code Code, text string) {
		t.Helper()
		before := m.Load().Cluster
		if r := m.do(c).Refusal; r == nil || r.Code != code || r.Text != text {
			t.Errorf("%s: %+v, want %s: %s", c, r, code, text)
		}
		if m.Load().Cluster != before {
			t.Errorf("%s changed the cluster", c)
		}
	}
	m.must(&RotateCA{CA: pem + "1"})
	first := m.Load().Cluster.CAChange
	is("", pem+"1", "")
	m.must(&RotateCA{CA: pem + "2"}, join("n2", "r2", "k1"))
	is("", pem+"2", "")
	begun := m.Load().Cluster.CAChange
	both := []string{"n1", "n2"}
	refused(&AdvanceCA{Change: first, Reported: both}, CodeNotFound, "the step 4 of a change of the CA is not under way")
	refused(&AdvanceCA{Change: begun, Reported: []string{"n1"}}, CodeConflict, "r2 did not report yet")
	if len(m.Load().Tokens) != 1 {
		t.Fatal("there is no token")
	}

	m.must(&AdvanceCA{Change: begun, Reported: both})
	is("2", "", pem)
	if s := m.Load(); len(s.Tokens) != 0 || len(s.Due) != 0 {
		t.Errorf("tokens of the old CA are left: %v, %v", s.Tokens, s.Due)
	}
	refused(&RotateCA{CA: pem + "3"}, CodeConflict, "the CA before is still trusted, until every router has a certificate of the new one")
	issued := m.Load().Cluster.CAChange
	refused(&AdvanceCA{Change: begun, Reported: both}, CodeNotFound, "the step 5 of a change of the CA is not under way")
	m.must(&AdvanceCA{Change: issued, Reported: both})
	is("2", "", "")
	refused(&AdvanceCA{Change: m.Load().Cluster.CAChange, Reported: both}, CodeNotFound, "the step 12 of a change of the CA is not under way")
	m.must(&RotateCA{CA: pem + "3"})
	if got := restored(t, textOf(t, m.Load())).Load().Cluster; got != m.Load().Cluster {
		t.Errorf("restored: %+v, want %+v", got, m.Load().Cluster)
	}
}
