package ipvs

import (
	"errors"
	"io/fs"
	"syscall"
)

// ErrNoIPVS means that the running kernel has no IPVS and its module could not be loaded.
var ErrNoIPVS = errors.New("this kernel has no IPVS")

// ErrNoScheduler means that the kernel has neither compiled in nor as a module a scheduler (or persistence engine) of
// that name. It is an fs.ErrNotExist too.
var ErrNoScheduler = errors.New("the kernel has no such scheduler")

// ErrClosed means that the Kernel was closed, or that its Run has returned.
var ErrClosed = errors.New("ipvs: closed")

// OpError is a step that the kernel (or the fake) refused, with the reason in an administrator's words.
//
// errors.Is finds the errno in it, fs.ErrExist for what exists already, fs.ErrNotExist for an absent service or server
// (ESRCH and ENOENT), fs.ErrPermission, and ErrNoScheduler.
type OpError struct {
	Op     Op
	Reason string // "" if the errno alone says it
	Errno  syscall.Errno
}

// Error returns "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1: there is no such service: no such process".
func (e *OpError) Error() string {
	if e.Reason == "" {
		return e.Op.String() + ": " + e.Errno.Error()
	}
	return e.Op.String() + ": " + e.Reason + ": " + e.Errno.Error()
}

// Unwrap returns the errno.
func (e *OpError) Unwrap() error { return e.Errno }

// Is tells what the errno alone does not: the kernel says ESRCH for a service that is absent.
func (e *OpError) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Errno == syscall.ESRCH
	case ErrNoScheduler:
		return e.Errno == syscall.ENOENT && (e.Op.Verb == AddService || e.Op.Verb == EditService)
	}
	return false
}

// refused explains an errno that the kernel answered to a step. The answers are those of net/netfilter/ipvs/ip_vs_ctl.c.
func refused(o Op, errno syscall.Errno) error {
	e := &OpError{Op: o, Errno: errno}
	if o.Verb == StartDaemon || o.Verb == StopDaemon {
		e.Reason = o.Daemon.refused(errno)
		return e
	}
	onService := o.Verb == AddService || o.Verb == EditService || o.Verb == DeleteService
	switch errno {
	case syscall.EEXIST:
		e.Reason = "the server is there already"
		if onService {
			e.Reason = "the service is there already"
		}
	case syscall.ESRCH:
		e.Reason = "there is no such service"
	case syscall.ENOENT:
		switch {
		case !onService:
			e.Reason = "there is no such server"
		case o.Service.PE != "":
			e.Reason = "the kernel lacks scheduler " + o.Service.Scheduler + " or persistence engine " + o.Service.PE +
				" (modprobe ip_vs_" + o.Service.Scheduler + " ip_vs_pe_" + o.Service.PE + ")"
		default:
			e.Reason = "the kernel lacks scheduler " + o.Service.Scheduler + " (modprobe ip_vs_" + o.Service.Scheduler + ")"
		}
	case syscall.EPERM, syscall.EACCES:
		e.Reason = "it takes root or CAP_NET_ADMIN"
	case syscall.ERANGE:
		e.Reason = "weight or threshold out of range"
	case syscall.EINVAL:
		e.Reason = "the kernel refuses these values"
		switch onServer := o.Verb == AddDestination || o.Verb == EditDestination; {
		case onServer && FamilyOf(o.Destination.Addr.Addr()) != o.Service.Family:
			e.Reason += " (while a sync daemon runs, a server must be of its service's family)"
		case onServer:
			e.Reason += " (the server's address must be one host's, and lo must be up)"
		}
	case syscall.EAFNOSUPPORT:
		e.Reason = "the kernel's IPVS was built without " + o.Service.Family.String()
	}
	return e
}
