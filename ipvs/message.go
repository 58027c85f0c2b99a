package ipvs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
)

// The kernel's generic netlink interface, include/uapi/linux/ip_vs.h.
const (
	familyName    = "IPVS"
	familyVersion = 1

	cmdNewService = 1
	cmdSetService = 2
	cmdDelService = 3
	cmdGetService = 4
	cmdNewDest    = 5
	cmdSetDest    = 6
	cmdDelDest    = 7
	cmdGetDest    = 8
	cmdSetConfig  = 12
	cmdGetConfig  = 13
	cmdGetInfo    = 15

	attrService       = 1
	attrDest          = 2
	attrTimeoutTCP    = 4
	attrTimeoutTCPFin = 5
	attrTimeoutUDP    = 6

	infoVersion = 1
	infoSize    = 2

	svcFamily    = 1
	svcProtocol  = 2
	svcAddr      = 3
	svcPort      = 4
	svcMark      = 5
	svcScheduler = 6
	svcFlags     = 7
	svcTimeout   = 8
	svcNetmask   = 9
	svcStats     = 10
	svcPE        = 11
	svcStats64   = 12

	destAddr        = 1
	destPort        = 2
	destForward     = 3
	destWeight      = 4
	destUpper       = 5
	destLower       = 6
	destActive      = 7
	destInactive    = 8
	destPersistent  = 9
	destStats       = 10
	destFamily      = 11
	destStats64     = 12
	destTunnelType  = 13
	destTunnelPort  = 14
	destTunnelFlags = 15

	flagPersistent = 0x1 // IP_VS_SVC_F_PERSISTENT
	forwardMask    = 0x7 // IP_VS_CONN_F_FWD_MASK
)

// errIncomplete means that the kernel left out what every entry has.
var errIncomplete = errors.New("incomplete message from the kernel")

// decodeService reads the answer to cmdGetService. The mask of a foreign service that is no prefix length is -1.
func decodeService(b []byte) (Service, Counters, error) {
	var (
		s                  Service
		c                  counters
		addr, port, mask   []byte
		flags, persistence uint32
	)
	err := inside(b, attrService, func(ad *netlink.AttributeDecoder) {
		switch ad.Type() {
		case svcFamily:
			s.Family = Family(ad.Uint16())
		case svcProtocol:
			s.Protocol = Protocol(ad.Uint16())
		case svcAddr:
			addr = ad.Bytes()
		case svcPort:
			port = ad.Bytes()
		case svcMark:
			s.FWMark = ad.Uint32()
		case svcScheduler:
			s.Scheduler = ad.String()
		case svcFlags:
			ad.Do(func(b []byte) error {
				if len(b) != 8 {
					return errIncomplete
				}
				flags = binary.NativeEndian.Uint32(b) // the other half is the mask
				return nil
			})
		case svcTimeout:
			persistence = ad.Uint32()
		case svcNetmask:
			mask = ad.Bytes()
		case svcPE:
			s.PE = ad.String()
		case svcStats:
			ad.Nested(c.narrow)
		case svcStats64:
			ad.Nested(c.wide)
		}
	})
	if err != nil {
		return Service{}, Counters{}, fmt.Errorf("service: %w", err)
	}
	if s.FWMark == 0 {
		a, err := address(s.Family, addr, port)
		if err != nil {
			return Service{}, Counters{}, fmt.Errorf("service: %w", err)
		}
		s.Addr, s.Port = a.Addr(), a.Port()
	}
	s.Flags = Flags(flags) & (OnePacket | Sched1 | Sched2 | Sched3)
	if flags&flagPersistent != 0 {
		s.Persistent = time.Duration(persistence) * time.Second
		if s.PersistMask, err = maskLength(s.Family, mask); err != nil {
			return Service{}, Counters{}, fmt.Errorf("service %s: %w", s.Key, err)
		}
	}
	return s, c.best(), nil
}

// decodeDestination reads the answer to cmdGetDest; of is the family of its service.
func decodeDestination(b []byte, of Family) (Destination, DestinationStats, error) {
	var (
		d          Destination
		st         DestinationStats
		c          counters
		family     = of // a kernel before 3.18 does not say
		addr, port []byte
	)
	err := inside(b, attrDest, func(ad *netlink.AttributeDecoder) {
		switch ad.Type() {
		case destAddr:
			addr = ad.Bytes()
		case destPort:
			port = ad.Bytes()
		case destFamily:
			family = Family(ad.Uint16())
		case destForward:
			d.Forward = Forward(ad.Uint32() & forwardMask)
		case destWeight:
			d.Weight = int(ad.Uint32())
		case destUpper:
			d.Upper = ad.Uint32()
		case destLower:
			d.Lower = ad.Uint32()
		case destActive:
			st.Active = int(ad.Uint32())
		case destInactive:
			st.Inactive = int(ad.Uint32())
		case destPersistent:
			st.Persistent = int(ad.Uint32())
		case destStats:
			ad.Nested(c.narrow)
		case destStats64:
			ad.Nested(c.wide)
		case destTunnelType:
			d.Tunnel.Type = TunnelType(ad.Uint8())
		case destTunnelPort:
			ad.Do(func(b []byte) error {
				if len(b) != 2 {
					return errIncomplete
				}
				d.Tunnel.Port = binary.BigEndian.Uint16(b)
				return nil
			})
		case destTunnelFlags:
			d.Tunnel.Flags = ad.Uint16()
		}
	})
	if err != nil {
		return Destination{}, DestinationStats{}, fmt.Errorf("destination: %w", err)
	}
	if d.Addr, err = address(family, addr, port); err != nil {
		return Destination{}, DestinationStats{}, fmt.Errorf("destination: %w", err)
	}
	st.Counters = c.best()
	return d, st, nil
}

// decodeTimeouts reads the answer to cmdGetConfig.
func decodeTimeouts(b []byte) (Timeouts, error) {
	var t Timeouts
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return Timeouts{}, fmt.Errorf("timeouts: %w", err)
	}
	for ad.Next() {
		switch ad.Type() {
		case attrTimeoutTCP:
			t.TCP = time.Duration(ad.Uint32()) * time.Second
		case attrTimeoutTCPFin:
			t.TCPFin = time.Duration(ad.Uint32()) * time.Second
		case attrTimeoutUDP:
			t.UDP = time.Duration(ad.Uint32()) * time.Second
		}
	}
	if err := ad.Err(); err != nil {
		return Timeouts{}, fmt.Errorf("timeouts: %w", err)
	}
	return t, nil
}

// decodeInfo reads the answer to cmdGetInfo.
func decodeInfo(b []byte) (Info, error) {
	var i Info
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return Info{}, fmt.Errorf("info: %w", err)
	}
	for ad.Next() {
		switch ad.Type() {
		case infoVersion:
			v := ad.Uint32()
			i.Version = fmt.Sprintf("%d.%d.%d", v>>16&0xff, v>>8&0xff, v&0xff)
		case infoSize:
			i.Size = int(ad.Uint32())
		}
	}
	if err := ad.Err(); err != nil {
		return Info{}, fmt.Errorf("info: %w", err)
	}
	return i, nil
}

// encodeKey writes the service that a request is about.
func encodeKey(ae *netlink.AttributeEncoder, k Key) {
	ae.Nested(attrService, func(ae *netlink.AttributeEncoder) error {
		encodeName(ae, k)
		return nil
	})
}

func encodeName(ae *netlink.AttributeEncoder, k Key) {
	ae.Uint16(svcFamily, uint16(k.Family))
	if k.FWMark != 0 {
		ae.Uint32(svcMark, k.FWMark)
		return
	}
	ae.Uint16(svcProtocol, uint16(k.Protocol))
	ae.Bytes(svcAddr, k.Addr.AsSlice())
	ae.Bytes(svcPort, binary.BigEndian.AppendUint16(nil, k.Port))
}

// encodeDestination writes the destination that a request is about, and all that there is to say of it unless it is to go.
func encodeDestination(ae *netlink.AttributeEncoder, v Verb, d Destination) {
	d = d.canonical()
	ae.Nested(attrDest, func(ae *netlink.AttributeEncoder) error {
		ae.Bytes(destAddr, d.Addr.Addr().AsSlice())
		ae.Bytes(destPort, binary.BigEndian.AppendUint16(nil, d.Addr.Port()))
		ae.Uint16(destFamily, uint16(FamilyOf(d.Addr.Addr())))
		if v == DeleteDestination {
			return nil
		}
		ae.Uint32(destForward, uint32(d.Forward))
		ae.Uint32(destWeight, uint32(d.Weight))
		ae.Uint32(destUpper, d.Upper)
		ae.Uint32(destLower, d.Lower)
		if d.Tunnel != (Tunnel{}) { // which a kernel before 5.3 does not know
			ae.Uint8(destTunnelType, uint8(d.Tunnel.Type))
			ae.Bytes(destTunnelPort, binary.BigEndian.AppendUint16(nil, d.Tunnel.Port))
			ae.Uint16(destTunnelFlags, d.Tunnel.Flags)
		}
		return nil
	})
}

// inside calls fn for each attribute nested in the outer attribute that has the type.
func inside(b []byte, outer uint16, fn func(*netlink.AttributeDecoder)) error {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return err
	}
	found := false
	for ad.Next() {
		if ad.Type() != outer {
			continue
		}
		found = true
		ad.Nested(func(ad *netlink.AttributeDecoder) error {
			for ad.Next() {
				fn(ad)
			}
			return nil
		})
	}
	if err := ad.Err(); err != nil {
		return err
	}
	if !found {
		return errIncomplete
	}
	return nil
}

// address reads the kernel's union of both families' addresses (16 bytes, of which IPv4 uses the first four).
func address(f Family, addr, port []byte) (netip.AddrPort, error) {
	size := 4
	switch f {
	case IPv4:
	case IPv6:
		size = 16
	default:
		return netip.AddrPort{}, fmt.Errorf("%s: %w", f, errIncomplete)
	}
	if len(addr) < size || len(port) != 2 {
		return netip.AddrPort{}, fmt.Errorf("address: %w", errIncomplete)
	}
	a, _ := netip.AddrFromSlice(addr[:size])
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port)), nil
}

// maskLength reads a persistence mask: for IPv4 a mask in network order, for IPv6 a prefix length in the host's.
func maskLength(f Family, b []byte) (int, error) {
	if len(b) != 4 {
		return 0, fmt.Errorf("mask: %w", errIncomplete)
	}
	if f == IPv6 {
		return int(binary.NativeEndian.Uint32(b)), nil
	}
	m := binary.BigEndian.Uint32(b)
	for bits := 1; bits <= 32; bits++ {
		if m == ^uint32(0)<<(32-bits) {
			return bits, nil
		}
	}
	return -1, nil
}

// maskValue is maskLength's inverse, as the number whose bytes in the host's order are the message's.
func maskValue(f Family, bits int) uint32 {
	if bits == 0 {
		bits = fullMask(f)
	}
	if f == IPv6 {
		return uint32(bits)
	}
	return binary.NativeEndian.Uint32(binary.BigEndian.AppendUint32(nil, ^uint32(0)<<(32-bits)))
}
