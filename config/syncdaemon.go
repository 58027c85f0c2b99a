package config

import (
	"fmt"
	"strings"
)

// The lengths of a synchronisation message. A listener of less than leastSyncLen the kernel does not make; mostSyncLen is what
// an IPv4 datagram holds, mostSyncLen6 what an IPv6 one does.
const (
	leastSyncLen = 1024
	mostSyncLen  = 65535 - 20 - 8
	mostSyncLen6 = 65535 - 40 - 8
)

// String is the daemon as a person writes it on one line: "inside id 7 group 239.1.1.1".
func (s SyncDaemon) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s id %d", s.Interface, s.ID)
	if s.Group.IsValid() {
		fmt.Fprintf(&b, " group %s", s.Group)
	}
	for _, n := range s.numbers() {
		if n.value != 0 {
			fmt.Fprintf(&b, " %s %d", n.name, n.value)
		}
	}
	return b.String()
}

type syncNumber struct {
	name        string
	value       int
	least, most int
}

// numbers are the attributes that are left out when they are 0, with their ranges.
func (s SyncDaemon) numbers() []syncNumber {
	longest := mostSyncLen
	if s.Group.Is6() {
		longest = mostSyncLen6
	}
	return []syncNumber{{"port", int(s.Port), 1, 65535}, {"ttl", s.TTL, 1, 255}, {"maxlen", s.MaxLen, leastSyncLen, longest}}
}

func (v *verdicts) syncDaemon(p path, c Cluster) {
	s := c.SyncDaemon
	if s == nil {
		return
	}
	if s.Interface == "" {
		v.add(p.attr("interface"), "the sync daemon needs an interface", "", `Add interface = "name".`)
	} else {
		v.name(p.attr("interface"), "interface", s.Interface)
	}
	if s.ID < 0 || s.ID > 255 {
		v.add(p.attr("id"), fmt.Sprintf("id %d is not between 0 and 255", s.ID), "", "")
	}
	switch g := s.Group; {
	case !g.IsValid():
	case g.Is4In6():
		v.add(p.attr("group"), fmt.Sprintf("%s is an IPv4 address written as IPv6", g), "", fmt.Sprintf("Write %s.", g.Unmap()))
	case g.Zone() != "":
		v.add(p.attr("group"), fmt.Sprintf("%s carries a zone", g), "The interface says which link it is.", fmt.Sprintf("Write %s.", g.WithZone("")))
	case !g.IsMulticast():
		v.add(p.attr("group"), fmt.Sprintf("%s is not a multicast address", g), "All routers listen to the same one.", "Leave it out, or write one such as 239.1.2.3.")
	}
	for _, n := range s.numbers() {
		if n.value != 0 && (n.value < n.least || n.value > n.most) {
			v.add(p.attr(n.name), fmt.Sprintf("%s %d is not between %d and %d", n.name, n.value, n.least, n.most), "", "")
		}
	}
	if c.Standby == Cold {
		v.add(p, "a cold standby has no use for the sync daemon", "It keeps no table that the connections could belong to.", `Remove the block, or write standby = "warm".`)
	}
}
