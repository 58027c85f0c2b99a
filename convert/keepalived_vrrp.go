package convert

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// kaHome is where an address of a vrrp_instance lives.
type kaHome struct {
	address  netip.Prefix
	link     string // "": none is named
	instance string
	at       place
	served   bool // a virtual has it
}

// kaCluster is the block that notes about VRRP belong to.
const kaCluster = "cluster"

// global reads global_defs.
func (k *kaImport) global(n *kaNode) kaSaid {
	words := maps.Clone(k.words.global)
	for _, n := range n.nodes {
		if _, known := words[n.words[0]]; !known && strings.HasPrefix(n.words[0], "vrrp_") {
			words[n.words[0]] = kaSaid{Hint, kaNoVRRP}
		}
	}
	statements := k.mail.statements(k)
	statements["lvs_timeouts"], statements["lvs_sync_daemon"], statements["script_user"] = k.timeouts, k.syncDaemon, k.scriptUser
	k.tell(kaCluster, kaRead(n, statements, words))
	return kaSaid{}
}

// timeouts reads `lvs_timeouts tcp SECONDS tcpfin SECONDS udp SECONDS`, any of them.
func (k *kaImport) timeouts(n *kaNode) kaSaid {
	t := config.Timeouts{}
	fields := map[string]*time.Duration{"tcp": &t.TCP, "tcpfin": &t.TCPFin, "udp": &t.UDP}
	for pair := range slices.Chunk(n.words[1:], 2) {
		field := fields[pair[0]]
		if field == nil || len(pair) < 2 {
			return kaSay(Lost, "tcp, tcpfin or udp and seconds are wanted, not %q", strings.Join(pair, " "))
		}
		seconds, err := strconv.ParseUint(pair[1], 10, 31)
		if err != nil || seconds == 0 {
			return kaSay(Lost, "%q is not a number of seconds", pair[1])
		}
		*field = time.Duration(seconds) * time.Second
	}
	k.b.cluster.Timeouts = t
	return kaSaid{}
}

// syncDaemon reads `lvs_sync_daemon INTERFACE [[inst] INSTANCE] [id N] …`.
func (k *kaImport) syncDaemon(n *kaNode) kaSaid {
	link, want := n.word(0), config.SyncDaemon{}
	for _, instance := range k.nodes { // the id is its instance's, unless another is said
		if name := instance.word(0); instance.words[0] == "vrrp_instance" && name != "" && slices.Contains(n.words, name) {
			want.ID = instance.routerID()
		}
	}
	for i := 1; n.word(i) != ""; i++ {
		switch n.word(i) {
		case "id", "maxlen", "port", "ttl", "group":
			i++
			if err := syncOption(&want, n.word(i-1), n.word(i)); err != nil {
				return kaSay(Lost, "%v", err)
			}
		}
	}
	return k.sync(n, link, want)
}

func (k *kaImport) sync(n *kaNode, link string, want config.SyncDaemon) kaSaid {
	switch was := k.b.cluster.SyncDaemon; {
	case link == "" || legal(link) != link:
		return kaSay(Lost, "%q is no interface", link)
	case was != nil && was.Interface != link:
		return kaSay(Changed, "one sync daemon does for all; it uses %s", was.Interface)
	case was == nil:
		want.Interface = link
		k.b.cluster.SyncDaemon = &want
		k.b.at("cluster sync_daemon", n.at)
	}
	return kaSaid{}
}

// syncGroup reads a vrrp_sync_group. Old ones name their members without a group block.
func (k *kaImport) syncGroup(n *kaNode) {
	words := maps.Clone(k.words.syncGroup)
	for _, member := range n.nodes {
		if _, known := words[member.words[0]]; !known && len(member.words) == 1 && !member.block {
			words[member.words[0]] = words["group"]
		}
	}
	t := k.transitions("GROUP", n)
	k.tell(kaCluster, kaRead(n, t.statements(k.trackers("", kaStatements{"smtp_alert": k.routerAlerts})), words))
	t.build()
}

// trackers adds what reads the blocks that name what is tracked; own is the link that counts by itself.
func (k *kaImport) trackers(own string, s kaStatements) kaStatements {
	for _, kind := range []string{"script", "process", "interface"} {
		s["track_"+kind] = k.tracking(kind, own)
	}
	return s
}

// routerAlerts reads smtp_alert of a vrrp_instance or a vrrp_sync_group.
func (k *kaImport) routerAlerts(n *kaNode) kaSaid {
	c := kaChoice{}
	said := k.alerting(&c)(n)
	if k.routerAlert = k.routerAlert || c.yes; said.what == "" && !c.yes {
		return kaSaid{Hint, "all addresses move together, so that a mail tells of it if another instance, or smtp_alert_vrrp, wants that"}
	}
	return said
}

// instances reads the vrrp_instances: Polso needs their addresses alone.
func (k *kaImport) instances(list []*kaNode) {
	state := ""
	for _, instance := range list {
		link := ""
		if n := instance.statement("interface"); n != nil {
			link = n.word(0)
		}
		addresses := func(n *kaNode) kaSaid { k.addresses(n, instance.word(0), link); return kaSaid{} }
		t := k.transitions("INSTANCE", instance)
		k.tell(kaCluster, kaRead(instance, t.statements(k.trackers(link, kaStatements{
			"smtp_alert":                 k.routerAlerts,
			"virtual_ipaddress":          addresses,
			"virtual_ipaddress_excluded": addresses,
			"interface":                  kaLink,
			"nopreempt":                  func(*kaNode) kaSaid { return kaSaid{} }, // failback is false
			"advert_int":                 kaAdvertisements,
			"lvs_sync_daemon_interface":  func(n *kaNode) kaSaid { return k.sync(n, n.word(0), config.SyncDaemon{ID: instance.routerID()}) },
			"state": func(n *kaNode) kaSaid {
				if state == "" {
					state = n.word(0)
				}
				if state != n.word(0) {
					return kaSay(Changed, "one instance is %s and another %s here; all addresses move together", state, n.word(0))
				}
				return k.words.instance["state"]
			},
		})), k.words.instance))
		t.build()
	}
}

// routerID is a vrrp_instance's virtual_router_id, 0 if it has none.
func (n *kaNode) routerID() int {
	if n := n.statement("virtual_router_id"); n != nil {
		if id, err := strconv.ParseUint(n.word(0), 10, 8); err == nil {
			return int(id)
		}
	}
	return 0
}

// kaLink reads the interface of a vrrp_instance.
func kaLink(n *kaNode) kaSaid {
	link := n.word(0)
	if legal(link) != link || link == "" {
		return kaSay(Lost, "%q is no interface", link)
	}
	return kaSay(Hint, "a router whose device is called otherwise maps it: --interface %s=DEVICE", link)
}

// kaAdvertisements names the profile that waits about as long as VRRP would: three advertisements.
func kaAdvertisements(n *kaNode) kaSaid {
	every := time.Duration(0)
	if said := kaTimer(func(d time.Duration) { every = d })(n); said.what != "" {
		return said
	}
	return kaSay(Hint, "a router silent for %s was replaced; the profile nearest to that is %s (lan, of 0.4s, is what routers on one switch take)", kaSeconds(3*every), nearestProfile(3*every))
}

// addresses reads virtual_ipaddress and virtual_ipaddress_excluded.
func (k *kaImport) addresses(block *kaNode, instance, link string) {
	block.read = true
	for _, n := range block.nodes {
		address, ok := kaPrefix(n.words[0])
		if !ok {
			k.say(kaCluster, n.at, kaSay(Lost, "%q is not an IP address", n.words[0]))
			continue
		}
		h := &kaHome{address: address, link: link, instance: instance, at: n.at}
		k.say(kaCluster, n.at, h.options(n))
		if legal(h.link) != h.link {
			k.say(kaCluster, n.at, kaSay(Lost, "%q is no interface", h.link))
			h.link = ""
		}
		if k.enough(1, n.at) {
			return
		}
		if first, twice := k.homes[address.Addr()]; twice {
			k.say(kaCluster, n.at, kaSay(Hint, "%s stands in line %d already", address.Addr(), first.at.line))
			continue
		}
		k.homes[address.Addr()] = h
	}
}

// options reads what follows an address.
func (h *kaHome) options(n *kaNode) kaSaid {
	var idle, lost []string
	for i := 0; n.word(i) != ""; i++ {
		switch word := n.word(i); word {
		case "dev":
			i++
			h.link = n.word(i)
		case "brd", "broadcast", "scope", "label", "preferred_lft", "track_group":
			idle = append(idle, word)
			i++
		case "home", "-nodad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track", "use_vmac":
			idle = append(idle, word)
		default:
			lost = append(lost, word)
		}
	}
	switch {
	case len(lost) > 0:
		return kaSay(Lost, "an address takes no %s", strings.Join(lost, " "))
	case len(idle) > 0:
		return kaSay(Hint, "an address is put on without %s", strings.Join(idle, ", "))
	}
	return kaSaid{}
}

// kaPrefix reads an address with or without a prefix length.
func kaPrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// vips adds the addresses that no virtual has.
func (k *kaImport) vips() {
	free := slices.DeleteFunc(slices.Collect(maps.Values(k.homes)), func(h *kaHome) bool { return h.served })
	slices.SortFunc(free, func(a, b *kaHome) int { return a.address.Addr().Compare(b.address.Addr()) })
	count := make(map[string]int)
	for _, h := range free {
		count[h.instance]++
	}
	for _, h := range free {
		name := h.instance
		if count[h.instance] > 1 || name == "" {
			name = strings.TrimPrefix(fmt.Sprintf("%s-%s", h.instance, kaName(h.address.Addr())), "-")
		}
		x := k.b.vip(name, h.at)
		x.Address, x.Interface = h.address, h.link
	}
}

// kaName is an address as part of a name.
func kaName(a netip.Addr) string { return strings.ReplaceAll(a.String(), ":", "-") }

// nearestProfile is the profile whose wait for a silent director is nearest to silence, as a ratio.
func nearestProfile(silence time.Duration) string {
	switch {
	case silence < 245*time.Millisecond: // between 150 and 400 ms
		return "fast"
	case silence < 775*time.Millisecond: // 400 ms and 1.5 s
		return "lan"
	case silence < 2120*time.Millisecond: // 1.5 s and 3 s
		return "vm"
	default:
		return "wan"
	}
}
