package director

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// Setting is a wanted kernel setting.
type Setting struct {
	Value   string
	Instead []string // it is set in the place of these alone, and anything else is left as it is; nil: of anything
	For     string   // what of the document wants it: "virtual web: nat"
	Else    string   // what happens without it
	Kept    bool     // the document's own sysctls keep it as it is: it has no Value, and is looked at and never written
	Over    *Setting // what follows from the document otherwise, where its own sysctls give or keep this one; nil: nothing does
}

// Sysctls are wanted kernel settings by path below /proc/sys, such as "net/ipv4/ip_forward".
type Sysctls map[string]Setting

// want adds a setting. What wanted it first stands.
func (s Sysctls) want(path string, w Setting) {
	if _, already := s[path]; !already {
		s[path] = w
	}
}

const (
	forwarding4 = "net/ipv4/ip_forward"
	forwarding6 = "net/ipv6/conf/all/forwarding"
	vs          = "net/ipv4/vs/"
)

// onLink is the path of a link's own setting of a family, "net/ipv4" or "net/ipv6".
func onLink(family, link, name string) string { return family + "/conf/" + link + "/" + name }

// expireOrphans is the setting under which the kernel forgets the connections of a server as soon as that leaves the table.
const expireOrphans = vs + "expire_nodest_conn"

// orphans is what expireOrphans is to be. While a link to servers may be what failed, and the servers may be there still, packets of
// their connections are better lost than answered by a reset; it is taken back a pass later than that ends, when the servers are in the
// table again.
func (in Inputs) orphans() Setting {
	if in.Hushed {
		return Setting{Value: "0", For: "every virtual: servers fell silent, and their link may be why",
			Else: "connections end that would go on when the link is well again"}
	}
	return Setting{Value: "1", For: "every virtual",
		Else: "packets of connections to a removed server are dropped in silence for a quarter of an hour"}
}

// sysctls returns the settings that the document needs here. They are wanted wherever the table is, so that a takeover finds
// them done, and where this router is a real server; where neither is, none is, and none is taken back, since others may rely
// on it by then.
func sysctls(in Inputs, t ipvs.Table, places []Place) Sysctls {
	doc := in.State.Document
	if len(t.Services) == 0 && !slices.ContainsFunc(doc.Virtuals, func(v config.Virtual) bool { return ServesHere(in.Links, v) }) {
		return nil
	}
	out := make(Sysctls)
	out.want(expireOrphans, in.orphans())
	out.want(vs+"conn_reuse_mode", Setting{Value: "1", Instead: []string{"0"}, For: "every virtual",
		Else: "a client that uses a port again goes to the server of before, even where that takes no new connections"})
	at := make(map[netip.Addr]string) // the links of the document's addresses
	for _, p := range places {
		at[p.Addr] = p.Link
	}
	for _, v := range doc.Virtuals {
		if key, ok := KeyOf(v); ok {
			out.ofVirtual(in, v, key.Family, at[v.Address])
		}
	}
	first := make(map[string]bool) // of its link
	for _, p := range places {
		if !p.Addr.Is4() || first[p.Link] {
			continue
		}
		first[p.Link] = true
		if w, forwards := out[forwarding4]; forwards {
			out.silence(p.Link, w.For)
		}
		out.reserve(p)
	}
	return out
}

// ofVirtual adds what one virtual needs whose address is on that link; "" if it has none or no place.
func (s Sysctls) ofVirtual(in Inputs, v config.Virtual, family ipvs.Family, link string) {
	because := func(why string) string { return "virtual " + v.Name + ": " + why }
	if v.Persistent != nil {
		s.want(vs+"expire_quiescent_template", Setting{Value: "1", For: because("persistent"),
			Else: "persistence sends new connections to servers that drain"})
	}
	oneWay := slices.ContainsFunc(everyone(v), func(s config.Server) bool { return cmp.Or(s.Forward, v.Forward) != config.NAT })
	if oneWay && in.State.Document.Cluster.SyncDaemon == nil && (v.Scheduler == "mh" || v.Scheduler == "sh") {
		s.stateless(v, because(v.Scheduler+" without a sync daemon"))
	}
	if oneWay && family == ipvs.IPv4 && link != "" {
		s.want(onLink("net/ipv4", link, "rp_filter"), Setting{Value: "2", Instead: []string{"1"}, For: because("replies go past this router"),
			Else: "clients that this router would answer by another link are dropped"})
	}
	for _, server := range everyone(v) {
		if cmp.Or(server.Forward, v.Forward) != config.NAT {
			continue
		}
		if v.Masquerade { // for IPv6 too
			s.want(vs+"conntrack", Setting{Value: "1", For: because("masquerade"), Else: "servers without a gateway answer nobody"})
		}
		if family == ipvs.IPv6 {
			s.want(forwarding6, Setting{Value: "1", For: because("nat"), Else: noForwarding})
			continue
		}
		s.want(forwarding4, Setting{Value: "1", For: because("nat"), Else: noForwarding})
		if link, err := vip.LinkFor(in.Links, server.Address.Addr()); err == nil {
			s.silence(link.Name, because("nat"))
		}
	}
}

const noForwarding = "nothing comes back from the servers: the kernel passes on no packet"

// stateless lets a router that has just taken over find a connection's server by its hash, from any packet. It lets in packets
// that begin no connection, so it is for virtuals alone whose scheduler finds the same server again.
func (s Sysctls) stateless(v config.Virtual, why string) {
	const lost = "after a takeover connections that live on are reset"
	if v.Protocol == config.SCTP {
		s.want(vs+"sloppy_sctp", Setting{Value: "1", For: why, Else: lost})
	} else if v.Protocol != config.UDP {
		s.want(vs+"sloppy_tcp", Setting{Value: "1", For: why, Else: lost})
	}
	s.want(vs+"schedule_icmp", Setting{Value: "1", For: why, Else: "after a takeover the servers do not hear that a packet was too big"})
}

// silence has a link send no redirects. A router that forwards tells a host on the segment from which a packet came, and
// to which it goes on, to talk directly: a server would answer its client past the translation. The kernel sends them if
// either the link's setting or that of all says so.
func (s Sysctls) silence(link, why string) {
	w := Setting{Value: "0", For: why, Else: "a server on the client's segment is told to answer past the translation"}
	s.want("net/ipv4/conf/all/send_redirects", w)
	s.want(onLink("net/ipv4", link, "send_redirects"), w)
}

// reserve has a link answer and ask by ARP with its own addresses alone. A router may have a virtual address that it does not
// hold, as a real server has it on lo; and who has just let go of one must not teach neighbours the way to it by asking in
// its name. What is stricter already is left.
func (s Sysctls) reserve(p Place) {
	because := "vip " + p.Addr.String()
	s.want(onLink("net/ipv4", p.Link, "arp_ignore"), Setting{Value: "1", Instead: []string{"0"}, For: because,
		Else: "this router answers ARP on " + p.Link + " for addresses that it has on other links"})
	s.want(onLink("net/ipv4", p.Link, "arp_announce"), Setting{Value: "2", Instead: []string{"0", "1"}, For: because,
		Else: "it asks by ARP in the name of virtual addresses, and neighbours learn them from that"})
}

// override puts what the document gives itself in the place of what follows from it. A star stands for every link that an
// address of the family has its place on.
func (s Sysctls) override(given map[string]string, links vip.Links, places []Place) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		path := strings.ReplaceAll(name, ".", "/")
		before, after, each := strings.Cut(path, "*")
		if !each {
			s.give(path, given[name])
			continue
		}
		for _, link := range links {
			here := func(p Place) bool { return p.Link == link.Name && p.Addr.Is4() == strings.HasPrefix(path, "net/ipv4/") }
			if slices.ContainsFunc(places, here) {
				s.give(before+link.Name+after, given[name])
			}
		}
	}
}

// give puts a value in the place of what is wanted; config.Keep leaves the setting to whoever has set it.
func (s Sysctls) give(path, value string) {
	given := Setting{Value: value, For: "cluster sysctls"}
	if value == config.Keep {
		given.Value, given.Kept = "", true
	}
	if need, needed := s[path]; needed {
		given.Over = &need
		if value == need.Value {
			given.Else = need.Else
		}
	}
	s[path] = given
}

// Against tells whether the document's own sysctls stand against what else of it needs, by what the kernel goes by now.
func (s SettingStatus) Against() bool {
	need := s.Over
	return need != nil && s.Now != need.Value && (need.Instead == nil || slices.Contains(need.Instead, s.Now))
}
