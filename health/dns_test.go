package health

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"polso/config"
)

// nameserver answers on one port by UDP and TCP; change alters the answer before it goes, told by which way.
func nameserver(t *testing.T, change func(m *dnsmessage.Message, network string)) netip.AddrPort {
	t.Helper()
	reply := func(b []byte, network string) []byte {
		var m dnsmessage.Message
		if err := m.Unpack(b); err != nil {
			t.Error(err)
			return nil
		}
		m.Response = true
		change(&m, network)
		out, err := m.Pack()
		if err != nil {
			t.Error(err)
		}
		return out
	}
	at := answering(t, func(c net.Conn) {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		out := reply(b, "tcp")
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	})
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Skip(err) // another has the port by UDP
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() { // until Close
		for b := make([]byte, 1500); ; {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = c.WriteToUDPAddrPort(reply(b[:n], "udp"), from)
		}
	}()
	return at
}

func record(name string, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 60}, Body: body}
}

func TestDNS(t *testing.T) {
	alias := record("www.example.org.", &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("web.example.org.")})
	one := record("web.example.org.", &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}})
	two := record("web.example.org.", &dnsmessage.AResource{A: [4]byte{192, 0, 2, 2}})
	six := record("web.example.org.", &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::1").As16()})
	mx := record("example.org.", &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName("Mail.example.org.")})
	txt := record("example.org.", &dnsmessage.TXTResource{TXT: []string{"v=spf1 ", "-all"}})
	soa := record("example.org.", &dnsmessage.SOAResource{NS: dnsmessage.MustNewName("a."), MBox: dnsmessage.MustNewName("b."), Serial: 7})
	records := func(all ...dnsmessage.Resource) netip.AddrPort {
		return nameserver(t, func(m *dnsmessage.Message, _ string) { m.Answers = all })
	}
	code := func(c dnsmessage.RCode) netip.AddrPort {
		return nameserver(t, func(m *dnsmessage.Message, _ string) { m.RCode = c })
	}
	dns := func(kind, want string) config.Check {
		return config.Check{Kind: config.CheckDNS, Query: "www.example.org", Type: kind, Answer: want}
	}
	hurried, cut := dns("A", ""), dns("A", "")
	hurried.Timeout, cut.Timeout = hasty, brief
	for _, tt := range []asked{
		{"any answer", records(alias, one, two), dns("A", ""), true, `dns: NOERROR, 3 records` + inTime},
		{"A without being said", records(one), dns("", ""), true, `dns: NOERROR, 1 record` + inTime},
		{"the one that is wanted", records(alias, one, two), dns("A", "192.0.2.2"), true, `dns: NOERROR, 192.0.2.2` + inTime},
		{"others than is wanted", records(alias, one, two), dns("A", "192.0.2.3"), false, `dns: NOERROR, but 192.0.2.1, 192.0.2.2` + inTime},
		{"an alias alone", records(alias), dns("A", "192.0.2.1"), false, `dns: NOERROR, but no record of the type` + inTime},
		{"no record", records(), dns("A", ""), false, `dns: NOERROR, but no record` + inTime},
		{"AAAA by its meaning", records(six), dns("AAAA", "2001:db8:0::0:1"), true, `dns: NOERROR, 2001:db8::1` + inTime},
		{"CNAME", records(alias), dns("CNAME", "web.example.org"), true, `dns: NOERROR, web.example.org.` + inTime},
		{"MX in other letters", records(mx), dns("MX", "10 mail.example.org."), true, `dns: NOERROR, 10 Mail.example.org.` + inTime},
		{"TXT", records(txt), dns("TXT", "v=spf1 -all"), true, `dns: NOERROR, v=spf1 -all` + inTime},
		{"TXT to the letter", records(txt), dns("TXT", "V=spf1 -all"), false, `dns: NOERROR, but v=spf1 -all` + inTime},
		{"SOA", records(soa), dns("SOA", "a. b. 7 0 0 0 0"), true, `dns: NOERROR, .*`},
		{"no such name", code(dnsmessage.RCodeNameError), dns("A", ""), false, `dns: NXDOMAIN` + inTime},
		{"fails", code(dnsmessage.RCodeServerFailure), dns("A", ""), false, `dns: SERVFAIL` + inTime},
		{"refuses", code(dnsmessage.RCodeRefused), dns("A", ""), false, `dns: REFUSED` + inTime},
		{"another code", code(9), dns("A", ""), false, `dns: RCODE 9` + inTime},
		{"of another question", nameserver(t, func(m *dnsmessage.Message, _ string) {
			m.Questions[0].Name = dnsmessage.MustNewName("evil.example.org.")
		}), cut, false, `dns: the answer is not to what was asked` + inTime},
		{"of another number", nameserver(t, func(m *dnsmessage.Message, _ string) { m.ID++ }), cut, false, `dns: the answer is not to what was asked` + inTime},
		{"garbage", datagrams(t, func(string) [][]byte { return [][]byte{[]byte("garbage")} }), cut, false, `dns: the answer is no DNS message` + inTime},
		{"garbage before the answer", datagrams(t, func(s string) [][]byte {
			var m dnsmessage.Message
			_ = m.Unpack([]byte(s))
			m.Response, m.Answers = true, []dnsmessage.Resource{one}
			out, _ := m.Pack()
			return [][]byte{[]byte("garbage"), out}
		}), dns("A", ""), true, `dns: NOERROR, 1 record` + inTime},
		{"silence", datagrams(t, func(string) [][]byte { return nil }), hurried, false, `dns: no answer within 250ms`},
		{"nobody there", nobody(t), dns("A", ""), false, `dns: port unreachable` + inTime},
		{"no such type", nobody(t), dns("LOC", ""), false, `dns: unknown type of record "LOC"` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}

// What does not fit into a datagram is asked for by TCP.
func TestDNSTruncated(t *testing.T) {
	at := nameserver(t, func(m *dnsmessage.Message, network string) {
		m.Truncated = network == "udp"
		if network == "tcp" {
			m.Answers = []dnsmessage.Resource{record("a.", &dnsmessage.TXTResource{TXT: []string{strings.Repeat("x", 200)}})}
		}
	})
	check := config.Check{Kind: config.CheckDNS, Query: "a", Type: "TXT", Answer: strings.Repeat("x", 200)}
	asked{addr: at, check: check, ok: true, want: `dns: NOERROR, x{120}…` + inTime}.ask(t)

	cut := datagrams(t, func(s string) [][]byte { return [][]byte{{s[0], s[1], 0x82, 0, 0, 0, 0, 0, 0, 0, 0, 0}} })
	check.Timeout = hasty
	asked{addr: cut, check: check, want: `dns: .*`}.ask(t)
}
