package ipvs

import (
	"context"
	"slices"
)

// knownSchedulers are the schedulers of Linux up to 6.18, as ipvsadm(8) lists them.
var knownSchedulers = [...]string{
	"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos",
}

// Schedulers returns those schedulers, or all that there are if none is named, but for the ones that Lack named.
func (f *Fake) Schedulers(_ context.Context, names ...string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(names) == 0 {
		names = knownSchedulers[:]
	}
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return slices.Contains(f.lacks, s) }), nil
}
