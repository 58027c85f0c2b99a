package agent

import (
	"fmt"
	"testing"
	"time"

	"polso/api"
)

// A rolling upgrade restarts router after router, the director last: each hands over what it holds before it ends, its kernel's
// table stays through the restart, and it takes its place again. Packages rely on it: they restart the agent.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	active := w.nodes[0].status("a director", settled(3, 2)).Active
	order := append(w.others(w.router(active)), w.router(active))
	for _, r := range order {
		before := r.table.String()
		r.table.Diary() // what was written until now
		holder := w.holder(webVIP)
		r.halt()
		stopped := time.Now()
		if got := r.table.String(); got != before || got == "" {
			t.Errorf("%s has stopped, and its table is\n%s\nwhich was\n%s", r.name, got, before)
		}
		if holder != r.name {
			if got := w.holder(webVIP); got != holder {
				t.Errorf("%s has stopped, and %q holds the address, which %s held", r.name, got, holder)
			}
		} else {
			st := w.others(r)[0].status("a successor", func(st api.Status) error {
				if h := w.holder(webVIP); h == "" || st.LastFailover == nil || st.LastFailover.To != h || st.LastFailover.Reason != "transfer" {
					return fmt.Errorf("%q holds the address, last failover %+v", h, st.LastFailover)
				}
				return nil
			})
			t.Logf("%s handed over: %+v, seen %v after its end", r.name, *st.LastFailover, time.Since(stopped))
		}
		r.start()
		w.nodes[0].status(r.name+" is back", func(st api.Status) error {
			if m := memberNamed(t, st, r.name); m.Started == nil || m.Started.Before(stopped) { // what it said before it stopped
				return fmt.Errorf("%s tells of its process of %v", r.name, m.Started)
			}
			return settled(3, 2)(st)
		})
		if done := r.table.Diary(); len(done) > 0 {
			t.Errorf("%s is back, and has written to its table: %v", r.name, done)
		}
	}
}
