package director

import (
	"cmp"

	"polso/config"
	"polso/ipvs"
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
		if !ok || !translates(v) {
			continue
		}
		switch key.Family {
		case ipvs.IPv4:
			out["net/ipv4/ip_forward"] = "1"
		case ipvs.IPv6:
			out["net/ipv6/conf/all/forwarding"] = "1"
		}
	}
	if out["net/ipv4/ip_forward"] == "1" {
		// A router that forwards tells a client on the same segment to talk to the real server itself, past the
		// translation. The kernel sends redirects if either the link's setting or that of all says so.
		out["net/ipv4/conf/all/send_redirects"] = "0"
		for _, p := range places {
			if p.Addr.Is4() {
				out["net/ipv4/conf/"+p.Link+"/send_redirects"] = "0"
			}
		}
	}
	return out
}

// translates tells whether any server of v is reached by NAT, in the table now or not.
func translates(v config.Virtual) bool {
	for _, s := range v.Servers {
		if cmp.Or(s.Forward, v.Forward) == config.NAT {
			return true
		}
	}
	return false
}
