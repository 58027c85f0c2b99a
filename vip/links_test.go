package vip

import (
	"errors"
	"net/netip"
	"testing"
)

func TestLinkFor(t *testing.T) {
	links := Links{
		{Name: "eth0", Up: true, Prefixes: prefixes("192.0.2.0/24", "2001:db8::/64", "fe80::/64")},
		{Name: "eth1", Prefixes: prefixes("192.0.2.128/25", "198.51.100.0/24", "fe80::/64")},
		{Name: "eth2", Up: true, Prefixes: prefixes("198.51.100.0/24")},
	}
	for _, tt := range []struct {
		name, addr, link string
		err              error
		text             string
	}{
		{"its subnet", "192.0.2.10", "eth0", nil, ""},
		{"the longest prefix, even if down", "192.0.2.200", "eth1", nil, ""},
		{"IPv6", "2001:db8::10", "eth0", nil, ""},
		{"IPv4 in IPv6 form", "::ffff:192.0.2.10", "eth0", nil, ""},
		{"none", "203.0.113.1", "", ErrNoLink, "203.0.113.1: no link has its subnet"},
		{"none for its family", "2001:db8:1::1", "", ErrNoLink, "2001:db8:1::1: no link has its subnet"},
		{"two", "198.51.100.1", "", ErrAmbiguous, "198.51.100.1: several links have its subnet: eth1, eth2"},
		{"two with link-local addresses", "fe80::1", "", ErrAmbiguous, "fe80::1: several links have its subnet: eth0, eth1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := LinkFor(links, netip.MustParseAddr(tt.addr))
			if got.Name != tt.link || !errors.Is(err, tt.err) || err != nil && err.Error() != tt.text {
				t.Errorf("got %q, %v", got.Name, err)
			}
		})
	}
}

func TestLinkOf(t *testing.T) {
	links := Links{
		{Name: "eth0", Prefixes: prefixes("192.0.2.0/24", "198.51.100.0/24")},
		{Name: "eth1", Prefixes: prefixes("192.0.2.0/25")},
		{Name: "eth2", Prefixes: prefixes("198.51.100.0/24", "198.51.100.0/25")},
	}
	for _, tt := range []struct {
		prefix, link string
		err          error
	}{
		{"192.0.2.10/24", "eth0", nil},
		{"192.0.2.10/25", "eth1", nil},
		{"192.0.2.10/26", "eth1", nil}, // nobody's: the longest that has it
		{"192.0.2.10/32", "eth1", nil},
		{"192.0.2.200/26", "eth0", nil},
		{"198.51.100.1/24", "", ErrAmbiguous},
		{"203.0.113.1/24", "", ErrNoLink},
	} {
		t.Run(tt.prefix, func(t *testing.T) {
			got, err := LinkOf(links, netip.MustParsePrefix(tt.prefix))
			if got.Name != tt.link || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v", got.Name, err)
			}
		})
	}
}

func samePrefix(a, b netip.Prefix) bool { return a == b }
