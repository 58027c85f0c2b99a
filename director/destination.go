package director

import (
	"cmp"
	"fmt"

	"polso/config"
	"polso/ipvs"
)

// destinationOf translates a server, with weight 0.
func destinationOf(v config.Virtual, s config.Server) (ipvs.Destination, error) {
	d := ipvs.Destination{Addr: s.Address, Upper: uint32(s.Upper), Lower: uint32(s.Lower)}
	switch f := cmp.Or(s.Forward, v.Forward); f {
	case config.NAT:
		d.Forward = ipvs.NAT
	case config.DR:
		d.Forward = ipvs.Direct
	case config.Local:
		d.Forward = ipvs.Local
	case config.Tun:
		d.Forward = ipvs.Tun
		var err error
		d.Tunnel, err = tunnelOf(cmp.Or(s.Tunnel, v.Tunnel))
		return d, err
	default:
		return d, fmt.Errorf("unknown forward method %q", f)
	}
	return d, nil
}

func tunnelOf(t config.Tunnel) (ipvs.Tunnel, error) {
	out := ipvs.Tunnel{Port: t.Port}
	switch t.Type {
	case config.IPIP, "":
	case config.GUE:
		out.Type = ipvs.GUE
	case config.GRE:
		out.Type = ipvs.GRE
	default:
		return out, fmt.Errorf("unknown type of tunnel %q", t.Type)
	}
	switch t.Checksum {
	case config.NoChecksum, "":
	case config.FullChecksum:
		out.Flags = ipvs.Csum
	case config.RemoteChecksum:
		out.Flags = ipvs.Remcsum
	default:
		return out, fmt.Errorf("unknown checksum %q of a tunnel", t.Checksum)
	}
	return out, nil
}
