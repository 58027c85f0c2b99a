package config

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strconv"
	"strings"
)

// PortRange is two or more ports in a row, both ends among them.
type PortRange struct{ From, To uint16 }

// String returns the range as the document writes it: "8000-8100".
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.From, r.To) }

// parsePortRange reads what String writes; false if text is not a range from a smaller port to a larger one, neither of them 0.
func parsePortRange(text string) (PortRange, bool) {
	first, last, ok := strings.Cut(text, "-")
	from, err := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	return PortRange{uint16(from), uint16(to)}, ok && err == nil && err2 == nil && 0 < from && from < to
}

// brief is String, or the port where there is one alone.
func (r PortRange) brief() string {
	if r.From == r.To {
		return fmt.Sprint(r.From)
	}
	return r.String()
}

// overlaps tells whether a port is in both; port 0 overlaps with itself alone.
func (r PortRange) overlaps(o PortRange) bool { return r.From <= o.To && o.From <= r.To }

// common is what two that overlap have in common.
func (r PortRange) common(o PortRange) PortRange {
	return PortRange{max(r.From, o.From), min(r.To, o.To)}
}

// Port returns the virtual's one port, 0 being every port; false if it has several, or none because it is a firewall mark.
func (v Virtual) Port() (uint16, bool) {
	if len(v.Ports) != 1 || len(v.Ranges) > 0 {
		return 0, false
	}
	return v.Ports[0], true
}

// AllPorts returns the virtual's ports, each as a range, which may be of one.
func (v Virtual) AllPorts() []PortRange {
	var all []PortRange
	for _, p := range v.Ports {
		all = append(all, PortRange{p, p})
	}
	return append(all, v.Ranges...)
}

// several tells whether the virtual is more than one port of an address, so that the kernel needs a firewall mark for it.
func (v Virtual) several() bool { return len(v.Ports) > 1 || len(v.Ranges) > 0 }

// The firewall marks that Polso makes are MarkBase with something in the bits of MarkBits. No fwmark of a document is among
// them.
const (
	MarkBase = 0x5000_0000
	MarkBits = 0x0fff_ffff
)

// Mark returns the firewall mark of the virtual's service: the operator's, or for several ports that of its packets. It is 0
// where address and port name the service.
func (v Virtual) Mark() uint32 {
	if !v.several() {
		return v.FWMark
	}
	return v.PacketMark()
}

// PacketMark returns the firewall mark that packets to the virtual have: the operator's, or for several ports, and to
// masquerade, one that is made of the virtual's name alone, so that every router makes the same, and no edit of this virtual's
// ports or of another virtual changes it. It is 0 where none is needed.
func (v Virtual) PacketMark() uint32 {
	if v.FWMark != 0 || !v.several() && !v.Masquerade {
		return v.FWMark
	}
	h := fnv.New32a()
	h.Write([]byte(v.Name))
	sum := h.Sum32()
	return MarkBase | (sum^sum>>28)&MarkBits
}

// Service is what the kernel tells one virtual's service from another's by: an address with a port and a protocol, or a
// firewall mark. It is comparable. A virtual whose Service stays the same keeps its connections.
type Service struct {
	Address  netip.Addr // invalid with Mark
	Port     uint16
	Protocol Protocol // "" with Mark
	Mark     uint32   // 0 with Address
	Family   Family
}

// Service returns the virtual's.
func (v Virtual) Service() Service {
	if mark := v.Mark(); mark != 0 {
		return Service{Mark: mark, Family: v.Family}
	}
	port, _ := v.Port()
	return Service{Address: v.Address, Port: port, Protocol: v.Protocol, Family: v.Family}
}

// portsText is the virtual's ports in one word: "80,443,8000-8100".
func (v Virtual) portsText() string {
	var parts []string
	for _, p := range v.Ports {
		parts = append(parts, fmt.Sprint(p))
	}
	for _, r := range v.Ranges {
		parts = append(parts, r.String())
	}
	return strings.Join(parts, ",")
}

// portList are ports and ranges in one list: [80, 443, "8000-8100"].
type portList struct {
	Ports  []uint16
	Ranges []PortRange
}

// IsZero reports whether the list is empty, so that it is left out.
func (w portList) IsZero() bool { return len(w.Ports) == 0 && len(w.Ranges) == 0 }

// MarshalJSON implements json.Marshaler.
func (w portList) MarshalJSON() ([]byte, error) {
	var list []any
	for _, p := range w.Ports {
		list = append(list, p)
	}
	for _, r := range w.Ranges {
		list = append(list, r.String())
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *portList) UnmarshalJSON(text []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	for _, e := range list {
		var word string
		if json.Unmarshal(e, &word) == nil {
			r, ok := parsePortRange(word)
			if !ok {
				return fmt.Errorf("%q is not a range of ports", word)
			}
			w.Ranges = append(w.Ranges, r)
			continue
		}
		var port uint16
		if err := json.Unmarshal(e, &port); err != nil {
			return err
		}
		w.Ports = append(w.Ports, port)
	}
	return nil
}
