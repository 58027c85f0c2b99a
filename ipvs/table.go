// Package ipvs describes virtual server tables, plans the smallest steps between two of them, and applies such steps
// to the kernel.
//
// Table is a value: Plan never touches the kernel and Kernel never decides anything. Fake has the kernel's manners and
// passes the same suite (ipvstest).
package ipvs

import (
	"net/netip"
	"time"
)

// Table is a whole virtual server table. The zero value is an empty table and usable. The order of services and
// destinations carries no meaning.
type Table struct {
	Services []Service
	Timeouts Timeouts
}

// Timeouts are the kernel's connection timeouts (ipvsadm --set), in whole seconds once written. Zero means "leave what
// the kernel has".
type Timeouts struct {
	TCP    time.Duration
	TCPFin time.Duration
	UDP    time.Duration
}

// KernelTimeouts returns those that a kernel begins with.
func KernelTimeouts() Timeouts {
	return Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}
}

// Key names a service: either address, port and protocol, or a firewall mark of one family. It is comparable.
type Key struct {
	Addr     netip.Addr // invalid for a firewall mark
	Port     uint16     // 0 only together with persistence
	Protocol Protocol   // 0 for a firewall mark
	FWMark   uint32     // 0 for an address
	Family   Family
}

// Service is one virtual service and its destinations.
type Service struct {
	Key
	Scheduler    string // the kernel's name: rr, wrr, lc, wlc, sh, mh, ...
	Flags        Flags
	Persistent   time.Duration // persistence timeout; 0 means not persistent
	PersistMask  int           // prefix length that groups clients; 0 means a full-length mask
	PE           string        // persistence engine, "" for none
	Destinations []Destination
}

// Destination is one real server of a service.
type Destination struct {
	Addr   netip.AddrPort // its family may differ from the service's only with Forward Tunnel
	Weight int            // 0..65535; 0 takes no new connection
	Forward
	Tunnel Tunnel // meaningful with Forward Tunnel only
	Upper  uint32 // upper connection threshold, 0 for none
	Lower  uint32 // lower connection threshold, 0 for none
}

// Tunnel is how a Tunnel destination is encapsulated.
type Tunnel struct {
	Type  TunnelType
	Port  uint16 // GUE's port, 0 otherwise
	Flags uint16 // checksums: 0, Csum, Remcsum (GUE alone); a foreign one may have others
}

// The checksums of a tunnel's outer packet (IP_VS_TUNNEL_ENCAP_FLAG_*); 0 is none.
const (
	Csum    uint16 = 1
	Remcsum uint16 = 2 // remote checksum offload
)

// Protocol is an IP protocol number that IPVS balances.
type Protocol uint8

// The protocols that IPVS balances.
const (
	TCP  Protocol = 6
	UDP  Protocol = 17
	SCTP Protocol = 132
)

// Family is an address family, with the kernel's numbers.
type Family uint8

// The address families.
const (
	IPv4 Family = 2
	IPv6 Family = 10
)

// Forward is the way packets reach a destination.
type Forward uint8

// The forwarding methods, with the kernel's numbers (IP_VS_CONN_F_*).
const (
	NAT    Forward = 0 // masquerading
	Local  Forward = 1 // to the router's own programs, whatever the address
	Tun    Forward = 2 // IP-IP, GUE or GRE: see Tunnel
	Direct Forward = 3 // direct routing
)

// TunnelType is the encapsulation of a Tun destination, with the kernel's numbers.
type TunnelType uint8

// The encapsulations.
const (
	IPIP TunnelType = 0
	GUE  TunnelType = 1
	GRE  TunnelType = 2
)

// Flags are a service's flags without the two the kernel derives (PERSISTENT 0x1, HASHED 0x2).
type Flags uint32

// The flags (IP_VS_SVC_F_*). The three Sched flags mean what the scheduler makes of them: with sh and mh Sched1 is
// fallback and Sched2 is port.
const (
	OnePacket Flags = 0x04
	Sched1    Flags = 0x08
	Sched2    Flags = 0x10
	Sched3    Flags = 0x20
)

// FamilyOf returns the family of a.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}
