package api

import (
	"fmt"
	"net/netip"
	"slices"

	"polso/config"
	"polso/fsm"
)

// serving says which servers are routers themselves, as far as their addresses are those that the routers know each other by.
func serving(s *fsm.Snapshot, d config.Document) []string {
	var out []string
	for _, v := range d.Virtuals {
		for _, server := range v.Servers {
			is := func(n fsm.Node) bool {
				return n.Kind == fsm.Router && slices.ContainsFunc(n.Addresses, func(text string) bool {
					a, err := netip.ParseAddrPort(text)
					return err == nil && a.Addr() == server.Address.Addr()
				})
			}
			i := slices.IndexFunc(s.Nodes, is)
			if i < 0 || server.Forward == config.NAT || d.Cluster.SyncDaemon != nil {
				continue
			}
			needs := "the marked address"
			if v.FWMark == 0 {
				needs = v.Address.String()
			}
			out = append(out, fmt.Sprintf("server %s/%s is router %s: it needs %s on lo there, and keeps no table for %q while another router directs", v.Name, server.Name, s.Nodes[i].Name, needs, v.Name))
		}
	}
	return out
}
