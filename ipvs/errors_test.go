package ipvs

import (
	"errors"
	"io/fs"
	"net/netip"
	"syscall"
	"testing"
)

func TestRefused(t *testing.T) {
	s := Service{Key: AddrKey(TCP, netip.MustParseAddrPort("10.0.0.1:80")), Scheduler: "mh"}
	six := Service{Key: MarkKey(7, IPv6), Scheduler: "mh"}
	sip := s
	sip.Persistent, sip.PE = 1, "sip"
	d := Destination{Addr: netip.MustParseAddrPort("10.1.0.1:80"), Weight: 1}
	tests := []struct {
		name  string
		op    Op
		errno syscall.Errno
		is    error
		want  string
	}{
		{"service twice", Op{Verb: AddService, Service: s}, syscall.EEXIST, fs.ErrExist,
			"-A -t 10.0.0.1:80 -s mh: the service is there already: file exists"},
		{"no service", Op{Verb: DeleteService, Service: s}, syscall.ESRCH, fs.ErrNotExist,
			"-D -t 10.0.0.1:80: there is no such service: no such process"},
		{"server twice", Op{Verb: AddDestination, Service: s, Destination: d}, syscall.EEXIST, fs.ErrExist,
			"-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1: the server is there already: file exists"},
		{"no server", Op{Verb: DeleteDestination, Service: s, Destination: d}, syscall.ENOENT, fs.ErrNotExist,
			"-d -t 10.0.0.1:80 -r 10.1.0.1:80: there is no such server: no such file or directory"},
		{"no scheduler", Op{Verb: EditService, Service: s}, syscall.ENOENT, ErrNoScheduler,
			"-E -t 10.0.0.1:80 -s mh: the kernel lacks scheduler mh (modprobe ip_vs_mh): no such file or directory"},
		{"no engine", Op{Verb: AddService, Service: sip}, syscall.ENOENT, ErrNoScheduler,
			"-A -t 10.0.0.1:80 -s mh -p 1 --pe sip: the kernel lacks scheduler mh or persistence engine sip " +
				"(modprobe ip_vs_mh ip_vs_pe_sip): no such file or directory"},
		{"no right", Op{Verb: SetTimeouts, Timeouts: KernelTimeouts()}, syscall.EPERM, fs.ErrPermission,
			"--set 900 120 300: it takes root or CAP_NET_ADMIN: operation not permitted"},
		{"server's address", Op{Verb: EditDestination, Service: s, Destination: d}, syscall.EINVAL, syscall.EINVAL,
			"-e -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1: the kernel refuses these values (the server's address must be one host's, and lo must be up): invalid argument"},
		{"no ipv6", Op{Verb: AddService, Service: six}, syscall.EAFNOSUPPORT, syscall.EAFNOSUPPORT,
			"-A -f 7 -6 -s mh: the kernel's IPVS was built without ipv6: address family not supported by protocol"},
		{"daemon twice", Op{Verb: StartDaemon, Daemon: Daemon{Role: Master, Link: "eth1", ID: 7}}, syscall.EEXIST, fs.ErrExist,
			"--start-daemon master --mcast-interface eth1 --syncid 7: a master runs already: file exists"},
		{"no daemon", Op{Verb: StopDaemon, Daemon: Daemon{Role: Backup}}, syscall.ESRCH, fs.ErrNotExist,
			"--stop-daemon backup: no backup runs: no such process"},
		{"no device", Op{Verb: StartDaemon, Daemon: Daemon{Role: Backup, Link: "eth9"}}, syscall.ENODEV, syscall.ENODEV,
			"--start-daemon backup --mcast-interface eth9 --syncid 0: there is no device eth9: no such device"},
		{"anything else", Op{Verb: DeleteService, Service: six}, syscall.ENOMEM, syscall.ENOMEM,
			"-D -f 7 -6: cannot allocate memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := refused(tt.op, tt.errno)
			if err.Error() != tt.want {
				t.Errorf("says  %s\nwant  %s", err, tt.want)
			}
			if !errors.Is(err, tt.is) || !errors.Is(err, tt.errno) {
				t.Errorf("%v is not %v and %v", err, tt.is, tt.errno)
			}
		})
	}
	absent := refused(Op{Verb: DeleteDestination, Service: s, Destination: d}, syscall.ENOENT)
	if errors.Is(absent, ErrNoScheduler) || errors.Is(absent, fs.ErrExist) {
		t.Errorf("%v is too much", absent)
	}
}
