package director

import (
	"net/netip"
	"testing"

	"polso/config"
	"polso/health"
)

// TestTargetThrough: a check through the virtual, or with one in it, carries the way; another does not, and stays one for many virtuals.
func TestTargetThrough(t *testing.T) {
	v := config.Virtual{Name: "web", Address: netip.MustParseAddr("192.0.2.10"), Ports: []uint16{80}, Protocol: config.TCP}
	several := v
	several.Ports = []uint16{80, 443}
	s := config.Server{Name: "a", Address: netip.MustParseAddrPort("10.0.0.1:80"), Forward: config.DR}
	tcp := config.Check{Kind: config.CheckTCP}
	through := config.Check{Kind: config.CheckTCP, Through: config.ThroughVirtual}
	named := through
	named.Port = 443
	at := func(virtual string) health.Way {
		return health.Way{Virtual: netip.MustParseAddrPort(virtual), Forward: config.DR}
	}
	for name, tt := range map[string]struct {
		v     config.Virtual
		check config.Check
		want  health.Way
	}{
		"plain":            {v, tcp, health.Way{}},
		"through":          {v, through, at("192.0.2.10:80")},
		"inside":           {v, config.Check{Kind: config.CheckAll, Of: []config.Check{tcp, through}}, at("192.0.2.10:80")},
		"one of its ports": {several, named, at("192.0.2.10:443")},
	} {
		t.Run(name, func(t *testing.T) {
			tt.v.Check = &tt.check
			got, ok := TargetOf(tt.v, s)
			if !ok || got.Way != tt.want {
				t.Errorf("got %+v, %v; want %+v", got.Way, ok, tt.want)
			}
		})
	}
}
