package ipvs

import (
	"context"
	"iter"
	"slices"
)

// Connections are those that SetConnections gave.
func (f *Fake) Connections(ctx context.Context, d Detail) iter.Seq2[Connection, error] {
	f.mu.Lock()
	list := f.connections
	f.mu.Unlock()
	return func(yield func(Connection, error) bool) {
		for _, c := range list {
			if d == Engines {
				c.Origin = 0
			} else {
				c.PE, c.PEData = "", ""
			}
			if ctx.Err() != nil {
				yield(Connection{}, ctx.Err())
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// CPUStats are those that SetCPUStats gave.
func (f *Fake) CPUStats() (CPUStats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return CPUStats{CPUs: slices.Clone(f.cpus.CPUs), Total: f.cpus.Total}, nil
}

// SetConnections sets the connection table from now on.
func (f *Fake) SetConnections(list []Connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connections = slices.Clone(list)
}

// SetCPUStats sets what the processors have counted from now on.
func (f *Fake) SetCPUStats(st CPUStats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cpus = CPUStats{CPUs: slices.Clone(st.CPUs), Total: st.Total}
}
