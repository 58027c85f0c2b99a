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
	Notifies []Notify  // sorted by name

	RouterChecks []RouterCheck // sorted by name
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

// Served returns d without the virtuals that are not active: what a router does of it. If all are it is d itself.
func (d Document) Served() Document {
	inactive := func(v Virtual) bool { return v.Inactive }
	if slices.ContainsFunc(d.Virtuals, inactive) {
		d.Virtuals = slices.DeleteFunc(slices.Clone(d.Virtuals), inactive)
	}
	return d
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
	Name       string
	Address    netip.Addr    // invalid with FWMark
	Interface  string        // a logical interface; "": the link that has the address's subnet
	Ports      []uint16      // empty with FWMark; see Port
	Ranges     []PortRange   // more ports; more than one port is one service under a firewall mark, see Mark
	Protocol   Protocol      // tcp unless said otherwise; "" with FWMark
	FWMark     uint32        // 0: by address
	Family     Family        // of Address, or of the servers when FWMark
	Scheduler  string        // the kernel's name; "wlc" unless said otherwise, as in ipvsadm
	Flags      []string      // scheduler flags: fallback, port (sh, mh); ops (udp); flag-1..flag-3
	Forward    Forward       // dr unless said otherwise, as in ipvsadm
	Tunnel     Tunnel        // of servers by tun that do not say otherwise
	Inactive   bool          // it is kept here, and serves nothing; see Served
	Masquerade bool          // servers by nat see the director for the client, and need no gateway
	Persistent *Persistent   // nil: not persistent
	MinServers int           // so many servers that are up make the virtual up; 1 unless said otherwise
	Hysteresis int           // so many more than MinServers bring a virtual back that was down
	Sorry      []Server      // who answers while the virtual is down; sorted by name
	OnFailure  OnFailure     // remove unless said otherwise
	Panic      int           // percent: with fewer servers up the last weights stand; 0: never
	SlowStart  time.Duration // over which a server that came up gets its weight; 0: at once
	SlowCurve  SlowCurve     // linear unless said otherwise, with SlowStart
	Probe      Probing       // "": every router
	Votes      int           // so many routers must see a server down; 0: each follows its own eyes
	Check      *Check        // nil: servers count as up
	Servers    []Server      // sorted by name
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
	Check   *Check         // instead of the virtual's; nil: the virtual's, and a sorry server counts as up
}

// SlowCurve is how a server that came up gets its weight.
type SlowCurve string

// How a server that came up gets its weight.
const (
	Linear   SlowCurve = "linear"
	Doubling SlowCurve = "doubling" // from 1/32, as nanny did
)

// Probing says which routers probe.
type Probing string

// Which routers probe.
const (
	Everywhere Probing = "everywhere"
	ByDirector Probing = "director" // the director alone: a takeover starts without verdicts
)

// Check is how a server is probed. Which fields a kind has is said beside them; the others stay zero.
type Check struct {
	Kind    CheckKind
	Every   time.Duration // 100 ms to 1 h; 2 s unless said otherwise
	Timeout time.Duration // 10 ms to Every; 1 s, or Every if that is shorter, unless said otherwise
	Rise    int           // probes in a row that make a server up; 2 unless said otherwise
	Fall    int           // probes in a row that make a server down; 3 unless said otherwise
	Fast    time.Duration // between probes while a change is under way; 0: Every
	Initial Initial       // what counts until rise or fall has decided; "": nothing does
	Port    uint16        // 0: the server's
	Through Through       // by which way the server is asked; "": its own address

	Flaps      int           // so many transitions within FlapWindow keep a server down for FlapHold; 0: no damping
	FlapWindow time.Duration // 5 m unless said otherwise, with Flaps
	FlapHold   time.Duration // 1 m unless said otherwise, with Flaps

	Path      string            // http, agent: "/" unless said otherwise; an agent without one is asked by TCP
	Host      string            // http: the Host header; "": the server's address
	Status    []StatusRange     // http: what counts as up; 200-299 unless said otherwise
	Method    string            // http: "" is GET
	Headers   map[string]string // http: sent besides
	Version   string            // http: "1.1" or "2"; "": what the server prefers
	Redirects int               // http: how many are followed; 0: a redirect is an answer
	Contains  string            // http: the body has it
	Matches   string            // http: the body matches this regular expression (RE2)
	JSON      string            // http: an expression over status and body that is true

	TLS        bool          // http, send, smtp (STARTTLS), grpc, agent: encrypted; of tls always
	NoVerify   bool          // TLS: any certificate will do (verify = false)
	CA         string        // TLS: PEM, or a file of it on every router; "": the system's
	ServerName string        // TLS: the name to ask for and to verify; "": Host, or the server's address
	ClientCert string        // TLS: a file of PEM on every router
	ClientKey  string        // TLS: a file of PEM on every router
	ExpiryWarn time.Duration // TLS: a certificate that ends sooner is a warning; 0: none

	Send    string   // send, udp: with nanny's escapes
	Expect  string   // send, udp: prefix, * or empty for anything, ~REGEX
	User    string   // presets that sign in (redis, mysql, ...), and script: the user that runs it; "": nobody
	Service string   // grpc: the service's name; "": the whole server
	Query   string   // dns: the name asked for
	Type    string   // dns: A unless said otherwise
	Answer  string   // dns: what one of the answers must be; "": any answer
	Command []string // script: %h and %p stand for the server's address and port

	Need int     // some: how many of Of
	Of   []Check // all, any, some: the checks that are combined; their Kind is none of these
}

// Initial is what a server counts as until its check has decided.
type Initial string

// What a server counts as until its check has decided.
const (
	InitialUp   Initial = "up"
	InitialDown Initial = "down"
)

// Through is the way by which a probe reaches a server.
type Through string

// ThroughVirtual delivers the probe for the virtual's address to the one server by the virtual's own forwarding (DR or
// tunnel), which proves that the server holds the address.
const ThroughVirtual Through = "virtual"

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

// The kinds of check. Presets of send and expect (redis, mysql, ...) are kinds too: see health.Presets.
const (
	CheckTCP    CheckKind = "tcp"
	CheckTLS    CheckKind = "tls"
	CheckHTTP   CheckKind = "http"
	CheckSend   CheckKind = "send" // send and expect over tcp
	CheckUDP    CheckKind = "udp"
	CheckDNS    CheckKind = "dns"
	CheckICMP   CheckKind = "icmp"
	CheckSMTP   CheckKind = "smtp"
	CheckGRPC   CheckKind = "grpc"
	CheckScript CheckKind = "script"
	CheckAgent  CheckKind = "agent"
	CheckAll    CheckKind = "all"  // every one of Of
	CheckAny    CheckKind = "any"  // one of Of
	CheckSome   CheckKind = "some" // Need of Of

	CheckRedis      CheckKind = "redis"
	CheckMySQL      CheckKind = "mysql"
	CheckPostgreSQL CheckKind = "postgresql"
	CheckLDAP       CheckKind = "ldap"
	CheckSIP        CheckKind = "sip"
	CheckSIPTCP     CheckKind = "sip-tcp"
	CheckFTP        CheckKind = "ftp"
	CheckIMAP       CheckKind = "imap"
	CheckPOP3       CheckKind = "pop3"
)
