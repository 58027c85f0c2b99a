package ipvs

import (
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
)

const (
	cmdNewDaemon = 9
	cmdDelDaemon = 10
	cmdGetDaemon = 11

	attrDaemon = 3

	daemonState  = 1
	daemonLink   = 2
	daemonID     = 3
	daemonMaxLen = 4
	daemonGroup  = 5
	daemonGroup6 = 6
	daemonPort   = 7 // in the host's order, unlike every other port
	daemonTTL    = 8
)

// daemons lists those that run.
func (r reader) daemons() ([]Daemon, error) {
	var list []Daemon
	err := r.dump(cmdGetDaemon, nil, func(b []byte) error {
		d, err := decodeDaemon(b)
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read daemons: %w", err)
	}
	return list, nil
}

// encodeDaemon writes what is not the kernel's own choice: a kernel before 4.3 knows no more than state, link and id.
func encodeDaemon(ae *netlink.AttributeEncoder, d Daemon) {
	ae.Nested(attrDaemon, func(ae *netlink.AttributeEncoder) error {
		ae.Uint32(daemonState, uint32(d.Role))
		if d.Link == "" {
			return nil // to stop it
		}
		ae.String(daemonLink, d.Link)
		ae.Uint32(daemonID, uint32(d.ID))
		if d.MaxLen != 0 {
			ae.Uint16(daemonMaxLen, d.MaxLen)
		}
		switch {
		case d.Group.Is4():
			ae.Bytes(daemonGroup, d.Group.AsSlice())
		case d.Group.Is6():
			ae.Bytes(daemonGroup6, d.Group.AsSlice())
		}
		if d.Port != 0 {
			ae.Uint16(daemonPort, d.Port)
		}
		if d.TTL != 0 {
			ae.Uint8(daemonTTL, d.TTL)
		}
		return nil
	})
}

// decodeDaemon reads the answer to cmdGetDaemon.
func decodeDaemon(b []byte) (Daemon, error) {
	var d Daemon
	err := inside(b, attrDaemon, func(ad *netlink.AttributeDecoder) {
		switch ad.Type() {
		case daemonState:
			d.Role = DaemonRole(ad.Uint32())
		case daemonLink:
			d.Link = ad.String()
		case daemonID:
			d.ID = uint8(ad.Uint32())
		case daemonMaxLen:
			d.MaxLen = ad.Uint16()
		case daemonGroup, daemonGroup6:
			d.Group, _ = netip.AddrFromSlice(ad.Bytes())
		case daemonPort:
			d.Port = ad.Uint16()
		case daemonTTL:
			d.TTL = ad.Uint8()
		}
	})
	if err != nil {
		return Daemon{}, fmt.Errorf("daemon: %w", err)
	}
	return d, nil
}
