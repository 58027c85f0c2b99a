package director

import (
	"cmp"

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
				out["net/ipv6/conf/all/forwarding"] = "1"
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

// silence has a link send no redirects. A router that forwards tells a host on the segment from which a packet came, and
// to which it goes on, to talk directly: a server would answer its client past the translation. The kernel sends them if
// either the link's setting or that of all says so.
func (s Sysctls) silence(link string) {
	s["net/ipv4/conf/all/send_redirects"] = "0"
	s["net/ipv4/conf/"+link+"/send_redirects"] = "0"
}
