package health

import (
	"strings"
	"testing"
)

// An expression is compiled once for all probes that share a memory, and what is said is quoted to a length.
func TestExpect(t *testing.T) {
	p := prober{memory: newMemory()}
	a, err := p.expect("~a+")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := p.expect("~a+"); a.pattern != b.pattern {
		t.Error("compiled twice")
	}
	if got := said([]byte(strings.Repeat("é", 100))); got != `"`+strings.Repeat(`\u00e9`, 45)+`"…` {
		t.Error(got)
	}
}
