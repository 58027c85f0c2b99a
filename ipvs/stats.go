package ipvs

import "net/netip"

// Stats are the counters of a table, by service and destination, as the kernel counts them since the entry was made. The
// kernel adds packets, bytes and rates up every two seconds; connections of a destination are of this moment.
type Stats map[Key]ServiceStats

// ServiceStats are a service's counters with its destinations'.
type ServiceStats struct {
	Counters
	Destinations map[netip.AddrPort]DestinationStats
}

// DestinationStats are a destination's counters and its present connections.
type DestinationStats struct {
	Counters
	Active     int // connections established
	Inactive   int // connections in other states
	Persistent int // persistence templates
}

// Counters are totals since the entry was made and the kernel's present estimates per second (bytes, not bits).
type Counters struct {
	Connections, PacketsIn, PacketsOut, BytesIn, BytesOut uint64
	CPS, PPSIn, PPSOut, BPSIn, BPSOut                     uint64
}

// Info is what the kernel says of its IPVS.
type Info struct {
	Version string // "1.2.1"
	Size    int    // hash buckets of the connection table
}

// of returns the stats of exactly the entries of t: zeroes where s knows none.
func (s Stats) of(t Table) Stats {
	out := make(Stats, len(t.Services))
	for _, svc := range t.Services {
		known := s[svc.Key]
		st := ServiceStats{Counters: known.Counters, Destinations: make(map[netip.AddrPort]DestinationStats)}
		for _, d := range svc.Destinations {
			st.Destinations[d.Addr] = known.Destinations[d.Addr]
		}
		out[svc.Key] = st
	}
	return out
}
