package health

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// askDNS asks a name server for the check's name and type, over UDP and, if the answer is cut short, over TCP. It has to answer
// NOERROR with a record; if the check says what, one of that type has to be so.
func askDNS(ctx context.Context, p prober, t Target) answer {
	q, err := newQuery(t.Check.Query, t.Check.Type)
	if err != nil {
		return answer{Err: err}
	}
	reply, err := q.over(ctx, p, t, "udp")
	if err == nil && reply.Truncated {
		reply, err = q.over(ctx, p, t, "tcp")
	}
	if err != nil {
		return answer{Err: unreachable(err)}
	}
	return q.judge(reply, t.Check.Answer)
}

// query is a question to a name server.
type query struct {
	id       uint16
	question dnsmessage.Question
	wire     []byte
}

func newQuery(name, kind string) (query, error) {
	types := map[string]dnsmessage.Type{
		"": dnsmessage.TypeA, "A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX,
		"NS": dnsmessage.TypeNS, "PTR": dnsmessage.TypePTR, "SOA": dnsmessage.TypeSOA, "SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT,
	}
	asked, ok := types[kind]
	if !ok {
		return query{}, fmt.Errorf("unknown type of record %q", kind)
	}
	if !strings.HasSuffix(name, ".") {
		name += "."
	}
	full, err := dnsmessage.NewName(name)
	if err != nil {
		return query{}, fmt.Errorf("name %q is too long", name)
	}
	q := query{id: uint16(rand.Uint32()), question: dnsmessage.Question{Name: full, Type: asked, Class: dnsmessage.ClassINET}}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.id, RecursionDesired: true}, Questions: []dnsmessage.Question{q.question}}
	q.wire, err = m.Pack()
	return q, err
}

// over sends the query and returns the reply to it; what is none is passed over.
func (q query) over(ctx context.Context, p prober, t Target, network string) (dnsmessage.Message, error) {
	var reply dnsmessage.Message
	c, err := p.dial(ctx, network, t.Addr)
	if err != nil {
		return reply, err
	}
	defer c.Close()
	wire := q.wire
	if network == "tcp" { // RFC 1035, section 4.2.2
		wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	}
	if _, err := c.Write(wire); err != nil {
		return reply, err
	}
	var garbage error
	for {
		b, err := message(c, network)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return reply, errors.New("closed without an answer")
		case timedOut(err) && garbage != nil:
			return reply, garbage
		case err != nil:
			return reply, err
		}
		if err := reply.Unpack(b); err != nil {
			garbage = errors.New("the answer is no DNS message")
		} else if q.answeredBy(reply) {
			return reply, nil
		} else {
			garbage = errors.New("the answer is not to what was asked")
		}
	}
}

// message reads one DNS message.
func message(c net.Conn, network string) ([]byte, error) {
	if network == "udp" {
		b := make([]byte, maxAnswer)
		n, err := c.Read(b)
		return b[:n], err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(c, b)
	return b, err
}

// answeredBy tells whether m is the answer to q. A server that understood nothing need not repeat the question.
func (q query) answeredBy(m dnsmessage.Message) bool {
	if m.ID != q.id || !m.Response {
		return false
	}
	if len(m.Questions) == 0 {
		return m.RCode != dnsmessage.RCodeSuccess
	}
	got := m.Questions[0]
	return got.Type == q.question.Type && got.Class == q.question.Class && sameName(got.Name.String(), q.question.Name.String())
}

func (q query) judge(m dnsmessage.Message, want string) answer {
	code := rcode(m.RCode)
	if m.RCode != dnsmessage.RCodeSuccess {
		return answer{Words: code}
	}
	var values []string
	for _, r := range m.Answers {
		if r.Header.Type != q.question.Type {
			continue // an alias on the way
		}
		value := inZone(r.Body)
		if want != "" && sameValue(q.question.Type, value, want) {
			return answer{OK: true, Words: code + ", " + short(value)}
		}
		values = append(values, value)
	}
	switch {
	case len(m.Answers) == 0:
		return answer{Words: code + ", but no record"}
	case want == "":
		return answer{OK: true, Words: fmt.Sprintf("%s, %s", code, count(len(m.Answers), "record"))}
	case len(values) == 0:
		return answer{Words: code + ", but no record of the type"}
	default:
		return answer{Words: code + ", but " + short(strings.Join(values, ", "))}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// inZone is a record's value as zone files have it, a text without its quotes.
func inZone(body dnsmessage.ResourceBody) string {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(r.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(r.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return r.CNAME.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", r.Pref, r.MX)
	case *dnsmessage.NSResource:
		return r.NS.String()
	case *dnsmessage.PTRResource:
		return r.PTR.String()
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d %d %d %d %d", r.NS, r.MBox, r.Serial, r.Refresh, r.Retry, r.Expire, r.MinTTL)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target)
	case *dnsmessage.TXTResource:
		return strings.Join(r.TXT, "")
	default:
		return "?"
	}
}

// sameValue compares as the DNS does: names without regard to case, with or without the last dot; texts to the letter.
func sameValue(kind dnsmessage.Type, got, want string) bool {
	switch kind {
	case dnsmessage.TypeTXT:
		return got == want
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		addr, err := netip.ParseAddr(want)
		return err == nil && addr.String() == got
	default:
		return sameName(got, want)
	}
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// rcode is the name that operators know an answer's code by.
func rcode(code dnsmessage.RCode) string {
	names := []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	if int(code) < len(names) {
		return names[code]
	}
	return fmt.Sprintf("RCODE %d", code)
}
