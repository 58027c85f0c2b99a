package ipvs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// lookEvery is after how many connections a reader looks whether it is still wanted.
const lookEvery = 1024

// Connections reads the kernel's connection table as a stream, in no order; it holds no part of it and needs no Run. The table
// goes on changing meanwhile: a connection that comes or goes may be there or not. The error, if any, comes last and with no
// connection; it is ctx's when that has ended.
//
// Linux before 6.14 searches its place anew for every 40 lines or so, and is slow with a large table.
func (k *Kernel) Connections(ctx context.Context, d Detail) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		f, err := openProc(k.netns, d.file())
		if err != nil {
			yield(Connection{}, err)
			return
		}
		defer f.Close()
		n := 0
		for c, err := range readConnections(f) {
			if n++; n%lookEvery == 0 && err == nil && ctx.Err() != nil {
				yield(Connection{}, ctx.Err())
				return
			}
			if err != nil {
				err = fmt.Errorf("ipvs: %s: %w", f.Name(), err)
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// CPUStats reads what each processor counted. It needs no Run.
func (k *Kernel) CPUStats() (CPUStats, error) {
	f, err := openProc(k.netns, "ip_vs_stats_percpu")
	if err != nil {
		return CPUStats{}, err
	}
	defer f.Close()
	st, err := readCPUStats(f)
	if err != nil {
		return CPUStats{}, fmt.Errorf("ipvs: %s: %w", f.Name(), err)
	}
	return st, nil
}

// openProc opens a file of /proc/net as a network namespace has it; "" is the process's. The file stays that namespace's.
func openProc(netns, name string) (*os.File, error) {
	f, err := openIn(netns, "/proc/thread-self/net/"+name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("ipvs: %w: %w", ErrNoIPVS, err)
	case err != nil:
		return nil, fmt.Errorf("ipvs: %w", err)
	}
	return f, nil
}

func openIn(netns, path string) (*os.File, error) {
	if netns == "" {
		return os.Open(path)
	}
	ns, err := os.Open(netns)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	var f *os.File
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and nobody else comes into the namespace
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
			f, err = os.Open(path)
		}
	}()
	<-done
	return f, err
}
