package convert

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"polso/config"
)

// ldReal is a real server as ldirectord.cf writes it, or a range of them.
type ldReal struct {
	directive

	first, last netip.Addr
	port        uint16 // 0: none is written
	forward     config.Forward
	weight      int
	own         bool // it has a request and what is expected of its own
	request     string
	receive     string
	lower       int
	upper       int
}

// realFlags takes apart what follows a real server's address: the method, a weight, a request with what is expected, thresholds,
// and what ldirectord would refuse.
var realFlags = regexp.MustCompile(`^(\w+)(?:\s+(\d+))?(?:\s+("(.*)"[, ]\s*"(.*)"))?(?:\s+"?l:(\d+)"?)?(?:\s+"?u:(\d+)"?)?\s*(.*)$`)

// parseReal reads HOST[->HOST][:PORT] METHOD [WEIGHT] ["REQUEST", "RECEIVE"] [l:N] [u:N].
func parseReal(d directive) (ldReal, error) {
	r := ldReal{directive: d, weight: 1}
	address, flags := d.value, ""
	if i := strings.IndexAny(d.value, " \t"); i >= 0 {
		address, flags = d.value[:i], strings.TrimSpace(d.value[i:])
	}
	var err error
	if r.first, r.last, r.port, err = parseHosts(address); err != nil {
		return ldReal{}, err
	}
	m := realFlags.FindStringSubmatch(flags)
	if m == nil {
		return ldReal{}, errors.New("it has no forwarding method: gate, masq or ipip")
	}
	if r.forward, err = ldForward(m[1]); err != nil {
		return ldReal{}, err
	}
	if m[2] != "" {
		if r.weight, err = strconv.Atoi(m[2]); err != nil || r.weight > 65535 {
			return ldReal{}, fmt.Errorf("weight %s is above 65535", m[2])
		}
	}
	if m[8] != "" {
		return ldReal{}, fmt.Errorf("%q is not understood", m[8])
	}
	r.own, r.request, r.receive = m[3] != "", m[4], m[5]
	for i, field := range map[int]*int{6: &r.lower, 7: &r.upper} {
		if m[i] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i], 10, 32)
		if err != nil {
			return ldReal{}, fmt.Errorf("threshold %s is above 2147483647", m[i])
		}
		*field = int(n)
	}
	return r, nil
}

func ldForward(word string) (config.Forward, error) {
	switch word {
	case "gate":
		return config.DR, nil
	case "masq":
		return config.NAT, nil
	case "ipip":
		return config.Tun, nil
	default:
		return "", fmt.Errorf("the forwarding method is %q, not gate, masq or ipip", word)
	}
}

// servers translates a virtual's real servers, and returns what was written for each server of v.
func (l *ldirectord) servers(s *section, v *virtual) []ldReal {
	var written []ldReal
	for _, d := range s.reals {
		if l.full() != nil {
			break
		}
		r, err := parseReal(d)
		if err != nil {
			l.say(d, Lost, "the server is left out: %v", err)
			continue
		}
		if len(written) == 0 {
			v.Forward = r.forward
		}
		port, told := l.serverPort(v, r)
		if told != "" {
			l.say(d, Hint, "%s", told)
		}
		for a := r.first; ; a = a.Next() {
			x := v.serverAt(netip.AddrPortFrom(a, port), l.place(d))
			x.Forward, x.Weight, x.Lower, x.Upper = r.forward, r.weight, r.lower, r.upper
			written = append(written, r)
			if a == r.last || l.full() != nil {
				break
			}
		}
	}
	return written
}

// serverPort is the port at which a real server gets its clients; told says if that is not what was written. With gate and ipip
// the packet arrives as it was sent.
func (l *ldirectord) serverPort(v *virtual, r ldReal) (port uint16, told string) {
	if r.forward == config.NAT {
		return r.port, ""
	}
	if r.port != 0 && v.FWMark == 0 && r.port != v.Ports[0] {
		told = fmt.Sprintf("with gate and ipip ldirectord too sends clients to the virtual's port, %d", v.Ports[0])
	}
	return 0, told
}

// sorry translates the server of last resort: the virtual's own, or the global part's.
func (l *ldirectord) sorry(s *section, v *virtual) {
	v4, own := s.take("fallback")
	v6, own6 := s.take("fallback6")
	d, ok := v4, own
	switch {
	case own && own6:
		l.say(v4, Hint, "fallback6 stands beside it and counts")
		d = v6
	case own6:
		d, ok = v6, true
	case !own && v.Family == config.IPv6:
		d, ok = l.global.settings["fallback6"]
	case !own:
		d, ok = l.global.settings["fallback"]
	}
	if !ok {
		return
	}
	words := strings.Fields(d.value)
	address, method := firstWord(d.value), "gate"
	if len(words) > 1 {
		method = words[1]
	}
	first, last, port, err := parseHosts(address)
	if err == nil && first != last {
		err = errors.New("it is a range of addresses")
	}
	var forward config.Forward
	if err == nil {
		forward, err = ldForward(method)
	}
	if err != nil {
		l.say(d, Lost, "the fallback is left out: %v", err)
		return
	}
	if first.IsLoopback() {
		forward = config.Local // what the kernel makes of it
	}
	switch {
	case v.FWMark == 0 && (port == 0 || forward != config.NAT):
		port = v.Ports[0]
	case forward != config.NAT:
		port = 0 // packets arrive as they were sent
	}
	sorry := config.SorryServer(netip.AddrPortFrom(first, port))
	sorry.Forward = forward
	v.Sorry = []config.Server{sorry}
	l.at(v.path+" sorry_server", l.place(d))
}
