package fsm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// With is what the document's entry then makes of the state, and leaves the state as it is.
func TestWith(t *testing.T) {
	const ab, a = "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80", "Web=10.0.0.1:80 a=10.1.0.1:80"
	m := cluster(t, ab)
	m.must(&SetOverride{Target: "server/Web/b", Kind: Drain, Until: t0.Add(2 * time.Hour)})
	s := m.Load()
	before := textOf(t, s)
	foreseen := s.With(doc(a), t0.Add(time.Duration(m.index+1)*time.Second), t0.Add(time.Hour))
	if textOf(t, s) != before {
		t.Error("the running state changed")
	}
	m.must(set(t, a))
	if d := cmp.Diff(show(m.Load()), show(foreseen)); d != "" {
		t.Errorf("-applied +foreseen:\n%s", d)
	}
}
