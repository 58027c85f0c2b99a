package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// steps are n steps, the first of which makes a service for the others.
func steps(n int) []Op {
	s := Service{Key: AddrKey(TCP, netip.MustParseAddrPort("10.0.0.1:80")), Scheduler: "rr"}
	ops := []Op{{Verb: AddService, Service: s}}
	for i := range n - 1 {
		d := Destination{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i / 200), byte(i%200 + 1)}), 80), Weight: 1}
		ops = append(ops, Op{Verb: AddDestination, Service: Service{Key: s.Key}, Destination: d})
	}
	return ops
}

func TestWaves(t *testing.T) {
	named := func(s string) Op {
		verb, of, _ := strings.Cut(s, " ")
		verbs := map[string]Verb{"-A": AddService, "-E": EditService, "-D": DeleteService, "-a": AddDestination, "-e": EditDestination, "--set": SetTimeouts}
		o := Op{Verb: verbs[verb]}
		if of != "" {
			o.Service.Key = MarkKey(uint32(of[0]), IPv4)
		}
		return o
	}
	tests := []struct{ name, ops, want string }{
		{"none", "", "[]"},
		{"what is there", "--set/-E a/-e a/-e b", "[[0 1 2 3]]"},
		{"new ones", "-A a/-a a/-a a/-A b/-a b/-e c", "[[0 3 5] [1 2 4]]"},
		{"removed after new", "-A a/-a a/-D b", "[[0] [1 2]]"},
		{"removed and made anew", "-A a/-a a/-D b/-A b/-a b", "[[0] [1 2 3] [4]]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ops []Op
			for s := range strings.SplitSeq(tt.ops, "/") {
				if s != "" {
					ops = append(ops, named(s))
				}
			}
			if got := fmt.Sprint(waves(ops)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestInTurnSkipsWhatHasNoService(t *testing.T) {
	ops := steps(3)
	other := steps(2)
	for i := range other {
		other[i].Service.Key = MarkKey(7, IPv4)
	}
	ops = append(ops, other...)
	no := errors.New("no")
	var did []int
	errs := InTurn(ops, func(o Op) error {
		did = append(did, slices.IndexFunc(ops, func(p Op) bool { return p.String() == o.String() }))
		if o.Verb == AddService && o.Service.FWMark == 0 {
			return no
		}
		return nil
	})
	if got := fmt.Sprint(did); got != "[0 3 4]" {
		t.Errorf("did %s", got)
	}
	if want := []error{no, ErrSkipped, ErrSkipped, nil, nil}; !slices.Equal(errs, want) {
		t.Errorf("%v, want %v", errs, want)
	}
}
