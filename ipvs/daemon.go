package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// A Daemon is one of the two by which a kernel shares connections with others: the master tells of this one's, the backup
// takes in what others tell. Both may run beside each other; what a node says itself it does not hear.
type Daemon struct {
	Role   DaemonRole
	Link   string     // the device
	ID     uint8      // a backup passes over what bears another one, unless its own is 0
	Group  netip.Addr // multicast; invalid: 224.0.0.81
	Port   uint16     // 0: 8848
	TTL    uint8      // 0: 1
	MaxLen uint16     // of a message; 0: what fits into 1500 bytes, and for a backup into its link's MTU if that is more
}

// DaemonRole is what a Daemon does, with the kernel's numbers (IP_VS_STATE_*).
type DaemonRole uint8

// The roles.
const (
	Master DaemonRole = 1
	Backup DaemonRole = 2
)

// String returns ipvsadm's word for the role.
func (r DaemonRole) String() string {
	switch r {
	case Master:
		return "master"
	case Backup:
		return "backup"
	default:
		return fmt.Sprintf("role %d", uint8(r))
	}
}

// The kernel's defaults, net/netfilter/ipvs/ip_vs_sync.c.
const (
	syncPort    = 8848
	syncTTL     = 1
	syncMTU     = 1500
	leastListen = 1024 // a backup's MaxLen is raised to it
)

func syncGroup() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 81}) }

// canonical returns the daemon with every default filled in, as the kernel reads back.
func (d Daemon) canonical() Daemon {
	if !d.Group.IsValid() {
		d.Group = syncGroup()
	}
	if d.Port == 0 {
		d.Port = syncPort
	}
	if d.TTL == 0 {
		d.TTL = syncTTL
	}
	if d.MaxLen == 0 {
		d.MaxLen = syncMTU - d.headers()
	}
	return d
}

// headers is the length of what stands before a message in its packet.
func (d Daemon) headers() uint16 {
	if d.Group.Is6() {
		return 40 + 8
	}
	return 20 + 8
}

// String returns the daemon as arguments of ipvsadm, without what is the kernel's own.
func (d Daemon) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s --mcast-interface %s --syncid %d", d.Role, d.Link, d.ID)
	for _, n := range []struct {
		option   string
		n, usual uint16
	}{{"sync-maxlen", d.MaxLen, 0}, {"mcast-port", d.Port, syncPort}, {"mcast-ttl", uint16(d.TTL), syncTTL}} {
		if n.n != 0 && n.n != n.usual {
			fmt.Fprintf(&b, " --%s %d", n.option, n.n)
		}
	}
	if d.Group.IsValid() && d.Group != syncGroup() {
		fmt.Fprintf(&b, " --mcast-group %s", d.Group)
	}
	return b.String()
}

// PlanDaemons returns the smallest steps from the daemons that run to those that should, of each role one at most. It is
// pure. A daemon that runs as it should is never touched: what it was told while it did not run, nobody tells it again.
func PlanDaemons(want, have []Daemon) []Op {
	var ops []Op
	for _, role := range []DaemonRole{Master, Backup} {
		is := func(d Daemon) bool { return d.Role == role }
		w, h := slices.IndexFunc(want, is), slices.IndexFunc(have, is)
		if w >= 0 && h >= 0 && want[w].served(have[h]) {
			continue
		}
		if h >= 0 {
			ops = append(ops, Op{Verb: StopDaemon, Daemon: Daemon{Role: role}})
		}
		if w >= 0 {
			ops = append(ops, Op{Verb: StartDaemon, Daemon: want[w]})
		}
	}
	return ops
}

// served tells whether a running daemon does what d asks for.
func (d Daemon) served(have Daemon) bool {
	want, have := d.canonical(), have.canonical()
	if d.Role == Backup && d.MaxLen == 0 {
		have.MaxLen = min(have.MaxLen, want.MaxLen) // it listens for as much as its link carries
	}
	return want == have
}

func (r DaemonRole) problems() []error {
	if r != Master && r != Backup {
		return []error{fmt.Errorf("%s: a daemon is master or backup", r)}
	}
	return nil
}

func (d Daemon) problems() []error {
	errs := d.Role.problems()
	if d.Link == "" || len(d.Link) > maxName || strings.ContainsAny(d.Link, "/ \t\n\x00") {
		errs = append(errs, fmt.Errorf("%q is not a device", d.Link))
	}
	if g := d.Group; g.IsValid() && (!g.IsMulticast() || g.Zone() != "" || g.Is4In6()) {
		errs = append(errs, fmt.Errorf("%s is not a multicast address", g))
	}
	if most := 65535 - d.headers(); d.MaxLen != 0 && (d.MaxLen < leastListen || d.MaxLen > most) {
		errs = append(errs, fmt.Errorf("messages of %d bytes are not within %d..%d", d.MaxLen, leastListen, most))
	}
	return errs
}

// refused explains an errno that the kernel answered to a step about the daemon.
func (d Daemon) refused(errno syscall.Errno) string {
	switch errno {
	case syscall.EEXIST:
		return "a " + d.Role.String() + " runs already"
	case syscall.ESRCH:
		return "no " + d.Role.String() + " runs"
	case syscall.ENODEV:
		return "there is no device " + d.Link
	case syscall.EINVAL:
		return "the kernel refuses these values (or the table has a server of another family than its service)"
	case syscall.EPERM, syscall.EACCES:
		return "it takes root or CAP_NET_ADMIN"
	default:
		return ""
	}
}
