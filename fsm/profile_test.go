package fsm

import "testing"

// The profile changes in two steps, and nothing but the report of every node, those admitted meanwhile too, makes the second.
func TestProfile(t *testing.T) {
	m := cluster(t, "")
	is := func(profile, next string, change uint64) {
		t.Helper()
		if c := m.Load().Cluster; c.Profile != profile || c.Next != next || c.Change != change {
			t.Errorf("profile %q, next %q, change %d; want %q, %q, %d", c.Profile, c.Next, c.Change, profile, next, change)
		}
	}
	refused := func(c Command, code Code, text string) {
		t.Helper()
		before := m.Load().Cluster
		if r := m.do(c).Refusal; r == nil || r.Code != code || r.Text != text {
			t.Errorf("%s: %+v, want %s: %s", c, r, code, text)
		}
		is(before.Profile, before.Next, before.Change)
	}
	unchanged := func(c Command) {
		t.Helper()
		before := m.Load().Cluster
		if r := m.do(c); r.Refusal != nil || !r.Unchanged {
			t.Errorf("%s: %+v, want it unchanged", c, r)
		}
		is(before.Profile, before.Next, before.Change)
	}
	is("lan", "", 0)
	unchanged(&SetProfile{Profile: "lan"})
	m.must(&SetProfile{Profile: "wan"})
	first := m.index
	is("lan", "wan", first)
	unchanged(&SetProfile{Profile: "wan"})

	// A node that is admitted while the reports come in is missing in them.
	reports := []string{"n1"}
	m.must(join("n2", "r2", "k1"))
	refused(&FinishProfile{Change: first, Reported: reports}, CodeConflict, "r2 did not report yet")
	reports = append(reports, "n2")

	// Taken back and begun again, it is another change: what was reported of the first does not count.
	m.must(&SetProfile{Profile: "lan"})
	is("lan", "", m.index)
	m.must(&SetProfile{Profile: "wan"})
	second := m.index
	refused(&FinishProfile{Change: first, Reported: reports}, CodeNotFound, "the change 5 of the profile is not under way")
	m.must(&FinishProfile{Change: second, Reported: reports})
	is("wan", "", m.index)

	if r := (&SetProfile{Profile: "turbo"}).check(); r == nil || r.Code != CodeInvalid || r.Text != `"turbo" is no profile: fast, lan, vm or wan` {
		t.Errorf("unknown profile: %+v", r)
	}
	if got := restored(t, textOf(t, m.Load())).Load().Cluster; got != m.Load().Cluster {
		t.Errorf("restored: %+v, want %+v", got, m.Load().Cluster)
	}
}
