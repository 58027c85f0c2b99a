package ipvs

import (
	"context"
	"slices"
)

// knownSchedulers are the schedulers of Linux up to 6.18, as ipvsadm(8) lists them.
var knownSchedulers = [...]string{
	"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos",
}

// Schedulers returns all that there are but those that Lack named.
func (f *Fake) Schedulers(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(knownSchedulers[:]), func(s string) bool { return slices.Contains(f.lacks, s) }), nil
}
