package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

const noNames = "What is replicated must mean the same on every router at any time, so it cannot depend on a name server."

// address reads an IP address alone.
func (v value) address(set func(netip.Addr)) {
	text, ok := v.text()
	if !ok {
		return
	}
	if a, err := netip.ParseAddr(text); err == nil {
		set(a)
		return
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		v.fail(fmt.Sprintf("%q is an address with a prefix length", text), "", fmt.Sprintf("Write %q here; a prefix length stands in a vip block.", p.Addr()))
		return
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		v.r.unread[v.at.parent().attr("port")] = true
		v.fail(fmt.Sprintf("%q is an address with a port", text), "", fmt.Sprintf("Write address = %q and port = %d.", ap.Addr(), ap.Port()))
		return
	}
	v.noAddress(text)
}

// prefix reads an address with its prefix length; without one the whole address is meant.
func (v value) prefix(set func(netip.Prefix)) {
	text, ok := v.text()
	if !ok {
		return
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		set(p)
		return
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		set(netip.PrefixFrom(a, a.BitLen()))
		return
	}
	v.noAddress(text)
}

// addressPort reads HOST or HOST:PORT, HOST being an IP address ([2001:db8::1]:8080 for IPv6). The port is 0 when there is
// none.
func (v value) addressPort(set func(netip.AddrPort)) {
	text, ok := v.text()
	if !ok {
		return
	}
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil && (bare == text || a.Is6()) {
		set(netip.AddrPortFrom(a, 0))
		return
	}
	ap, err := netip.ParseAddrPort(text)
	switch {
	case err != nil:
		v.noAddress(text)
	case ap.Port() == 0:
		v.fail("port 0 is not a port", "", "Leave the port out to get the virtual's.")
	default:
		set(ap)
	}
}

// noAddress says what is wrong with a text that is no address.
func (v value) noAddress(text string) {
	host := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && strings.Count(text, ":") == 1 {
		host = text[:i]
		if _, err := netip.ParseAddr(host); err == nil {
			v.fail(fmt.Sprintf("%q is not a port", text[i+1:]), "", "A port is a number from 1 to 65535.")
			return
		}
	}
	if host, port, found := strings.Cut(text, "]:"); found && strings.HasPrefix(host, "[") {
		if _, err := netip.ParseAddr(host[1:]); err == nil {
			v.fail(fmt.Sprintf("%q is not a port", port), "", "A port is a number from 1 to 65535.")
			return
		}
	}
	if isHostName(host) {
		v.fail(fmt.Sprintf("%q is a host name, and an IP address is wanted", host), noNames, "Write the address that the name stands for.")
		return
	}
	v.fail(fmt.Sprintf("%q is not an IP address", text), "", `Write it as "192.0.2.10" or "2001:db8::10".`)
}

// isHostName tells a name from a mistyped address by its letters: hexadecimal digits and colons alone make no name.
func isHostName(s string) bool {
	if s == "" || strings.ContainsAny(s, ":/[] ") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) >= 0
}

// mask reads a netmask: "/24", "24", or "255.255.255.0".
func (v value) mask(set func(int)) {
	text, ok := v.text()
	if !ok {
		return
	}
	if bits, err := strconv.ParseUint(strings.TrimPrefix(text, "/"), 10, 8); err == nil {
		if bits == 0 {
			v.fail("netmask /0 would send every client to one server", "", "")
			return
		}
		set(int(bits))
		return
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
		if bits, ok := dotted(a); ok {
			set(bits)
			return
		}
	}
	v.fail(fmt.Sprintf("%q is not a netmask", text), "", `Write it as "/24" or "255.255.255.0".`)
}

// dotted returns the prefix length of a netmask in dotted form.
func dotted(a netip.Addr) (int, bool) {
	for bits := 1; bits <= 32; bits++ {
		if p, err := netip.MustParseAddr("255.255.255.255").Prefix(bits); err == nil && p.Addr() == a {
			return bits, true
		}
	}
	return 0, false
}

// statuses reads HTTP status codes and ranges of them: "200-299,301".
func (v value) statuses(set func([]StatusRange)) {
	text, ok := v.text()
	if !ok {
		return
	}
	var out []StatusRange
	for part := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			last = first
		}
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if errFrom != nil || errTo != nil {
			v.fail(fmt.Sprintf("%q is not a range of status codes", text), "", `Write it as "200", "200-299" or "200-299,301".`)
			return
		}
		out = append(out, StatusRange{From: from, To: to})
	}
	set(out)
}
