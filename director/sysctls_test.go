package director

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/vip"
)

// given puts settings into a document.
func given(doc config.Document, settings map[string]string) config.Document {
	doc.Cluster.Sysctls = settings
	return doc
}

func six(v *config.Virtual) {
	v.Address, v.Family = netip.MustParseAddr("2001:db8::10"), config.IPv6
	for i := range v.Servers {
		v.Servers[i].Address = netip.MustParseAddrPort("[2001:db8:1::1]:80")
	}
}

// both is several changes of a virtual as one.
func both(changes ...func(*config.Virtual)) func(*config.Virtual) {
	return func(v *config.Virtual) {
		for _, change := range changes {
			change(v)
		}
	}
}

// TestSysctls: which settings follow from which part of the document, and why.
func TestSysctls(t *testing.T) {
	const (
		always = `
net.ipv4.vs.conn_reuse_mode=1 instead of 0 # every virtual
net.ipv4.vs.expire_nodest_conn=1 # every virtual`
		arp = `
net.ipv4.conf.eth0.arp_announce=2 instead of 0 1 # vip 192.0.2.10
net.ipv4.conf.eth0.arp_ignore=1 instead of 0 # vip 192.0.2.10`
		loose     = "\nnet.ipv4.conf.eth0.rp_filter=2 instead of 1 # virtual web: replies go past this router"
		stateless = "\nnet.ipv4.vs.schedule_icmp=1 # virtual web: mh without a sync daemon"
	)
	mh := func(v *config.Virtual) { v.Scheduler = "mh" }
	here := func(v *config.Virtual) { v.Servers[0].Address = netip.MustParseAddrPort("192.0.2.2:80") }
	serving := func(in *Inputs) { in.Links[0].Own = []netip.Prefix{netip.MustParsePrefix("192.0.2.2/24")} }
	standby := func(in *Inputs) { in.Mandate = Mandate{} }
	for _, tt := range []struct {
		name string
		in   Inputs
		want string
	}{
		{"nothing to balance", base(blocks(document(), block("inside", "10.0.0.254/24", "", ""))), ``},
		{"a cold standby", change(base(document(web("a"))), func(in *Inputs) {
			in.Mandate, in.State.Document.Cluster.Standby, in.State.OtherLeads = Mandate{}, config.Cold, true
		}), ``},
		{"direct routing", base(document(web("a"))), arp + loose + always},
		{"a warm standby has them before it needs them", change(base(document(web("a"))), standby), arp + loose + always},
		{"tunnels", base(document(with(web("a"), by(config.Tun)))), arp + loose + always},
		{"masquerading forwards, is silent, and sees both ways", base(document(with(web("a"), by(config.NAT)))), `
net.ipv4.conf.all.send_redirects=0 # virtual web: nat` + arp + `
net.ipv4.conf.eth0.send_redirects=0 # virtual web: nat
net.ipv4.conf.eth1.send_redirects=0 # virtual web: nat
net.ipv4.ip_forward=1 # virtual web: nat` + always},
		{"masquerading of IPv6 needs nothing of IPv4", base(document(with(web("a"), both(six, by(config.NAT))))), always + `
net.ipv6.conf.all.forwarding=1 # virtual web: nat`},
		{"direct routing of IPv6 needs nothing of any link", base(document(with(web("a"), six))), always},
		{"persistence", base(document(with(web("a"), func(v *config.Virtual) { v.Persistent = &config.Persistent{Timeout: time.Minute} }))), arp + loose + always + `
net.ipv4.vs.expire_quiescent_template=1 # virtual web: persistent`},
		{"a hash finds the server again", base(document(with(web("a"), mh))), arp + loose + always + stateless + `
net.ipv4.vs.sloppy_tcp=1 # virtual web: mh without a sync daemon`},
		{"of sctp too", base(document(with(web("a"), both(mh, func(v *config.Virtual) { v.Protocol = config.SCTP })))), arp + loose + always + stateless + `
net.ipv4.vs.sloppy_sctp=1 # virtual web: mh without a sync daemon`},
		{"udp takes any packet anyway", base(document(with(web("a"), both(mh, func(v *config.Virtual) { v.Protocol = config.UDP })))), arp + loose + always + stateless},
		{"not where the other routers are told of connections", change(base(document(with(web("a"), mh))), func(in *Inputs) {
			in.State.Document.Cluster.SyncDaemon = &config.SyncDaemon{Interface: "inside"}
		}), arp + loose + `
net.ipv4.vs.backup_only=0 # sync daemon: this router directs` + always + `
net.ipv4.vs.sync_refresh_period=10 # sync daemon
net.ipv4.vs.sync_retries=1 # sync daemon
net.ipv4.vs.sync_threshold=0 0 # sync daemon`},
		{"not with masquerading: a server may speak first", base(document(with(web("a"), both(mh, by(config.NAT))))), `
net.ipv4.conf.all.send_redirects=0 # virtual web: nat` + arp + `
net.ipv4.conf.eth0.send_redirects=0 # virtual web: nat
net.ipv4.conf.eth1.send_redirects=0 # virtual web: nat
net.ipv4.ip_forward=1 # virtual web: nat` + always},
		{"a standby that is a real server has no table and keeps quiet all the same", change(change(base(document(with(web("a"), here))), serving), standby), arp + loose + always},

		{"given by the document", base(given(document(web("a")), map[string]string{"net.ipv4.vs.conn_reuse_mode": "0", "net.ipv4.vs.drop_entry": "1"})), arp + loose + `
net.ipv4.vs.conn_reuse_mode=0 # cluster sysctls over 1 for every virtual
net.ipv4.vs.drop_entry=1 # cluster sysctls
net.ipv4.vs.expire_nodest_conn=1 # every virtual`},
		{"left alone", base(given(document(web("a")), map[string]string{"net.ipv4.vs.conn_reuse_mode": config.Keep, "net.ipv4.conf.*.arp_ignore": config.Keep, "net.ipv4.conf.*.arp_announce": config.Keep})),
			`
net.ipv4.conf.eth0.arp_announce kept # cluster sysctls over 2 for vip 192.0.2.10
net.ipv4.conf.eth0.arp_ignore kept # cluster sysctls over 1 for vip 192.0.2.10` + loose + `
net.ipv4.vs.conn_reuse_mode kept # cluster sysctls over 1 for every virtual
net.ipv4.vs.expire_nodest_conn=1 # every virtual`},
		{"what shares connections too", change(base(given(document(web("a")), map[string]string{"net.ipv4.vs.sync_threshold": config.Keep})), func(in *Inputs) {
			in.State.Document.Cluster.SyncDaemon = &config.SyncDaemon{Interface: "inside"}
		}), arp + loose + `
net.ipv4.vs.backup_only=0 # sync daemon: this router directs` + always + `
net.ipv4.vs.sync_refresh_period=10 # sync daemon
net.ipv4.vs.sync_retries=1 # sync daemon
net.ipv4.vs.sync_threshold kept # cluster sysctls over 0 0 for sync daemon`},
		{"of every link that carries an address of the family", base(given(blocks(document(web("a")), block("inside", "10.0.0.254/24", "", ""), block("six", "2001:db8::11/64", "", "")),
			map[string]string{"net.ipv4.conf.*.rp_filter": "0", "net.ipv6.conf.*.accept_ra": "0"})), `
net.ipv4.conf.eth0.arp_announce=2 instead of 0 1 # vip 192.0.2.10
net.ipv4.conf.eth0.arp_ignore=1 instead of 0 # vip 192.0.2.10
net.ipv4.conf.eth0.rp_filter=0 # cluster sysctls over 2 for virtual web: replies go past this router
net.ipv4.conf.eth1.arp_announce=2 instead of 0 1 # vip 10.0.0.254
net.ipv4.conf.eth1.arp_ignore=1 instead of 0 # vip 10.0.0.254
net.ipv4.conf.eth1.rp_filter=0 # cluster sysctls` + always + `
net.ipv6.conf.eth0.accept_ra=0 # cluster sysctls`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkText(t, inWords(Decide(tt.in).Sysctls), strings.TrimPrefix(tt.want, "\n"))
		})
	}
}

// inWords is a line for each setting.
func inWords(s Sysctls) string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(s)) {
		w := s[path]
		instead := ""
		if w.Instead != nil {
			instead = " instead of " + strings.Join(w.Instead, " ")
		}
		is, over := "="+w.Value, ""
		if w.Kept {
			is = " kept"
		}
		if w.Over != nil {
			over = fmt.Sprintf(" over %s for %s", w.Over.Value, w.Over.For)
		}
		lines = append(lines, fmt.Sprintf("%s%s%s # %s%s", SysctlName(path), is, instead, w.For, over))
	}
	return strings.Join(lines, "\n")
}

// TestEverySettingSaysWhy: doctor has something to tell of each that Polso chooses.
func TestEverySettingSaysWhy(t *testing.T) {
	all := document(with(web("a"), func(v *config.Virtual) { v.Scheduler, v.Persistent = "mh", &config.Persistent{} }),
		with(web("a"), both(by(config.NAT), func(v *config.Virtual) { v.Name, v.Ports = "nat", []uint16{81} })),
		with(web("a"), both(six, by(config.NAT), func(v *config.Virtual) { v.Name = "six" })))
	for path, w := range Decide(base(all)).Sysctls {
		if w.For == "" || w.Else == "" {
			t.Errorf("%s: for %q, otherwise %q", path, w.For, w.Else)
		}
	}
}

func TestSysctlName(t *testing.T) {
	for path, name := range map[string]string{
		"net/ipv4/ip_forward": "net.ipv4.ip_forward", "net/ipv4/conf/eth0.100/arp_ignore": "net.ipv4.conf.eth0/100.arp_ignore",
	} {
		if got, back := SysctlName(path), SysctlPath(name); got != name || back != path {
			t.Errorf("%s is %s and back %s", path, got, back)
		}
	}
}

// TestNeverLess: what is stricter than needed, or the operator's other choice, is left; what the kernel makes of a link's setting
// and that of all counts.
func TestNeverLess(t *testing.T) {
	const rp, ignore, announce, reuse = "rp_filter", "arp_ignore", "arp_announce", "net/ipv4/vs/conn_reuse_mode"
	for _, tt := range []struct {
		name, all, link string
		setting         string
		want            string
	}{
		{"strict on the link", "0", "1", rp, " 0.000 sysctl -w net/ipv4/conf/eth0/rp_filter=2\n"},
		{"strict everywhere: this link alone becomes loose", "1", "0", rp, " 0.000 sysctl -w net/ipv4/conf/eth0/rp_filter=2\n"},
		{"loose everywhere", "2", "1", rp, ""},
		{"no filter", "0", "0", rp, ""},
		{"it answers for other links", "0", "0", ignore, " 0.000 sysctl -w net/ipv4/conf/eth0/arp_ignore=1\n"},
		{"all of it is quiet", "1", "0", ignore, ""},
		{"stricter", "0", "2", ignore, ""},
		{"it asks in any name", "0", "1", announce, " 0.000 sysctl -w net/ipv4/conf/eth0/arp_announce=2\n"},
		{"no link does", "2", "0", announce, ""},
		{"another way to reuse", "", "2", reuse, ""},
		{"none", "", "0", reuse, " 0.000 sysctl -w net/ipv4/vs/conn_reuse_mode=1\n"},
	} {
		t.Run(tt.name+" "+tt.setting, func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				if tt.setting == reuse {
					w.sys.put(reuse, tt.link)
				} else {
					w.sys.put("net/ipv4/conf/all/"+tt.setting, tt.all)
					w.sys.put("net/ipv4/conf/eth0/"+tt.setting, tt.link)
				}
				w.start()
				w.know(2, document(web("a")))
				w.expect("at first", "\n"+tt.want+" 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc\n")
				w.wait(20 * time.Second)
				w.expect("quiet", ``)
				w.check("quiet", "converged rev 2")
			})
		})
	}
}

// TestServesHere: packets come to this router with the virtual address in them.
func TestServesHere(t *testing.T) {
	mine := vip.Links{{Name: "eth0", Own: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}}
	for _, tt := range []struct {
		name string
		v    config.Virtual
		want bool
	}{
		{"directly", web("a", "b"), true},
		{"through a tunnel", with(web("a"), by(config.Tun)), true},
		{"masqueraded they have the router's own", with(web("a"), by(config.NAT)), false},
		{"others serve", with(web("a", "b"), func(v *config.Virtual) { v.Servers = v.Servers[1:] }), false},
	} {
		if got := ServesHere(mine, tt.v); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
