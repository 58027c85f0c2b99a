package convert

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// ToIPVSAdm returns the lines that make the document's table with `ipvsadm -R`, and what they cannot say. The document is a valid one. Numbers
// alone are written, as `ipvsadm -S -n` does, and virtuals and servers stand in the document's order. The table is the whole one: servers
// that are down are in it.
func ToIPVSAdm(d config.Document) ([]byte, []Note) {
	e := &export{format: "ipvsadm"}
	e.onlyPolso(d)
	if s := d.Cluster.SyncDaemon; s != nil {
		e.note(Lost, "cluster", "sync_daemon: a table has none; on every router: ipvsadm --start-daemon master %s, and the same with backup", ipvsDaemon(*s))
	}
	if t := d.Cluster.Timeouts; t != (config.Timeouts{}) {
		e.line("--set %d %d %d", t.TCP/time.Second, t.TCPFin/time.Second, t.UDP/time.Second)
	}
	for _, x := range d.VIPs {
		e.note(Lost, block("vip", x.Name), "a table holds no addresses: ip addr add %s dev %s", x.Address, cmp.Or(x.Interface, "DEVICE"))
	}
	for _, v := range d.Virtuals {
		if v.Inactive {
			e.note(Lost, block("virtual", v.Name), "active = false: a table has none that is not")
			continue
		}
		e.ipvsNotes(v)
		service := ipvsService(v)
		e.line("-A %s -s %s%s", service, v.Scheduler, ipvsBalancing(v))
		for _, s := range v.Servers {
			e.line("-a %s -r %s %s", service, s.Address, ipvsServer(s))
		}
	}
	return e.Bytes(), e.notes
}

// ipvsNotes says what of a virtual is no part of a table.
func (e *export) ipvsNotes(v config.Virtual) {
	about := block("virtual", v.Name)
	if v.Address.IsValid() {
		e.note(Hint, about, "a table holds no addresses: ip addr add %s dev %s", v.Address, cmp.Or(v.Interface, "DEVICE"))
	}
	if mark := v.Mark(); mark != v.FWMark {
		e.note(Lost, about, "its ports are told by a mark that no table sets: nft add rule inet TABLE CHAIN %s daddr %s %s dport { %s } meta mark set %d, in a chain of prerouting with priority mangle",
			map[config.Family]string{config.IPv4: "ip", config.IPv6: "ip6"}[v.Family], v.Address, v.Protocol, portList(v), mark)
	}
	if v.Masquerade {
		e.note(Lost, about, "masquerade: the servers need the director as their gateway")
	}
	if v.Check != nil {
		e.note(Lost, about, "every server counts as up: there is no check (%s)", checkWords(*v.Check))
	}
	e.followed(v)
	if v.OnFailure != config.Remove {
		e.note(Lost, about, "on_failure = %q", v.OnFailure)
	}
	if v.SlowStart > 0 {
		e.note(Lost, about, "slow_start = %s, %s", v.SlowStart, v.SlowCurve)
	}
	for _, s := range v.Sorry {
		what := ""
		if s.Check != nil {
			what = ", with a check (" + checkWords(*s.Check) + ")"
		}
		e.note(Lost, about, "sorry_server %q: %s %s%s", s.Name, s.Address, ipvsServer(s), what)
	}
}

// ipvsDaemon are the options of a sync daemon.
func ipvsDaemon(s config.SyncDaemon) string {
	words := fmt.Sprintf("--mcast-interface %s --syncid %d", s.Interface, s.ID)
	if s.MaxLen != 0 {
		words += fmt.Sprintf(" --sync-maxlen %d", s.MaxLen)
	}
	if s.Group.IsValid() {
		words += fmt.Sprintf(" --mcast-group %s", s.Group)
	}
	if s.Port != 0 {
		words += fmt.Sprintf(" --mcast-port %d", s.Port)
	}
	if s.TTL != 0 {
		words += fmt.Sprintf(" --mcast-ttl %d", s.TTL)
	}
	return words
}

// portList are the virtual's ports as nft has them.
func portList(v config.Virtual) string {
	var list []string
	for _, p := range v.Ports {
		list = append(list, strconv.Itoa(int(p)))
	}
	for _, r := range v.Ranges {
		list = append(list, r.String())
	}
	return strings.Join(list, ", ")
}

// ipvsService is the option that names the virtual's service.
func ipvsService(v config.Virtual) string {
	if mark := v.Mark(); mark != 0 {
		return fmt.Sprintf("-f %d%s", mark, map[config.Family]string{config.IPv6: " -6"}[v.Family])
	}
	port, _ := v.Port()
	option := map[config.Protocol]string{config.TCP: "-t", config.UDP: "-u", config.SCTP: "--sctp-service"}[v.Protocol]
	return option + " " + netip.AddrPortFrom(v.Address, port).String()
}

// ipvsBalancing are the options of a service after its scheduler.
func ipvsBalancing(v config.Virtual) string {
	var out strings.Builder
	if p := v.Persistent; p != nil {
		fmt.Fprintf(&out, " -p %d", p.Timeout/time.Second)
		switch {
		case p.Mask == 0:
		case v.Family == config.IPv6:
			out.WriteString(" -M " + strconv.Itoa(p.Mask))
		default:
			out.WriteString(" -M " + dotted(p.Mask))
		}
		if p.Engine != "" {
			out.WriteString(" --pe " + p.Engine)
		}
	}
	if slices.Contains(v.Flags, "ops") {
		out.WriteString(" -o")
	}
	var flags []string
	for i, name := range []string{"fallback", "port", ""} {
		bit := fmt.Sprintf("flag-%d", i+1)
		switch {
		case !slices.Contains(v.Flags, bit) && !slices.Contains(v.Flags, name):
		case name != "" && (v.Scheduler == "sh" || v.Scheduler == "mh"):
			flags = append(flags, v.Scheduler+"-"+name)
		default:
			flags = append(flags, bit)
		}
	}
	if len(flags) > 0 {
		out.WriteString(" -b " + strings.Join(flags, ","))
	}
	return out.String()
}

// ipvsServer are the options of a server after its address. ipvsadm has no word for local: the address says it.
func ipvsServer(s config.Server) string {
	out := map[config.Forward]string{config.NAT: "-m", config.DR: "-g", config.Local: "-g", config.Tun: "-i"}[s.Forward]
	out += fmt.Sprintf(" -w %d", s.Weight)
	if s.Forward == config.Tun {
		t := s.Tunnel
		out += " --tun-type " + string(cmp.Or(t.Type, config.IPIP))
		if t.Port != 0 {
			out += fmt.Sprintf(" --tun-port %d", t.Port)
		}
		out += map[config.Checksum]string{
			config.NoChecksum: " --tun-nocsum", config.FullChecksum: " --tun-csum", config.RemoteChecksum: " --tun-remcsum",
		}[t.Checksum]
	}
	if s.Upper != 0 {
		out += fmt.Sprintf(" -x %d -y %d", s.Upper, s.Lower)
	}
	return out
}

// dotted is an IPv4 netmask of that many bits.
func dotted(bits int) string { return net.IP(net.CIDRMask(bits, 32)).String() }
