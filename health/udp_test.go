package health

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"polso/config"
)

// datagrams answers each datagram on loopback with what say makes of it; nil is silence.
func datagrams(t *testing.T, say func(string) [][]byte) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() { // until Close
		for b := make([]byte, maxAnswer); ; {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			for _, text := range say(string(b[:n])) {
				_, _ = c.WriteToUDPAddrPort(text, from)
			}
		}
	}()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// nobody returns a port of loopback where no datagram is taken.
func nobody(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

func TestUDP(t *testing.T) {
	udp := func(send, expect string, timeout time.Duration) config.Check {
		return config.Check{Kind: config.CheckUDP, Send: send, Expect: expect, Timeout: timeout}
	}
	echo := datagrams(t, func(s string) [][]byte { return [][]byte{[]byte("got " + s)} })
	mute := datagrams(t, func(string) [][]byte { return nil })
	slow := datagrams(t, func(string) [][]byte { time.Sleep(600 * time.Millisecond); return [][]byte{[]byte("late")} })
	for _, tt := range []asked{
		{"prefix", echo, udp(`a\tb`, `got a\tb`, 0), true, `udp: answered "got a\\tb"` + inTime},
		{"expression", echo, udp(`abc`, `~b.$`, 0), true, `udp: answered "got abc"` + inTime},
		{"any", echo, udp(`abc`, `*`, 0), true, `udp: answered "got abc"` + inTime},
		{"nothing expected and an answer", echo, udp(`abc`, ``, 0), true, `udp: answered "got abc"` + inTime},
		{"nothing expected and silence", mute, udp(`abc`, ``, hasty), true, `udp: silence, and no refusal` + inTime},
		{"nothing said, nothing expected", mute, udp(``, ``, hasty), true, `udp: silence, and no refusal` + inTime},
		{"something expected and silence", mute, udp(`abc`, `*`, hasty), false, `udp: no answer within 250ms`},
		{"wrong", echo, udp(`abc`, `gut`, 0), false, `udp: unexpected answer "got abc"` + inTime},
		{"slow", slow, udp(`abc`, `late`, 0), true, `udp: answered "late" after \d{3,} ms`},
		{"too slow", slow, udp(`abc`, `late`, hasty), false, `udp: no answer within 250ms`},
		{"nobody there", nobody(t), udp(`abc`, `*`, 0), false, `udp: port unreachable` + inTime},
		{"nobody there, nothing expected", nobody(t), udp(`abc`, ``, 0), false, `udp: port unreachable` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}

// A check without an expectation that is cancelled did not hear silence to the end.
func TestUDPCancelled(t *testing.T) {
	mute := datagrams(t, func(string) [][]byte { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if got := Probe(ctx, Target{Addr: mute, Check: config.Check{Kind: config.CheckUDP, Timeout: time.Minute}}); got.OK {
		t.Errorf("%+v", got)
	}
}
