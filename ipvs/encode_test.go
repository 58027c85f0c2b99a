package ipvs

import (
	"net/netip"
	"testing"
	"time"
)

// What is written is read back as it was: the kernel's answers have the form of its requests.
func TestEncodedStepIsReadBack(t *testing.T) {
	services := []Service{
		{Key: AddrKey(TCP, netip.MustParseAddrPort("10.0.0.1:80")), Scheduler: "wlc"},
		{Key: AddrKey(UDP, netip.MustParseAddrPort("10.0.0.1:5060")), Scheduler: "sh", Flags: OnePacket | Sched2, PE: "sip",
			Persistent: time.Minute, PersistMask: 24},
		{Key: AddrKey(SCTP, netip.MustParseAddrPort("[fd00::1]:99")), Scheduler: "mh", Persistent: time.Minute, PersistMask: 64},
		{Key: MarkKey(4000000007, IPv6), Scheduler: "rr", Persistent: time.Hour},
	}
	destinations := []Destination{
		{Addr: netip.MustParseAddrPort("10.1.0.1:80"), Weight: 65535, Forward: Direct},
		{Addr: netip.MustParseAddrPort("[fd00::2]:8080"), Weight: 1, Forward: NAT, Upper: 100, Lower: 50},
		{Addr: netip.MustParseAddrPort("10.1.0.2:80"), Forward: Tun, Tunnel: Tunnel{Type: GUE, Port: 6080, Flags: 1}},
	}
	encoded := func(o Op, command uint8) []byte {
		t.Helper()
		got, b, err := o.encode()
		if err != nil || got != command {
			t.Fatalf("%s: command %d, %v; want %d", o, got, err, command)
		}
		return b
	}
	for _, s := range services {
		for verb, command := range map[Verb]uint8{AddService: cmdNewService, EditService: cmdSetService} {
			got, _, err := decodeService(encoded(Op{Verb: verb, Service: s}, command))
			if want := s.Canonical(); err != nil || !got.Canonical().same(want) {
				t.Errorf("%s became %s, %v", want, got, err)
			}
		}
		name, _, err := decodeService(encoded(Op{Verb: DeleteService, Service: s}, cmdDelService))
		if err != nil || name.Key != s.Key || name.Scheduler != "" {
			t.Errorf("to delete %s: %s, %v", s.Key, name, err)
		}
		for _, d := range destinations {
			for verb, command := range map[Verb]uint8{AddDestination: cmdNewDest, EditDestination: cmdSetDest} {
				b := encoded(Op{Verb: verb, Service: s, Destination: d}, command)
				of, _, err := decodeService(b)
				if err != nil || of.Key != s.Key {
					t.Errorf("a server of %s: of %s, %v", s.Key, of.Key, err)
				}
				if got, _, err := decodeDestination(b, s.Family); err != nil || got.canonical() != d.canonical() {
					t.Errorf("%s became %s, %v", d, got, err)
				}
			}
			got, _, err := decodeDestination(encoded(Op{Verb: DeleteDestination, Service: s, Destination: d}, cmdDelDest), s.Family)
			if err != nil || got != (Destination{Addr: d.Addr}) {
				t.Errorf("to delete %s: %s, %v", d.Addr, got, err)
			}
		}
	}
	want := Timeouts{TCP: time.Hour, UDP: time.Minute}
	if got, err := decodeTimeouts(encoded(Op{Verb: SetTimeouts, Timeouts: want}, cmdSetConfig)); err != nil || got != want {
		t.Errorf("%s became %s, %v", want, got, err)
	}
}
