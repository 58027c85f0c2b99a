package fsm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Words about different things stand beside each other, each with its own end, and what an older release wrote goes on to
// replace everything that was said of its target.
func TestOverridesBesideEachOther(t *testing.T) {
	const a = "server/Web/a"
	beside := func(target, kind string, until time.Duration) Command {
		o := &SetOverride{Target: target, Kind: kind, Beside: true}
		if until != 0 {
			o.Until = t0.Add(until)
		}
		return o
	}
	expire := func(target string, at time.Duration) Command {
		return &Expire{Due{At: t0.Add(at), Kind: DueOverride, ID: target}}
	}
	all := []Command{beside(a, Weight, 0), beside(a, Drain, time.Minute), beside(a, Up, 2*time.Minute), beside("address/10.1.0.1", Drain, time.Minute)}
	const allShown = "revision 2\ndrain address/10.1.0.1\nup server/Web/a\ndrain server/Web/a\nweight server/Web/a\n" +
		"due override address/10.1.0.1 in 1m0s\ndue override server/Web/a in 1m0s\ndue override server/Web/a in 2m0s\n"
	tests := []struct {
		name string
		do   []Command
		want string
	}{
		{"all of them", all, allShown},
		{"whatever the order", []Command{all[3], all[2], all[1], all[0]}, allShown},
		{"disabled instead of drained", append(all[:3:3], beside(a, Disable, 0)),
			"revision 2\nup server/Web/a\ndisable server/Web/a\nweight server/Web/a\ndue override server/Web/a in 2m0s\n"},
		{"down instead of up", []Command{beside(a, Up, time.Minute), beside(a, Down, 0)}, "revision 2\ndown server/Web/a\n"},
		{"two that end together", []Command{beside(a, Drain, time.Minute), beside(a, Down, time.Minute)},
			"revision 2\ndown server/Web/a\ndrain server/Web/a\ndue override server/Web/a in 1m0s\n"},
		{"an older release's word", append(all[:3:3], &SetOverride{Target: a, Kind: Weight, Weight: 3}), "revision 2\nweight server/Web/a\n"},
		{"one taken back", append(all[:3:3], &ClearOverride{Target: a, About: AboutTraffic}),
			"revision 2\nup server/Web/a\nweight server/Web/a\ndue override server/Web/a in 2m0s\n"},
		{"all taken back", append(all[:3:3], &ClearOverride{Target: a}), "revision 2\n"},
		{"the server is gone, its address is not", append(all[:4:4], set(t, "Web=10.0.0.1:80 z=10.1.0.1:80")),
			"revision 3\ndrain address/10.1.0.1\ndue override address/10.1.0.1 in 1m0s\n"},
		{"so is its address", append(all[:4:4], with(set(t, "Web=10.0.0.1:80"), func(d *SetDocument) { d.LeaveUntil = time.Time{} })), "revision 3\n"},
		{"what is disabled at its address goes at once", []Command{beside("address/10.1.0.1", Disable, 0), set(t, "Web=10.0.0.1:80")}, "revision 3\n"},
		{"disabled beside a weight goes at once", []Command{beside(a, Weight, 0), beside(a, Disable, 0), set(t, "Web=10.0.0.1:80")}, "revision 3\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
			m.must(tt.do...)
			if d := cmp.Diff(tt.want, show(m.Load())); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	t.Run("each ends by itself", func(t *testing.T) {
		m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
		m.must(all[:3]...)
		m.index = 70
		m.must(expire(a, time.Minute))
		if d := cmp.Diff("revision 2\nup server/Web/a\nweight server/Web/a\ndue override server/Web/a in 2m0s\n", show(m.Load())); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
		m.index = 130
		m.must(expire(a, 2*time.Minute))
		if d := cmp.Diff("revision 2\nweight server/Web/a\n", show(m.Load())); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	})
}
