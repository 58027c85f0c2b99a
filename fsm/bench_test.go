package fsm

import (
	"fmt"
	"testing"

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
