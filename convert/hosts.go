package convert

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"polso/config"
)

// mostOfRange bounds a range of addresses: a slip in one octet must not become millions of servers.
const mostOfRange = 1024

// parseHosts reads HOST[->HOST][:PORT], IPv6 addresses in brackets; the port is 0 when there is none.
func parseHosts(text string) (first, last netip.Addr, port uint16, err error) {
	from, to, ranged := strings.Cut(text, "->")
	if !ranged {
		to = from
	}
	host, word := splitPort(to)
	if last, err = parseHost(host); err != nil {
		return first, last, 0, err
	}
	if word != "" {
		if port, err = parsePort(word); err != nil {
			return first, last, 0, err
		}
	}
	if !ranged {
		return last, last, port, nil
	}
	if first, err = parseHost(from); err != nil {
		return first, last, 0, err
	}
	switch {
	case !first.Is4() || !last.Is4():
		return first, last, 0, errors.New("a range is of IPv4 addresses only")
	case last.Less(first):
		return first, last, 0, errors.New("the range ends before it begins")
	case number4(last)-number4(first) >= mostOfRange:
		return first, last, 0, fmt.Errorf("the range has more than %d addresses", mostOfRange)
	}
	return first, last, port, nil
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// splitPort cuts what stands behind the last colon, unless it is one of an IPv6 address.
func splitPort(text string) (host, port string) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		host, port, _ = strings.Cut(inner, "]")
		return host, strings.TrimPrefix(port, ":")
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return text, ""
	}
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// parseHost reads an address. A name is refused: what routers share must mean the same on each at any time.
func parseHost(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	switch {
	case err == nil:
		return a, nil
	case strings.Trim(text, "0123456789.:[]") == "":
		return a, fmt.Errorf("%q is not an address", text)
	default:
		return a, fmt.Errorf("%q is a name; a document has addresses", text)
	}
}

// portNumber reads a port's number.
func portNumber(word string) (uint16, error) {
	n, err := strconv.ParseUint(word, 10, 16)
	return uint16(n), err
}

// parsePort reads a port's number, or its name as services(5) has it on any machine.
func parsePort(word string) (uint16, error) {
	if n, err := portNumber(word); err == nil {
		return n, nil
	}
	n, known := map[string]uint16{
		"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "www": 80, "pop3": 110, "nntp": 119, "imap": 143,
		"imap2": 143, "ldap": 389, "https": 443, "submission": 587, "ldaps": 636, "imaps": 993, "pop3s": 995, "mysql": 3306, "sip": 5060,
		"postgresql": 5432, "webcache": 8080, "http-alt": 8080,
	}[word]
	if !known {
		return 0, fmt.Errorf("%q is not a port", word)
	}
	return n, nil
}

// parseMask reads a netmask, 255.255.255.0 or a prefix length.
func parseMask(word string) (int, error) {
	if n, err := strconv.ParseUint(word, 10, 8); err == nil && n > 0 && n <= 128 {
		return int(n), nil
	}
	if a, err := netip.ParseAddr(word); err == nil && a.Is4() {
		if n, bits := net.IPMask(a.AsSlice()).Size(); bits == 32 && n > 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%q is not a netmask of one bit or more", word)
}

// parseMark reads a firewall mark.
func parseMark(word string) (uint32, error) {
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a firewall mark", word)
	}
	return uint32(n), nil
}

// serverAt adds a server under the name of its address, and of its port if the address is another server's already.
func (v *virtual) serverAt(a netip.AddrPort, at place) *server {
	name := legal(a.Addr().String())
	if _, used := v.b.found[fmt.Sprintf("%s server %q", v.path, name)]; used && a.Port() != 0 {
		name = fmt.Sprintf("%s-%d", name, a.Port())
	}
	s := v.server(name, at)
	s.Address = a
	return s
}

// virtualName is what a virtual is called that has no name where it comes from: "tcp-192.0.2.10-80", "mark-7", "mark-7-ipv6".
func virtualName(x config.Virtual) string {
	if x.FWMark != 0 {
		if x.Family == config.IPv6 {
			return fmt.Sprintf("mark-%d-ipv6", x.FWMark)
		}
		return fmt.Sprintf("mark-%d", x.FWMark)
	}
	return legal(fmt.Sprintf("%s-%s-%d", x.Protocol, x.Address, x.Ports[0]))
}

// mostParts bounds what an import may come to, virtuals and servers as well as notes: a document of ten thousand servers is a
// large one.
const mostParts = 1 << 14

// full is the error of an import that has come to too much; nil before.
func (b *builder) full() error {
	switch {
	case len(b.found) > mostParts:
		return tooMany(b.files[0])
	case len(b.notes) > mostParts:
		return &Error{File: b.files[0], What: fmt.Sprintf("more than %d things to say of it", mostParts), Fix: "Is it of the format that you named?"}
	}
	return nil
}

func tooMany(file string) error {
	return &Error{File: file, What: fmt.Sprintf("more than %d virtuals and servers", mostParts), Fix: "Split it by virtual server."}
}
