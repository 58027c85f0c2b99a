package director

import (
	"net/netip"
	"slices"

	"polso/config"
	"polso/ipvs"
)

// everyone are the servers and the sorry servers of v.
func everyone(v config.Virtual) []config.Server {
	if len(v.Sorry) == 0 {
		return v.Servers
	}
	return slices.Concat(v.Servers, v.Sorry)
}

// Apart returns v as its sorry servers are seen: they have no check but their own, and what an operator says of a server is not
// about one of theirs of the same name.
func Apart(v config.Virtual) config.Virtual {
	v.Name, v.Check = "", nil
	return v
}

// sorryOf are v's sorry servers, as the servers of a virtual of their own.
func sorryOf(v config.Virtual) config.Virtual {
	apart := Apart(v)
	apart.Servers, apart.Sorry = v.Sorry, nil
	return apart
}

// excuse has the sorry servers take the connections of a virtual that is down: the servers that are up keep those that they
// have and get no others. Without a sorry server that could answer they go on. Once the virtual is back the sorry servers get
// no others either, and go when they have none.
func (r *roster) excuse(in Inputs, v config.Virtual, key ipvs.Key, have map[netip.AddrPort]ipvs.Destination) {
	for _, s := range v.Sorry {
		var sh share
		if r.pool.Down {
			sh = in.share(Apart(v), s, have)
			r.pool.Sorry = r.pool.Sorry || sh.weight > 0
		} else if d, there := have[s.Address]; there {
			at := in.Stats[key].Destinations[s.Address]
			// What was counted before it got weight 0 says nothing of a connection that came since.
			sh.present = d.Weight > 0 || at.Active+at.Inactive > 0
		}
		r.sorry = append(r.sorry, sh)
	}
	if !r.pool.Sorry {
		return
	}
	for i := range r.servers {
		if sh := &r.servers[i]; sh.weight > 0 {
			sh.weight, sh.why = 0, "the sorry server answers"
		}
	}
}
