package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/vip"
)

// examineWays looks for links that drop the answers to checks through virtuals by tunnels over IPv4. These come without the tunnel, and
// the kernel, which would go to the stand-in that they answer for by another link, takes none of them where it filters strictly.
// chosen is from where it would send to a server.
func examineWays(doc config.Document, s *director.Status, sys director.ProcSys, chosen func(server netip.Addr) netip.Addr) []api.Finding {
	servers := make(map[string][]string) // by the link that leads there
	for _, v := range doc.Served().Virtuals {
		for _, server := range v.Servers {
			t, _ := director.TargetOf(v, server)
			if !t.Way.Virtual.Addr().Is4() || t.Way.Forward != config.Tun {
				continue
			}
			link := linkTo(s, server.Address.Addr(), chosen)
			servers[link] = append(servers[link], v.Name+"/"+server.Name)
		}
	}
	if len(servers) == 0 {
		return nil
	}
	const name = "checks through tunnels"
	var found []api.Finding
	for link, whom := range servers {
		if link == "" || filters(sys, link) != "1" {
			continue
		}
		setting := director.SysctlName("net/ipv4/conf/" + link + "/rp_filter")
		found = append(found, warn(name, fmt.Sprintf("the kernel filters strictly on %s and drops the answers of %s, which come without the tunnel: they are down to this router's checks", link, few(whom)),
			"sysctl -w "+setting+"=2, and in the configuration that survives a boot"))
	}
	if len(found) == 0 {
		return []api.Finding{ok(name, "their answers come in")}
	}
	slices.SortFunc(found, func(a, b api.Finding) int { return strings.Compare(a.Detail, b.Detail) })
	return found
}

// linkTo is the link that leads to a server: that of its subnet, else the one of the address that the kernel would send from. It is
// "" where neither is known.
func linkTo(s *director.Status, server netip.Addr, chosen func(netip.Addr) netip.Addr) string {
	if l, err := vip.LinkFor(s.Links, server); err == nil {
		return l.Name
	}
	from := chosen(server)
	for _, h := range s.Held {
		if h.Addr == from {
			return h.Link
		}
	}
	for _, l := range s.Links {
		if slices.ContainsFunc(l.Own, func(own netip.Prefix) bool { return own.Addr() == from }) {
			return l.Name
		}
	}
	return ""
}

// filters is the rp_filter that the kernel goes by on a link, the greater of the link's and that of all; "" if it cannot be read.
func filters(sys director.ProcSys, link string) string {
	of := func(whose string) string {
		value, err := sys.Read("net/ipv4/conf/" + whose + "/rp_filter")
		if err != nil {
			return ""
		}
		return value
	}
	return max(of(link), of("all"))
}

// few names the first of many.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
