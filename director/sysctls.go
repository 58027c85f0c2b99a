package director

import (
	"cmp"
	"maps"
	"strings"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// sysctls returns the settings that the table needs. They are wanted wherever the table is, so that a takeover finds them
// done; an empty table needs none and takes none back, since others may rely on them by then.
func sysctls(in Inputs, t ipvs.Table, places []Place) Sysctls {
	if len(t.Services) == 0 {
		return nil
	}
	out := Sysctls{
		// Without it, packets of connections to a removed server are dropped in silence for a quarter of an hour.
		"net/ipv4/vs/expire_nodest_conn": "1",
		// Without it, persistence sends new connections to servers that drain.
		"net/ipv4/vs/expire_quiescent_template": "1",
	}
	for _, v := range in.State.Document.Virtuals {
		key, ok := KeyOf(v)
		if !ok {
			continue
		}
		for _, s := range v.Servers {
			if cmp.Or(s.Forward, v.Forward) != config.NAT {
				continue
			}
			if key.Family == ipvs.IPv6 {
				out[forwarding6] = "1"
				continue
			}
			out["net/ipv4/ip_forward"] = "1"
			if link, err := vip.LinkFor(in.Links, s.Address.Addr()); err == nil {
				out.silence(link.Name)
			}
		}
	}
	if out["net/ipv4/ip_forward"] == "1" {
		for _, p := range places {
			if p.Addr.Is4() {
				out.silence(p.Link)
			}
		}
	}
	return out
}

const forwarding6 = "net/ipv6/conf/all/forwarding"

// attentive adds to the settings what lets the links keep their default routes when this router begins to forward IPv6: the
// kernel then forgets what router advertisements told it, and hears no more of them, on links whose accept_ra is 1; 2 means
// also while forwarding. Where it forwards already, 1 is as deaf as the operator has had it, and 0 is the operator's word.
func (p *pass) attentive(want Sysctls, links vip.Links) Sysctls {
	if want[forwarding6] == "" || p.reads(forwarding6) != "0" {
		return want
	}
	want = maps.Clone(want)
	for _, link := range links {
		if path := "net/ipv6/conf/" + link.Name + "/accept_ra"; p.reads(path) == "1" {
			want[path] = "2"
		}
	}
	return want
}

// reads returns a setting's value, "" if it cannot be read.
func (p *pass) reads(path string) string {
	value, err := p.o.Sysctls.Read(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(value)
}

// silence has a link send no redirects. A router that forwards tells a host on the segment from which a packet came, and
// to which it goes on, to talk directly: a server would answer its client past the translation. The kernel sends them if
// either the link's setting or that of all says so.
func (s Sysctls) silence(link string) {
	s["net/ipv4/conf/all/send_redirects"] = "0"
	s["net/ipv4/conf/"+link+"/send_redirects"] = "0"
}
