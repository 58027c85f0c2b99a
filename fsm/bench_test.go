package fsm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// An entry's price with every ring full: what a replay of the log after a restart costs per entry.
func BenchmarkApply(b *testing.B) {
	m := cluster(b, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80")
	for range maxRequests {
		m.do(&ClearOverride{Target: "router/r1"})
	}
	for _, bench := range []struct {
		name string
		c    func(i int) Command
	}{
		{"override", func(i int) Command { return &SetOverride{Target: "server/Web/a", Kind: Weight, Weight: i % 1000} }},
		{"document", func(i int) Command { return set(b, fmt.Sprintf("Web=10.0.0.1:80 a=10.1.0.%d:80", i%250+1)) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			m.log = nil
			for i := range b.N {
				m.entry(bench.c(i))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for _, l := range m.log {
				if _, err := DecodeResult(m.Apply(&raft.Log{Index: l.Index, Term: 2, Data: l.Data}).([]byte)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A thousand virtual servers have all their ten servers replaced: ten thousand leave.
func BenchmarkLeave(b *testing.B) {
	words := func(server string) string {
		var w strings.Builder
		for v := range 1000 {
			fmt.Fprintf(&w, "V%d=10.0.%d.1:80 ", v, v/250)
			for s := range 10 {
				fmt.Fprintf(&w, "s%d=%s.%d.%d:%d ", s, server, v/250, v%250+1, 80+s)
			}
		}
		return w.String()
	}
	old, replaced := doc(words("10.1")), doc(words("10.2"))
	for i := range old.Virtuals { // a service each
		old.Virtuals[i].Ports, replaced.Virtuals[i].Ports = []uint16{uint16(1000 + i)}, []uint16{uint16(1000 + i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		c := &change{Snapshot: &Snapshot{Document: replaced, Revision: 3}, at: t0}
		c.leave(old, t0.Add(time.Hour))
		if len(c.Leaving) != 10000 || len(c.Due) != 10000 {
			b.Fatalf("%d leave, %d are due", len(c.Leaving), len(c.Due))
		}
	}
}
