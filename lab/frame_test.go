package lab

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
)

var (
	askerMAC  = net.HardwareAddr{2, 9, 0, 0, 0, 200}
	holderMAC = "02090000000b"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQuestion(t *testing.T) {
	for _, tt := range []struct{ name, from, target, want string }{
		{"ARP request", "10.9.0.224", "10.9.0.50",
			"ffffffffffff 0209000000c8 0806 0001 0800 06 04 0001 0209000000c8 0a0900e0 000000000000 0a090032"},
		{"neighbour solicitation", "fd09::e0", "fd09::50",
			"3333ff000050 0209000000c8 86dd 60000000 0020 3a ff fd0900000000000000000000000000e0 ff0200000000000000000001ff000050" +
				" 87 00 7b3a 00000000 fd090000000000000000000000000050 01 01 0209000000c8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := question(askerMAC, netip.MustParseAddr(tt.from), netip.MustParseAddr(tt.target))
			if want := unhex(t, tt.want); string(got) != string(want) {
				t.Errorf("got\n%x\nwant\n%x", got, want)
			}
		})
	}
}

func TestParseClaim(t *testing.T) {
	arp := func(to, op, target string) string {
		return to + holderMAC + "0806 0001 0800 06 04" + op + holderMAC + "0a090032" + "000000000000" + target
	}
	advert := func(to string) string {
		return "333300000001" + holderMAC + "86dd 60000000 0020 3a ff fd090000000000000000000000000050" + to +
			"88 00 0000 20000000 fd090000000000000000000000000050 02 01" + holderMAC
	}
	for _, tt := range []struct {
		name, frame string
		want        ClaimKind // 0: none
		asker       string
	}{
		{"an answer", arp("0209000000c8", "0002", "0a0900e0"), Reply, "10.9.0.224"},
		{"gratuitous request", arp("ffffffffffff", "0001", "0a090032"), GratuitousRequest, ""},
		{"gratuitous reply", arp("ffffffffffff", "0002", "0a090032"), GratuitousReply, ""},
		{"gratuitous reply to another target", arp("ffffffffffff", "0002", "ffffffff"), GratuitousReply, ""},
		{"a question", arp("ffffffffffff", "0001", "0a090033"), 0, ""},
		{"an advertisement to who asked", advert("fd0900000000000000000000000000e0"), Reply, "fd09::e0"},
		{"an unsolicited advertisement", advert("ff020000000000000000000000000001"), UnsolicitedAdvert, ""},
		{"something else", "ffffffffffff" + holderMAC + "0800 45", 0, ""},
		{"cut short", arp("ffffffffffff", "0002", "")[:60], 0, ""},
		{"nothing", "", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, ok := parseClaim(unhex(t, tt.frame))
			if ok != (tt.want != 0) || c.Kind != tt.want {
				t.Fatalf("got %v, %v, want %v", c.Kind, ok, tt.want)
			}
			if ok && c.MAC.String() != "02:09:00:00:00:0b" {
				t.Errorf("hardware address %s", c.MAC)
			}
			if ok && c.Addr != WebVIP && c.Addr != WebVIP6 {
				t.Errorf("address %v", c.Addr)
			}
			if tt.asker != "" && c.Asker.String() != tt.asker {
				t.Errorf("asker %v, want %s", c.Asker, tt.asker)
			}
		})
	}
}

func FuzzParseClaim(f *testing.F) {
	f.Add(question(askerMAC, netip.MustParseAddr("10.9.0.224"), WebVIP))
	f.Add(question(askerMAC, netip.MustParseAddr("fd09::e0"), WebVIP6))
	f.Fuzz(func(t *testing.T, frame []byte) {
		c, ok := parseClaim(frame)
		if ok && (len(c.MAC) != 6 || !c.Addr.IsValid() || c.Kind.String() == "unknown") {
			t.Errorf("half a claim: %+v", c)
		}
	})
}
