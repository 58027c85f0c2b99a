package ipvs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"golang.org/x/sys/unix"
)

// Schedulers returns which of those schedulers this kernel offers, loading their modules; of all that there are, in
// ipvsadm's order of names, if none is named. It asks the only one who knows for sure: each is given a service in a
// network namespace made for that and gone afterwards, so no table that is in use is touched. It takes root (CAP_SYS_ADMIN for the namespace); ErrNoIPVS if there is no IPVS.
//
// o's namespace is of no account. It may be called by any goroutine, beside a Kernel or without one.
func Schedulers(ctx context.Context, o Options, names ...string) ([]string, error) {
	if len(names) == 0 {
		names = knownSchedulers[:]
	}
	type answer struct {
		names []string
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine, and the namespace with it
		have, err := probeSchedulers(ctx, o, names)
		done <- answer{have, err}
	}()
	a := <-done
	if a.err != nil {
		return nil, fmt.Errorf("ipvs: schedulers: %w", a.err)
	}
	return a.names, nil
}

// Schedulers is the function for this Kernel's machine; without the privilege to try them, it is ListedSchedulers.
func (k *Kernel) Schedulers(ctx context.Context, names ...string) ([]string, error) {
	have, err := Schedulers(ctx, Options{Timeout: k.timeout, Modprobe: k.modprobe, Log: k.log}, names...)
	if !errors.Is(err, fs.ErrPermission) {
		return have, err
	}
	have, unknown := ListedSchedulers(names...)
	if unknown != nil {
		return nil, errors.Join(err, unknown)
	}
	return have, nil
}

// probeSchedulers spoils the thread that it runs on.
func probeSchedulers(ctx context.Context, o Options, names []string) (have []string, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("make a network namespace to try them in: %w", err)
	}
	o.NetNS = "" // this thread's
	k, err := Open(o)
	if err != nil {
		return nil, err
	}
	defer k.sockets.close()
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := Service{Key: MarkKey(uint32(i+1), IPv4), Scheduler: name}
		switch err := k.do(Op{Verb: AddService, Service: s}); {
		case err == nil:
			have = append(have, name)
		case !errors.Is(err, ErrNoScheduler):
			return nil, err
		}
	}
	return have, nil
}
