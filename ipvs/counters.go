package ipvs

import "github.com/mdlayher/netlink"

// The attributes of both forms of statistics (IPVS_STATS_ATTR_*).
const (
	statsConns    = 1
	statsPktsIn   = 2
	statsPktsOut  = 3
	statsBytesIn  = 4
	statsBytesOut = 5
	statsCPS      = 6
	statsPPSIn    = 7
	statsPPSOut   = 8
	statsBPSIn    = 9
	statsBPSOut   = 10
)

// counters reads the two forms in which the kernel sends statistics: one with connections, packets and rates in 32 bits,
// which wrap, and since Linux 4.1 one with everything in 64.
type counters struct {
	old, new Counters
	hasNew   bool
}

// best returns the wide form if the kernel sent it.
func (c *counters) best() Counters {
	if c.hasNew {
		return c.new
	}
	return c.old
}

func (c *counters) narrow(ad *netlink.AttributeDecoder) error {
	for ad.Next() {
		to := c.old.field(ad.Type())
		switch {
		case to == nil:
		case ad.Type() == statsBytesIn || ad.Type() == statsBytesOut: // 64 bits in this form too
			*to = ad.Uint64()
		default:
			*to = uint64(ad.Uint32())
		}
	}
	return nil
}

func (c *counters) wide(ad *netlink.AttributeDecoder) error {
	c.hasNew = true
	for ad.Next() {
		if to := c.new.field(ad.Type()); to != nil {
			*to = ad.Uint64()
		}
	}
	return nil
}

// field returns where the attribute belongs, nil for padding and what is newer than this program.
func (c *Counters) field(attr uint16) *uint64 {
	switch attr {
	case statsConns:
		return &c.Connections
	case statsPktsIn:
		return &c.PacketsIn
	case statsPktsOut:
		return &c.PacketsOut
	case statsBytesIn:
		return &c.BytesIn
	case statsBytesOut:
		return &c.BytesOut
	case statsCPS:
		return &c.CPS
	case statsPPSIn:
		return &c.PPSIn
	case statsPPSOut:
		return &c.PPSOut
	case statsBPSIn:
		return &c.BPSIn
	case statsBPSOut:
		return &c.BPSOut
	default:
		return nil
	}
}
