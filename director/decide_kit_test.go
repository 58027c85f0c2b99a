package director

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
)

// table80 is an observed table: web's service with destinations as "10.0.0.1:80 5" (address, weight).
func table80(dests ...string) *ipvs.Table {
	s := ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.10:80")), Scheduler: "wlc"}
	for _, d := range dests {
		addr, weight, _ := strings.Cut(d, " ")
		s.Destinations = append(s.Destinations, ipvs.Destination{Addr: netip.MustParseAddrPort(addr), Weight: int(weight[0] - '0'), Forward: ipvs.Direct})
	}
	return &ipvs.Table{Services: []ipvs.Service{s}}
}

// heldHere and vsSysctls are what a director of the document's one address holds and sets in every case.
const (
	heldHere  = "ip addr add 192.0.2.10 dev eth0 # until 5s epoch 3\n"
	vsSysctls = "sysctl -w net/ipv4/vs/expire_nodest_conn=1\n"
)

// base is a director's inputs with that document and those verdicts.
func base(doc config.Document, up ...string) Inputs {
	return Inputs{
		Mandate:  mandate(3, 5*time.Second),
		State:    State{Known: true, Revision: 2, Document: doc},
		Health:   verdicts(doc, up...),
		Links:    links(),
		Observed: &ipvs.Table{},
	}
}

func change(in Inputs, f func(*Inputs)) Inputs { f(&in); return in }
func override(in Inputs, o ...Override) Inputs { in.State.Overrides = o; return in }
func observed(in Inputs, t *ipvs.Table) Inputs { in.Observed = t; return in }
func down(in Inputs, link int) Inputs          { in.Links[link].Up = false; return in }
func quiesce(v *config.Virtual)                { v.OnFailure = config.Quiesce }
func unchecked(v *config.Virtual)              { v.Check = nil }
func block(name, prefix, iface, group string) config.VIP {
	return config.VIP{Name: name, Address: netip.MustParsePrefix(prefix), Interface: iface, Group: group}
}
func blocks(doc config.Document, b ...config.VIP) config.Document { doc.VIPs = b; return doc }

// decision is one case: what Decide makes of the inputs, in the operator's language.
type decision struct {
	name string
	in   Inputs
	want string
}

func checkDecisions(t *testing.T, cases []decision) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			got := Decide(tt.in)
			checkText(t, got.words(), tt.want)
			if again := Decide(tt.in); !reflect.DeepEqual(got, again) {
				t.Errorf("twice the same inputs gave\n%+v\nand\n%+v", got, again)
			}
		})
	}
}
