//go:build !linux

package ipvs

import (
	"context"
	"fmt"
	"iter"
	"runtime"
)

// Kernel is the virtual server table of a Linux kernel. There is none here.
type Kernel struct{}

// Open returns ErrNoIPVS.
func Open(Options) (*Kernel, error) {
	return nil, fmt.Errorf("ipvs: %w: IPVS is Linux's and this is %s", ErrNoIPVS, runtime.GOOS)
}

// Run returns ErrClosed.
func (*Kernel) Run(context.Context) error { return ErrClosed }

// Close does nothing.
func (*Kernel) Close() error { return nil }

// Table returns ErrClosed.
func (*Kernel) Table() (Table, Stats, error) { return Table{}, nil, ErrClosed }

// Daemons returns ErrClosed.
func (*Kernel) Daemons() ([]Daemon, error) { return nil, ErrClosed }

// Overview returns ErrClosed.
func (*Kernel) Overview() (Table, Stats, error) { return Table{}, nil, ErrClosed }

// Services returns ErrClosed.
func (*Kernel) Services([]Key) (Table, Stats, error) { return Table{}, nil, ErrClosed }

// Info returns ErrClosed.
func (*Kernel) Info() (Info, error) { return Info{}, ErrClosed }

// Do returns ErrClosed.
func (*Kernel) Do(Op) error { return ErrClosed }

// Connections yields ErrClosed.
func (*Kernel) Connections(context.Context, Detail) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) { yield(Connection{}, ErrClosed) }
}

// CPUStats returns ErrClosed.
func (*Kernel) CPUStats() (CPUStats, error) { return CPUStats{}, ErrClosed }

// Batch returns ErrClosed for each step.
func (k *Kernel) Batch(ops []Op) []error { return InTurn(ops, k.Do) }

// Schedulers returns ErrNoIPVS.
func Schedulers(context.Context, Options, ...string) ([]string, error) { return nil, ErrNoIPVS }

// Schedulers returns ErrNoIPVS.
func (*Kernel) Schedulers(context.Context, ...string) ([]string, error) { return nil, ErrNoIPVS }
