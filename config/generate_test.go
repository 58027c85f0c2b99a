package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// documents generates documents that Parse could have returned: valid, every default filled in, sorted.
func documents() *rapid.Generator[Document] {
	return rapid.Custom(func(t *rapid.T) Document {
		d := Document{Cluster: drawCluster(t)}
		for i := range rapid.IntRange(0, 3).Draw(t, "vips") {
			d.VIPs = append(d.VIPs, drawVIP(t, i))
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "virtuals") {
			d.Virtuals = append(d.Virtuals, drawVirtual(t, i))
			if d.Cluster.SyncDaemon == nil {
				drawMixed(t, d.Virtuals[i], i)
			}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "router checks") {
			d.RouterChecks = append(d.RouterChecks, drawRouterCheck(t, i))
		}
		return sorted(d)
	})
}

func drawRouterCheck(t *rapid.T, i int) RouterCheck {
	c := RouterCheck{
		Name: drawName(t, i), Every: drawSeconds(t, "every")%time.Hour + time.Second, Timeout: time.Second,
		Rise: rapid.IntRange(1, 9).Draw(t, "rise"), Fall: rapid.IntRange(1, 9).Draw(t, "fall"), Penalty: rapid.IntRange(0, maxPenalty).Draw(t, "penalty"),
	}
	switch rapid.SampledFrom([]string{"command", "ping", "file", "interface"}).Draw(t, "asks") {
	case "command":
		c.Command, c.User = []string{"/bin/ok", "an argument"}, rapid.SampledFrom([]string{"nobody", "root"}).Draw(t, "user")
	case "ping":
		c.Ping = netip.MustParseAddr(rapid.SampledFrom([]string{"192.0.2.1", "2001:db8::1"}).Draw(t, "ping"))
	case "file":
		c.File, c.Absent = "/run/unfit", rapid.Bool().Draw(t, "absent")
		c.Contains = rapid.SampledFrom([]string{"", "yes"}).Draw(t, "contains")
	case "interface":
		c.Interface = drawName(t, i)
	}
	for j := range rapid.IntRange(0, 2).Draw(t, "routers") {
		c.Routers = append(c.Routers, drawName(t, j))
	}
	return c
}

func drawName(t *rapid.T, i int) string {
	return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,20}`).Draw(t, "name") + fmt.Sprint(i)
}

func drawSeconds(t *rapid.T, what string) time.Duration {
	return time.Duration(rapid.IntRange(1, 100_000).Draw(t, what)) * time.Second
}

func drawCluster(t *rapid.T) Cluster {
	c := Cluster{
		Standby:  rapid.SampledFrom([]Standby{Warm, Cold}).Draw(t, "standby"),
		Failback: rapid.Bool().Draw(t, "failback"),
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "prefer") {
		c.Prefer = append(c.Prefer, drawName(t, i))
	}
	if c.Standby == Warm && rapid.Bool().Draw(t, "sync") {
		c.SyncDaemon = drawSyncDaemon(t)
	}
	if rapid.Bool().Draw(t, "timeouts") {
		c.Timeouts = Timeouts{TCP: drawSeconds(t, "tcp"), UDP: drawSeconds(t, "udp")}
	}
	if rapid.Bool().Draw(t, "settings") {
		c.Sysctls = map[string]string{"net.ipv4.vs.conn_reuse_mode": rapid.SampledFrom([]string{"0", "1", Keep}).Draw(t, "reuse"), "net.ipv4.vs.sync_threshold": "3 50"}
	}
	return c
}

func drawSyncDaemon(t *rapid.T) *SyncDaemon {
	s := &SyncDaemon{Interface: drawName(t, 0), ID: rapid.IntRange(0, 255).Draw(t, "id")}
	if rapid.Bool().Draw(t, "more") {
		s.Group = netip.MustParseAddr(rapid.SampledFrom([]string{"239.1.2.3", "ff02::81"}).Draw(t, "group"))
		s.Port = uint16(rapid.IntRange(0, 65535).Draw(t, "port"))
		s.TTL = rapid.IntRange(0, 255).Draw(t, "ttl")
		s.MaxLen = rapid.IntRange(leastSyncLen, mostSyncLen6).Draw(t, "maxlen")
	}
	return s
}

func drawVIP(t *rapid.T, i int) VIP {
	v := VIP{
		Name:    drawName(t, i),
		Address: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), rapid.IntRange(8, 24).Draw(t, "bits")),
		Group:   "default",
	}
	if rapid.Bool().Draw(t, "six") {
		v.Address = netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1)), 64)
	}
	if rapid.Bool().Draw(t, "link") {
		v.Interface = drawName(t, i)
	}
	if rapid.Bool().Draw(t, "grouped") {
		v.Group = drawName(t, i)
	}
	return v
}

func drawVirtual(t *rapid.T, i int) Virtual {
	v := Virtual{
		Name:       drawName(t, i),
		Family:     rapid.SampledFrom([]Family{IPv4, IPv6}).Draw(t, "family"),
		Scheduler:  rapid.SampledFrom(Schedulers()).Draw(t, "scheduler"),
		Forward:    rapid.SampledFrom([]Forward{NAT, DR, Tun, Local}).Draw(t, "forward"),
		MinServers: 1,
		Inactive:   rapid.Bool().Draw(t, "inactive"),
		OnFailure:  rapid.SampledFrom([]OnFailure{Remove, Quiesce}).Draw(t, "on failure"),
	}
	if v.Scheduler == "mh" && rapid.Bool().Draw(t, "flags") {
		v.Flags = []string{"fallback", "port"}
	}
	kind := rapid.SampledFrom([]string{"one port", "two ports", "ports and ranges", "every port", "mark"}).Draw(t, "kind")
	if kind == "mark" {
		v.FWMark = uint32(i + 1)
	} else {
		v.Address = drawAddr(v.Family, 198, i, 1)
		v.Protocol = rapid.SampledFrom([]Protocol{TCP, UDP, SCTP}).Draw(t, "protocol")
		if rapid.Bool().Draw(t, "link") {
			v.Interface = drawName(t, i)
		}
	}
	switch kind {
	case "one port":
		v.Ports = []uint16{rapid.Uint16Range(1, 65535).Draw(t, "port")}
	case "two ports":
		v.Ports = []uint16{80, 443}
	case "ports and ranges":
		v.Ports, v.Ranges = []uint16{21}, []PortRange{{1000, 1999}, {8000, 8100}}[rapid.IntRange(0, 1).Draw(t, "ranges"):]
	case "every port":
		v.Ports = []uint16{0}
	}
	if kind == "every port" || rapid.Bool().Draw(t, "persistent") {
		v.Persistent = &Persistent{Timeout: drawSeconds(t, "persistent"), Mask: rapid.SampledFrom([]int{0, 8, 24}).Draw(t, "mask")}
		if v.Protocol == UDP || v.FWMark != 0 {
			v.Persistent.Engine = rapid.SampledFrom([]string{"", "sip"}).Draw(t, "engine")
		}
	}
	if v.Forward == Tun {
		v.Tunnel = drawTunnel(t)
	}
	if rapid.Bool().Draw(t, "check") {
		v.Check = drawCheck(t)
	}
	for j := range rapid.IntRange(1, 3).Draw(t, "servers") {
		v.Servers = append(v.Servers, drawServer(t, v, i, j))
	}
	if rapid.Bool().Draw(t, "sorry") {
		port, _ := v.Port()
		s := SorryServer(netip.AddrPortFrom(drawAddr(v.Family, 10, i, 99), port))
		s.Forward = v.Forward
		if s.Forward == Local {
			s.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 99}), port)
		}
		if s.Forward == Tun {
			s.Tunnel = v.Tunnel
		}
		if v.Family == IPv4 || s.Forward != Local { // of IPv6 there is one such address
			v.Sorry = []Server{s}
		}
	}
	drawFollowing(t, &v)
	slices.Sort(v.Flags)
	return v
}

// drawMixed gives servers by tun addresses of the other family.
func drawMixed(t *rapid.T, v Virtual, i int) {
	for j := range v.Servers {
		s := &v.Servers[j]
		if s.Forward != Tun || rapid.Bool().Draw(t, "same family") {
			continue
		}
		other := IPv4
		if v.Family == IPv4 {
			other = IPv6
		}
		s.Address = netip.AddrPortFrom(drawAddr(other, 10, i, j+1), s.Address.Port())
	}
}

// drawTunnel draws a tunnel as it is once complete.
func drawTunnel(t *rapid.T) Tunnel {
	return rapid.SampledFrom([]Tunnel{
		{}, {Type: GUE, Port: 6080, Checksum: NoChecksum}, {Type: GUE, Port: 1, Checksum: RemoteChecksum}, {Type: GRE, Checksum: FullChecksum},
	}).Draw(t, "tunnel")
}

func drawServer(t *rapid.T, v Virtual, i, j int) Server {
	s := Server{Name: drawName(t, j), Forward: v.Forward, Weight: rapid.IntRange(0, 65535).Draw(t, "weight")}
	if rapid.Bool().Draw(t, "own forward") || v.Forward == Local && v.Family == IPv6 && j > 0 { // of which there is one address
		s.Forward = NAT
	}
	port, _ := v.Port()
	if s.Forward == NAT && rapid.Bool().Draw(t, "own port") {
		port = rapid.Uint16Range(1, 65535).Draw(t, "port")
	}
	if s.Forward == Tun {
		s.Tunnel = v.Tunnel
		if rapid.Bool().Draw(t, "own tunnel") {
			s.Tunnel = drawTunnel(t)
		}
		if s.Tunnel == (Tunnel{}) && v.Tunnel != (Tunnel{}) {
			s.Tunnel.Type = IPIP
		}
	}
	s.Upper = rapid.IntRange(0, 1000).Draw(t, "upper")
	s.Lower = rapid.IntRange(0, s.Upper).Draw(t, "lower")
	s.Address = netip.AddrPortFrom(drawAddr(v.Family, 10, i, j+1), port)
	if s.Forward == Local {
		s.Address = netip.AddrPortFrom(drawLoopback(v.Family, j), port)
	}
	return s
}

// drawFollowing draws what follows of the verdicts, and a check of a server's own.
func drawFollowing(t *rapid.T, v *Virtual) {
	if rapid.Bool().Draw(t, "default") {
		return
	}
	v.MinServers = rapid.IntRange(1, len(v.Servers)).Draw(t, "min servers")
	v.Hysteresis = rapid.IntRange(0, len(v.Servers)-v.MinServers).Draw(t, "hysteresis")
	v.Panic = rapid.IntRange(0, 100).Draw(t, "panic")
	v.Probe = rapid.SampledFrom([]Probing{"", ByDirector}).Draw(t, "probe")
	if v.Probe == "" {
		v.Votes = rapid.IntRange(0, 3).Draw(t, "votes")
	}
	if rapid.Bool().Draw(t, "slow") {
		v.SlowStart, v.SlowCurve = time.Minute, rapid.SampledFrom([]SlowCurve{Linear, Doubling}).Draw(t, "curve")
	}
	if rapid.Bool().Draw(t, "own check") {
		v.Servers[0].Check = drawCheck(t)
	}
	if len(v.Sorry) > 0 && rapid.Bool().Draw(t, "named") {
		v.Sorry[0].Name, v.Sorry[0].Weight, v.Sorry[0].Check = "spare", 2, drawCheck(t)
	}
}

// drawCheck draws a check of any kind, with anything that it can have.
func drawCheck(t *rapid.T) *Check {
	kind := rapid.SampledFrom(CheckKinds()).Draw(t, "kind")
	if !kind.compound() {
		return drawKind(t, kind)
	}
	c := drawKind(t, CheckTCP)
	c.Kind, c.Port = kind, 0
	for range rapid.IntRange(1, 3).Draw(t, "checks") {
		inner := drawKind(t, rapid.SampledFrom(append(CheckKinds()[:3], CheckDNS, CheckScript)).Draw(t, "inner"))
		inner.Initial, inner.Flaps, inner.FlapWindow, inner.FlapHold = "", 0, 0, 0
		if rapid.Bool().Draw(t, "same pace") {
			inner.Every, inner.Timeout, inner.Fast, inner.Rise, inner.Fall = c.Every, c.Timeout, c.Fast, c.Rise, c.Fall
		} else if inner.Fast == 0 {
			inner.Timeout = 0 // the fast one of the outer check may be shorter
		}
		c.Of = append(c.Of, *inner)
	}
	if c.Kind == CheckSome {
		c.Need = rapid.IntRange(1, len(c.Of)).Draw(t, "need")
	}
	c.Complete()
	return c
}

func drawKind(t *rapid.T, kind CheckKind) *Check {
	c := drawPlain(t)
	if c.Kind == kind {
		return c
	}
	c.Kind, c.Path, c.Host, c.Status, c.TLS, c.Method = kind, "", "", nil, false, ""
	text := rapid.StringMatching(`[ -~é]{1,12}`)
	some := func(what string) bool { return rapid.Bool().Draw(t, what) }
	switch kind {
	case CheckHTTP:
		c.Path, c.Status, c.Method = "/x", []StatusRange{{200, 299}}, rapid.SampledFrom([]string{"", "POST"}).Draw(t, "method")
		c.Headers = map[string]string{"X-A": text.Draw(t, "header")}
		c.Version, c.Redirects = rapid.SampledFrom([]string{"", "1.1", "2"}).Draw(t, "version"), rapid.IntRange(0, 10).Draw(t, "redirects")
		c.Contains, c.Matches, c.JSON = text.Draw(t, "contains"), `^[a-z]+\s${1}`, `status == 200 && body.queue < 100`
	case CheckSend, CheckUDP:
		c.Send, c.Expect = `\x00PING\r\n "%{ ${`, rapid.SampledFrom([]string{"", "*", "~^[0-9]+", "+PONG"}).Draw(t, "expect")
	case CheckDNS:
		c.Query, c.Type = "www.example.org", rapid.SampledFrom([]string{"A", "TXT"}).Draw(t, "type")
	case CheckICMP:
		c.Port = 0
	case CheckGRPC:
		c.Service = "a.b/c"
	case CheckScript:
		c.Command, c.User = []string{"/bin/probe", "%h", text.Draw(t, "word")}, "probe"
	case CheckAgent:
		c.Path = rapid.SampledFrom([]string{"", "/weight"}).Draw(t, "path")
	}
	if slices.Contains(tlsKinds, kind) {
		c.TLS = some("tls")
	}
	if c.TLS || kind == CheckTLS {
		c.NoVerify = some("unverified")
		if !c.NoVerify {
			c.CA = "/etc/ssl/ca.pem"
		}
		c.ServerName, c.ClientCert, c.ClientKey, c.ExpiryWarn = "s.example.org", "/etc/c.pem", "/etc/k.pem", 336*time.Hour
	}
	if some("damped") {
		c.Initial, c.Flaps, c.FlapWindow, c.FlapHold = InitialDown, 3, time.Minute, time.Hour
	}
	if some("fast") {
		c.Fast = max(minEvery, c.Timeout)
	}
	return c
}

func drawPlain(t *rapid.T) *Check {
	c := &Check{
		Kind:  CheckTCP,
		Every: time.Duration(rapid.IntRange(100, 60_000).Draw(t, "every")) * time.Millisecond,
		Rise:  rapid.IntRange(1, 10).Draw(t, "rise"),
		Fall:  rapid.IntRange(1, 10).Draw(t, "fall"),
		Port:  rapid.Uint16Range(1, 65535).Draw(t, "check port"),
	}
	c.Timeout = c.Every / time.Duration(rapid.IntRange(1, 2).Draw(t, "timeout"))
	if rapid.Bool().Draw(t, "http") {
		c.Kind = CheckHTTP
		c.Path = rapid.StringMatching(`/[!-~]{0,12}`).Draw(t, "path")
		c.Host = rapid.SampledFrom([]string{"", "www.example.org"}).Draw(t, "host")
		c.Status = rapid.SampledFrom([][]StatusRange{{{200, 299}}, {{200, 200}, {301, 302}}}).Draw(t, "status")
		c.TLS = rapid.Bool().Draw(t, "tls")
	}
	return c
}

func drawLoopback(f Family, j int) netip.Addr {
	if f == IPv4 {
		return netip.AddrFrom4([4]byte{127, 0, 0, byte(j + 1)})
	}
	return netip.IPv6Loopback()
}

func drawAddr(f Family, net byte, i, j int) netip.Addr {
	if f == IPv4 {
		return netip.AddrFrom4([4]byte{net, 51, byte(i), byte(j)})
	}
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:%d:%d::%d", net, i, j))
}
