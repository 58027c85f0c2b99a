package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/ipvs"
)

// How a destination is encapsulated is told of those that are, with ipvsadm's words.
func TestTunnelOf(t *testing.T) {
	for _, tt := range []struct {
		d    ipvs.Destination
		want *api.IPVSTunnel
	}{
		{ipvs.Destination{Forward: ipvs.Direct}, nil},
		{ipvs.Destination{Forward: ipvs.Tun}, &api.IPVSTunnel{Type: "ipip"}},
		{ipvs.Destination{Forward: ipvs.Tun, Tunnel: ipvs.Tunnel{Type: ipvs.GUE, Port: 6080, Flags: ipvs.Remcsum}}, &api.IPVSTunnel{Type: "gue", Port: 6080, Checksums: "remcsum"}},
		{ipvs.Destination{Forward: ipvs.Tun, Tunnel: ipvs.Tunnel{Type: ipvs.GRE, Flags: ipvs.Csum}}, &api.IPVSTunnel{Type: "gre", Checksums: "csum"}},
		{ipvs.Destination{Forward: ipvs.Tun, Tunnel: ipvs.Tunnel{Type: ipvs.GRE}}, &api.IPVSTunnel{Type: "gre", Checksums: "nocsum"}},
	} {
		if d := cmp.Diff(tt.want, tunnelOf(tt.d)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.d, d)
		}
	}
}
