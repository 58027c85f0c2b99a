package director

import (
	"cmp"
	"slices"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// A router may be a real server too. Directing, it hands itself its share. Standing by, it gets packets for the virtual address
// that the director has chosen it for: a service of its own would choose again, and send them round between the two until their
// time to live ends.

// ServesHere tells whether a router with these links is itself a server of v that packets reach with the virtual address in them.
// Masquerading gives them the router's own address, for which there is no service.
func ServesHere(links vip.Links, v config.Virtual) bool {
	return slices.ContainsFunc(everyone(v), func(s config.Server) bool {
		own := func(l vip.Link) bool {
			for _, p := range l.Own {
				if p.Addr() == s.Address.Addr() {
					return true
				}
			}
			return false
		}
		return cmp.Or(s.Forward, v.Forward) != config.NAT && slices.ContainsFunc(links, own)
	})
}

// relayed tells whether v's packets may come to this router from the director alone, so that no service must be here to balance
// them again. It holds from the moment at which the mandate ends, whether or not another router is known to lead: this one may
// be the last to hear of it. While a backup daemon of the document's runs, the kernel itself passes them on to nobody
// (backup_only).
func relayed(in Inputs, v config.Virtual) bool {
	doc := in.State.Document
	if _, mandated := in.Mandate.Groups[groupOf(doc, v)]; mandated || doc.Cluster.SyncDaemon != nil && listens(in.Daemons) {
		return false
	}
	if ServesHere(in.Links, v) {
		return true
	}
	key, _ := KeyOf(v)
	return slices.ContainsFunc(in.State.Leaving, func(l Leaving) bool { // it drains, and packets of its connections come still
		was, ok := KeyOf(l.Virtual)
		l.Virtual.Servers, l.Virtual.Sorry = []config.Server{l.Server}, nil
		return ok && was == key && ServesHere(in.Links, l.Virtual)
	})
}

// unlooped is a table without the services of virtuals that are relayed here.
func (in Inputs) unlooped(t ipvs.Table) ipvs.Table {
	loops := make(map[ipvs.Key]bool)
	for _, v := range in.State.Document.Virtuals {
		if key, ok := KeyOf(v); ok && relayed(in, v) {
			loops[key] = true
		}
	}
	if len(loops) > 0 {
		t.Services = slices.DeleteFunc(slices.Clone(t.Services), func(s ipvs.Service) bool { return loops[s.Key] })
	}
	return t
}
