// Package config is the operator's document: its types, its parsing with line and column, defaults, validation, clone,
// difference and canonical form.
package config

import (
	"net/netip"
	"slices"
	"time"
)

// Document is what the operator wants from the whole cluster. After Parse every default is filled in. A Document is
// never changed once it is shared; Clone it.
type Document struct {
	Cluster  Cluster
	VIPs     []VIP     // sorted by name
	Virtuals []Virtual // sorted by name
}

// Cluster holds what concerns every router.
type Cluster struct {
	Standby    Standby     // warm unless said otherwise
	Prefer     []string    // names of routers, the one that should direct first; see Rank
	Failback   bool        // the addresses go back to who comes earlier in Prefer
	SyncDaemon *SyncDaemon // nil: none
	Timeouts   Timeouts
	Sysctls    map[string]string // kernel settings by name, such as net.ipv4.vs.conn_reuse_mode; see Keep
}

// Rank is a router's place among those that should direct, 0 the first: all that Prefer does not name share the last one.
func (c Cluster) Rank(router string) int {
	if i := slices.Index(c.Prefer, router); i >= 0 {
		return i
	}
	return len(c.Prefer)
}

// Standby says what a router that does not direct keeps in its kernel.
type Standby string

// The standby modes.
const (
	Warm Standby = "warm" // the whole table, so that a takeover only adds addresses
	Cold Standby = "cold" // nothing
)

// SyncDaemon asks for connection synchronisation between routers: every router tells the others of its connections and
// listens to theirs.
type SyncDaemon struct {
	Interface string     // a logical interface
	ID        int        // 0..255; 0 listens to every id
	Group     netip.Addr // multicast; invalid: the kernel's own, 224.0.0.81
	Port      uint16     // 0: the kernel's own, 8848
	TTL       int        // 1..255; 0: the kernel's own, 1
	MaxLen    int        // of a message, in bytes; 0: what fits into 1500 bytes on the link
}

// Timeouts are IPVS's connection timeouts in whole seconds; zero is the kernel's own default.
type Timeouts struct {
	TCP    time.Duration
	TCPFin time.Duration
	UDP    time.Duration
}

// VIP is an address that moves with the director, whether or not a virtual uses it.
type VIP struct {
	Name      string
	Address   netip.Prefix // the prefix tells which link; the address is put on as /32 or /128
	Interface string       // a logical interface; "": the link that has the subnet
	Group     string       // "default" unless said otherwise
}

// Virtual is a virtual server.
type Virtual struct {
	Name        string
	Address     netip.Addr  // invalid with FWMark
	Interface   string      // a logical interface; "": the link that has the address's subnet
	Ports       []uint16    // empty with FWMark; see Port
	Ranges      []PortRange // more ports; more than one port is one service under a firewall mark, see Mark
	Protocol    Protocol    // tcp unless said otherwise; "" with FWMark
	FWMark      uint32      // 0: by address
	Family      Family      // of Address, or of the servers when FWMark
	Scheduler   string      // the kernel's name; "wlc" unless said otherwise, as in ipvsadm
	Flags       []string    // scheduler flags: fallback, port (sh, mh); ops (udp); flag-1..flag-3
	Forward     Forward     // dr unless said otherwise, as in ipvsadm
	Tunnel      Tunnel      // of servers by tun that do not say otherwise
	Masquerade  bool        // servers by nat see the director for the client, and need no gateway
	Persistent  *Persistent // nil: not persistent
	MinServers  int         // 1 unless said otherwise
	SorryServer *netip.AddrPort
	OnFailure   OnFailure // remove unless said otherwise
	Check       *Check    // nil: servers count as up
	Servers     []Server  // sorted by name
}

// Persistent sends a client (or a network of them) to the same server again.
type Persistent struct {
	Timeout time.Duration
	Mask    int    // prefix length; 0: every client for itself
	Engine  string // what else tells clients apart: "sip" (udp), or "" for nothing
}

// Server is a real server of a virtual.
type Server struct {
	Name    string
	Address netip.AddrPort // the port is the virtual's unless said otherwise; 0: the one the packet came for (FWMark, port 0, ports)
	Forward Forward        // the virtual's unless said otherwise
	Tunnel  Tunnel         // the virtual's unless said otherwise; with Tun only
	Weight  int            // 0..65535; 1 unless said otherwise
	Upper   int            // at so many connections it takes no new one; 0: no limit
	Lower   int            // until it is below this one again; 0: three quarters of Upper
}

// Check is how a virtual's servers are probed. The fields after Fall belong to Kind http.
type Check struct {
	Kind    CheckKind
	Every   time.Duration // 100 ms to 1 h; 2 s unless said otherwise
	Timeout time.Duration // 10 ms to Every; 1 s, or Every if that is shorter, unless said otherwise
	Rise    int           // probes in a row that make a server up; 2 unless said otherwise
	Fall    int           // probes in a row that make a server down; 3 unless said otherwise
	Port    uint16        // 0: the server's
	Path    string        // "/" unless said otherwise
	Host    string        // the Host header; "": the server's address
	Status  []StatusRange // what counts as up; 200-299 unless said otherwise
	TLS     bool          // https
}

// StatusRange is an inclusive range of HTTP status codes.
type StatusRange struct{ From, To int }

// Protocol is tcp, udp or sctp.
type Protocol string

// The protocols.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// Family is an address family.
type Family string

// The families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// Forward is a forwarding method.
type Forward string

// The forwarding methods.
const (
	NAT   Forward = "nat"
	DR    Forward = "dr"
	Tun   Forward = "tun"
	Local Forward = "local" // to the router's own programs
)

// OnFailure says what happens to a server whose check fails.
type OnFailure string

// What happens to a server whose check fails.
const (
	Remove  OnFailure = "remove"  // it leaves the table
	Quiesce OnFailure = "quiesce" // it stays with weight 0
)

// CheckKind is the protocol of a check.
type CheckKind string

// The kinds of check.
const (
	CheckTCP  CheckKind = "tcp"
	CheckHTTP CheckKind = "http"
)
