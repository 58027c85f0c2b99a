package ipvs

import (
	"slices"
	"syscall"
)

// Daemons lists the daemons that run, as Kernel.Daemons does.
func (f *Fake) Daemons() ([]Daemon, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failRead != nil {
		return nil, f.failRead
	}
	return slices.Clone(f.daemons), nil
}

// doDaemon answers in the order in which the kernel looks: the device, then whether one runs already. f.mu is held.
func (f *Fake) doDaemon(o Op) syscall.Errno {
	i := slices.IndexFunc(f.daemons, func(d Daemon) bool { return d.Role == o.Daemon.Role })
	switch {
	case o.Verb == StopDaemon && i < 0:
		return syscall.ESRCH
	case o.Verb == StopDaemon:
		f.daemons = slices.Delete(f.daemons, i, i+1)
	case slices.Contains(f.lacks, o.Daemon.Link):
		return syscall.ENODEV
	case i >= 0:
		return syscall.EEXIST
	default:
		f.daemons = append(f.daemons, o.Daemon.canonical())
		slices.SortFunc(f.daemons, func(a, b Daemon) int { return int(a.Role) - int(b.Role) })
	}
	return 0
}
