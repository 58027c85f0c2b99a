package ipvs

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/netlink"
)

// What is said of a server is what would be read of it.
func TestDestinationIsReadBack(t *testing.T) {
	at4, at6 := netip.MustParseAddrPort("10.1.0.1:80"), netip.MustParseAddrPort("[fd00::1]:8080")
	for _, d := range []Destination{
		{Addr: at4, Forward: NAT, Weight: 65535, Upper: 100, Lower: 50},
		{Addr: at4, Forward: Local},
		{Addr: at6, Forward: Direct, Weight: 1},
		{Addr: at6, Forward: Tun, Weight: 1},
		{Addr: at4, Forward: Tun, Weight: 1, Tunnel: Tunnel{Type: GUE, Port: 6080, Flags: Remcsum}},
		{Addr: at6, Forward: Tun, Weight: 1, Tunnel: Tunnel{Type: GRE, Flags: Csum}},
	} {
		ae := netlink.NewAttributeEncoder()
		encodeDestination(ae, EditDestination, d)
		b, err := ae.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := decodeDestination(b, IPv4) // its own family counts
		if err != nil {
			t.Fatal(err)
		}
		if got != d {
			t.Errorf("said %+v, read %+v", d, got)
		}
	}
}
