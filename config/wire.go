package config

import "time"

// toWire and fromWire copy field by field: the types of the document may grow without the canonical form changing
// unnoticed (TestWireKnowsEveryField counts both sides).
func toWire(d Document) wireDocument {
	w := wireDocument{
		Schema: Schema,
		Cluster: wireCluster{
			Standby:  d.Cluster.Standby,
			Prefer:   d.Cluster.Prefer,
			Failback: d.Cluster.Failback,
			Timeouts: wireTimeouts{
				TCP:    seconds(d.Cluster.Timeouts.TCP),
				TCPFin: seconds(d.Cluster.Timeouts.TCPFin),
				UDP:    seconds(d.Cluster.Timeouts.UDP),
			},
			Sysctls: d.Cluster.Sysctls,
		},
	}
	if s := d.Cluster.SyncDaemon; s != nil {
		w.Cluster.SyncDaemon = (*wireSyncDaemon)(s)
	}
	for _, v := range d.VIPs {
		w.VIPs = append(w.VIPs, wireVIP(v))
	}
	for _, v := range d.Virtuals {
		w.Virtuals = append(w.Virtuals, virtualToWire(v))
	}
	for _, n := range d.Notifies {
		w.Notifies = append(w.Notifies, notifyToWire(n))
	}
	for _, c := range d.RouterChecks {
		w.RouterChecks = append(w.RouterChecks, routerCheckToWire(c))
	}
	return w
}

func virtualToWire(v Virtual) wireVirtual {
	w := wireVirtual{
		Name: v.Name, Address: v.Address, Interface: v.Interface, Ports: portList{v.Ports, v.Ranges}, Protocol: v.Protocol,
		FWMark: v.FWMark, Family: v.Family, Scheduler: v.Scheduler, Flags: v.Flags, Forward: v.Forward, Masquerade: v.Masquerade,
		Tunnel: wireTunnel(v.Tunnel), MinServers: v.MinServers, OnFailure: v.OnFailure, Check: checkToWire(v.Check),
		Servers: serversToWire(v.Servers), Hysteresis: v.Hysteresis, Panic: v.Panic, SlowStart: seconds(v.SlowStart), SlowCurve: v.SlowCurve,
		Probe: v.Probe, Votes: v.Votes,
	}
	if v.Inactive {
		w.Active = new(bool)
	}
	if a, short := v.sorryShort(); short {
		w.SorryServer = &a
	} else {
		w.Sorry = serversToWire(v.Sorry)
	}
	if p := v.Persistent; p != nil {
		w.Persistent = &wirePersistent{Timeout: seconds(p.Timeout), Mask: p.Mask, Engine: p.Engine}
	}
	return w
}

func serversToWire(list []Server) []wireServer {
	var out []wireServer
	for _, s := range list {
		out = append(out, wireServer{
			Name: s.Name, Address: s.Address, Forward: s.Forward, Tunnel: wireTunnel(s.Tunnel), Weight: s.Weight, Upper: s.Upper, Lower: s.Lower,
			Check: checkToWire(s.Check),
		})
	}
	return out
}

func fromWire(w wireDocument) Document {
	d := Document{Cluster: Cluster{
		Standby:  w.Cluster.Standby,
		Prefer:   w.Cluster.Prefer,
		Failback: w.Cluster.Failback,
		Timeouts: Timeouts{
			TCP:    time.Duration(w.Cluster.Timeouts.TCP),
			TCPFin: time.Duration(w.Cluster.Timeouts.TCPFin),
			UDP:    time.Duration(w.Cluster.Timeouts.UDP),
		},
		Sysctls: w.Cluster.Sysctls,
	}}
	if s := w.Cluster.SyncDaemon; s != nil {
		d.Cluster.SyncDaemon = (*SyncDaemon)(s)
	}
	for _, v := range w.VIPs {
		d.VIPs = append(d.VIPs, VIP(v))
	}
	for _, v := range w.Virtuals {
		d.Virtuals = append(d.Virtuals, virtualFromWire(v))
	}
	for _, n := range w.Notifies {
		d.Notifies = append(d.Notifies, notifyFromWire(n))
	}
	for _, c := range w.RouterChecks {
		d.RouterChecks = append(d.RouterChecks, routerCheckFromWire(c))
	}
	return d
}

func virtualFromWire(w wireVirtual) Virtual {
	v := Virtual{
		Name: w.Name, Address: w.Address, Interface: w.Interface, Ports: w.Ports.Ports, Ranges: w.Ports.Ranges, Protocol: w.Protocol,
		FWMark: w.FWMark, Family: w.Family, Scheduler: w.Scheduler, Flags: w.Flags, Forward: w.Forward, Masquerade: w.Masquerade,
		Tunnel: Tunnel(w.Tunnel), MinServers: w.MinServers, OnFailure: w.OnFailure, Check: checkFromWire(w.Check),
		Servers: serversFromWire(w.Servers), Sorry: serversFromWire(w.Sorry), Hysteresis: w.Hysteresis, Panic: w.Panic,
		SlowStart: time.Duration(w.SlowStart), SlowCurve: w.SlowCurve, Probe: w.Probe, Votes: w.Votes, Inactive: w.Active != nil && !*w.Active,
	}
	if w.SorryServer != nil {
		s := SorryServer(*w.SorryServer)
		s.Forward = w.Forward
		if s.Forward == Tun {
			s.Tunnel = v.Tunnel
		}
		v.Sorry = append(v.Sorry, s)
	}
	if p := w.Persistent; p != nil {
		v.Persistent = &Persistent{Timeout: time.Duration(p.Timeout), Mask: p.Mask, Engine: p.Engine}
	}
	return v
}

func serversFromWire(list []wireServer) []Server {
	var out []Server
	for _, s := range list {
		out = append(out, Server{
			Name: s.Name, Address: s.Address, Forward: s.Forward, Tunnel: Tunnel(s.Tunnel), Weight: s.Weight, Upper: s.Upper, Lower: s.Lower,
			Check: checkFromWire(s.Check),
		})
	}
	return out
}
