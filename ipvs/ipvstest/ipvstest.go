// Package ipvstest is the suite that every edge to a virtual server table passes, the kernel's and the fake's alike.
//
// It needs the schedulers rr, wrr, wlc and sh, the persistence engine sip, the device lo but none called nosuch0, and a table
// that is empty and nobody else's.
package ipvstest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"polso/ipvs"
)

// Edge is what the director asks of a virtual server table.
type Edge interface {
	Table() (ipvs.Table, ipvs.Stats, error)
	Overview() (ipvs.Table, ipvs.Stats, error)
	Services(keys []ipvs.Key) (ipvs.Table, ipvs.Stats, error)
	Do(ipvs.Op) error
	Daemons() ([]ipvs.Daemon, error)
	Batch([]ipvs.Op) []error
}

// Run holds the edges that open returns, each with an empty table of its own, to the manners of the kernel.
func Run(t *testing.T, open func(t *testing.T) Edge) {
	t.Run("Empty", func(t *testing.T) { empty(t, open(t)) })
	t.Run("ReadBack", func(t *testing.T) { readBack(t, open) })
	t.Run("Edit", func(t *testing.T) { edit(t, open) })
	t.Run("Manners", func(t *testing.T) { manners(t, open) })
	t.Run("Refused", func(t *testing.T) { refused(t, open(t)) })
	t.Run("Timeouts", func(t *testing.T) { timeouts(t, open(t)) })
	t.Run("Daemons", func(t *testing.T) { daemons(t, open(t)) })
	t.Run("Batch", func(t *testing.T) { batch(t, open(t)) })
	t.Run("Parts", func(t *testing.T) { parts(t, open(t)) })
	t.Run("Walk", func(t *testing.T) { walk(t, open(t)) })
}

func empty(t *testing.T, e Edge) {
	got, st := table(t, e)
	if len(got.Services) != 0 || len(st) != 0 {
		t.Fatalf("a new table is not empty:\n%s", got)
	}
	want := ipvs.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}
	if got.Timeouts != want {
		t.Errorf("timeouts %s, want the kernel's own %s", got.Timeouts, want)
	}
}

// addr and dest keep the tables below short.
func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func dest(a string, f ipvs.Forward, weight int) ipvs.Destination {
	return ipvs.Destination{Addr: addr(a), Forward: f, Weight: weight}
}

func tunnelled(a string, t ipvs.Tunnel) ipvs.Destination {
	d := dest(a, ipvs.Tun, 1)
	d.Tunnel = t
	return d
}

func tcp(a string) ipvs.Key { return ipvs.AddrKey(ipvs.TCP, addr(a)) }

// readBack writes services with every field in use and reads them.
func readBack(t *testing.T, open func(t *testing.T) Edge) {
	tests := []struct {
		name    string
		service ipvs.Service
		want    string
	}{
		{"plain", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr"},
			"-A -t 10.0.0.1:80 -s rr\n"},
		{"every forwarding", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "wlc", Destinations: []ipvs.Destination{
			dest("10.1.0.1:80", ipvs.Direct, 1), dest("10.1.0.2:80", ipvs.Tun, 2), dest("10.1.0.3:8080", ipvs.NAT, 3),
		}}, "-A -t 10.0.0.1:80 -s wlc\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.2:80 -i -w 2 --tun-type ipip\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.3:8080 -m -w 3\n"},
		{"weights at their ends", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "wrr", Destinations: []ipvs.Destination{
			dest("10.1.0.1:80", ipvs.Direct, 0), dest("10.1.0.2:80", ipvs.Direct, 65535),
		}}, "-A -t 10.0.0.1:80 -s wrr\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 0\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 65535\n"},
		{"thresholds", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Destinations: []ipvs.Destination{
			{Addr: addr("10.1.0.1:80"), Forward: ipvs.Direct, Weight: 1, Upper: 2147483647, Lower: 50},
		}}, "-A -t 10.0.0.1:80 -s rr\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1 -x 2147483647 -y 50\n"},
		{"persistent", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Persistent: 300 * time.Second},
			"-A -t 10.0.0.1:80 -s rr -p 300\n"},
		{"persistent with mask", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Persistent: 300 * time.Second, PersistMask: 20},
			"-A -t 10.0.0.1:80 -s rr -p 300 -M 255.255.240.0\n"},
		{"persistent with full mask", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Persistent: 300 * time.Second, PersistMask: 32},
			"-A -t 10.0.0.1:80 -s rr -p 300\n"},
		{"calls", ipvs.Service{Key: ipvs.AddrKey(ipvs.UDP, addr("10.0.0.1:5060")), Scheduler: "rr", Persistent: time.Minute, PE: "sip", Flags: ipvs.OnePacket},
			"-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip -o\n"},
		{"every port", ipvs.Service{Key: tcp("10.0.0.1:0"), Scheduler: "rr", Persistent: time.Minute, Destinations: []ipvs.Destination{
			dest("10.1.0.1:0", ipvs.Direct, 1),
		}}, "-A -t 10.0.0.1:0 -s rr -p 60\n" +
			"-a -t 10.0.0.1:0 -r 10.1.0.1:0 -g -w 1\n"},
		{"udp, flags", ipvs.Service{Key: ipvs.AddrKey(ipvs.UDP, addr("10.0.0.1:53")), Scheduler: "sh",
			Flags: ipvs.OnePacket | ipvs.Sched1 | ipvs.Sched2 | ipvs.Sched3},
			"-A -u 10.0.0.1:53 -s sh -o -b sh-fallback,sh-port,flag-3\n"},
		{"sctp", ipvs.Service{Key: ipvs.AddrKey(ipvs.SCTP, addr("10.0.0.1:99")), Scheduler: "rr"},
			"-A --sctp-service 10.0.0.1:99 -s rr\n"},
		{"mark", ipvs.Service{Key: ipvs.MarkKey(4000000007, ipvs.IPv4), Scheduler: "rr", Destinations: []ipvs.Destination{
			dest("10.1.0.1:0", ipvs.Direct, 1),
		}}, "-A -f 4000000007 -s rr\n" +
			"-a -f 4000000007 -r 10.1.0.1:0 -g -w 1\n"},
		{"mark, ipv6", ipvs.Service{Key: ipvs.MarkKey(7, ipvs.IPv6), Scheduler: "rr", Persistent: time.Minute, PersistMask: 64,
			Destinations: []ipvs.Destination{dest("[fd00::99]:0", ipvs.Direct, 1)}},
			"-A -f 7 -6 -s rr -p 60 -M 64\n" +
				"-a -f 7 -6 -r [fd00::99]:0 -g -w 1\n"},
		{"every tunnel", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Destinations: []ipvs.Destination{
			tunnelled("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GUE, Port: 6080}),
			tunnelled("10.1.0.2:80", ipvs.Tunnel{Type: ipvs.GUE, Port: 65535, Flags: ipvs.Csum}),
			tunnelled("10.1.0.3:80", ipvs.Tunnel{Type: ipvs.GUE, Port: 1, Flags: ipvs.Remcsum}),
			tunnelled("10.1.0.4:80", ipvs.Tunnel{Type: ipvs.GRE}),
			tunnelled("10.1.0.5:80", ipvs.Tunnel{Type: ipvs.GRE, Flags: ipvs.Csum}),
		}}, "-A -t 10.0.0.1:80 -s rr\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.2:80 -i -w 1 --tun-type gue --tun-port 65535 --tun-csum\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.3:80 -i -w 1 --tun-type gue --tun-port 1 --tun-remcsum\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.4:80 -i -w 1 --tun-type gre --tun-nocsum\n" +
			"-a -t 10.0.0.1:80 -r 10.1.0.5:80 -i -w 1 --tun-type gre --tun-csum\n"},
		{"ipv6 by ipv4", ipvs.Service{Key: tcp("[fd00::1]:80"), Scheduler: "rr", Destinations: []ipvs.Destination{
			tunnelled("10.1.0.1:80", ipvs.Tunnel{}), tunnelled("[fd00::2]:80", ipvs.Tunnel{Type: ipvs.GRE}),
		}}, "-A -t [fd00::1]:80 -s rr\n" +
			"-a -t [fd00::1]:80 -r [fd00::2]:80 -i -w 1 --tun-type gre --tun-nocsum\n" +
			"-a -t [fd00::1]:80 -r 10.1.0.1:80 -i -w 1 --tun-type ipip\n"},
		{"ipv4 by ipv6", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Destinations: []ipvs.Destination{
			tunnelled("[fd00::2]:80", ipvs.Tunnel{Type: ipvs.GUE, Port: 6080}),
		}}, "-A -t 10.0.0.1:80 -s rr\n" +
			"-a -t 10.0.0.1:80 -r [fd00::2]:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum\n"},
		{"the router itself", ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr", Destinations: []ipvs.Destination{
			dest("127.0.0.1:80", ipvs.Local, 1),
		}}, "-A -t 10.0.0.1:80 -s rr\n" +
			"-a -t 10.0.0.1:80 -r 127.0.0.1:80 -g -w 1\n"},
		{"ipv6", ipvs.Service{Key: tcp("[fd00::1]:443"), Scheduler: "wrr", Destinations: []ipvs.Destination{
			dest("[fd00:a:b:c:d:e:f:9]:443", ipvs.NAT, 3), dest("[fd00::2]:443", ipvs.Tun, 1),
		}}, "-A -t [fd00::1]:443 -s wrr\n" +
			"-a -t [fd00::1]:443 -r [fd00::2]:443 -i -w 1 --tun-type ipip\n" +
			"-a -t [fd00::1]:443 -r [fd00:a:b:c:d:e:f:9]:443 -m -w 3\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := open(t)
			apply(t, e, ipvs.Table{Services: []ipvs.Service{tt.service}})
			got, st := table(t, e)
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("the table (-want +got):\n%s", diff)
			}
			want := ipvs.Table{Services: []ipvs.Service{tt.service}}.Canonical()
			if diff := cmp.Diff(want.Services, got.Services, compare); diff != "" {
				t.Errorf("the services (-want +got):\n%s", diff)
			}
			entry, ok := st[tt.service.Key]
			if !ok || len(st) != 1 || len(entry.Destinations) != len(tt.service.Destinations) {
				t.Errorf("stats are not of these entries: %+v", st)
			}
			for _, d := range tt.service.Destinations {
				if got, ok := entry.Destinations[d.Addr]; !ok || got != (ipvs.DestinationStats{}) {
					t.Errorf("stats of %s: %+v, known %v", d.Addr, got, ok)
				}
			}
		})
	}
}

var compare = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}), cmpopts.EquateEmpty()}

// edit changes each field in place.
func edit(t *testing.T, open func(t *testing.T) Edge) {
	base := func() ipvs.Service {
		return ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "wlc", Destinations: []ipvs.Destination{
			dest("10.1.0.1:80", ipvs.Direct, 1), dest("10.1.0.2:80", ipvs.Direct, 1),
		}}
	}
	tests := []struct {
		name   string
		change func(*ipvs.Service)
		plan   string
	}{
		{"scheduler", func(s *ipvs.Service) { s.Scheduler = "sh" }, "-E -t 10.0.0.1:80 -s sh"},
		{"flags", func(s *ipvs.Service) { s.Flags = ipvs.Sched1 }, "-E -t 10.0.0.1:80 -s wlc -b flag-1"},
		{"persistence", func(s *ipvs.Service) { s.Persistent, s.PersistMask = time.Minute, 24 },
			"-E -t 10.0.0.1:80 -s wlc -p 60 -M 255.255.255.0"},
		{"weight", func(s *ipvs.Service) { s.Destinations[0].Weight = 0 }, "-e -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 0"},
		{"forwarding", func(s *ipvs.Service) { s.Destinations[0].Forward = ipvs.NAT }, "-e -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1"},
		{"tunnel", func(s *ipvs.Service) { s.Destinations[0].Forward = ipvs.Tun },
			"-e -t 10.0.0.1:80 -r 10.1.0.1:80 -i -w 1 --tun-type ipip"},
		{"encapsulation", func(s *ipvs.Service) {
			s.Destinations[0].Forward, s.Destinations[0].Tunnel = ipvs.Tun, ipvs.Tunnel{Type: ipvs.GUE, Port: 6080, Flags: ipvs.Csum}
		}, "-e -t 10.0.0.1:80 -r 10.1.0.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum"},
		{"thresholds", func(s *ipvs.Service) { s.Destinations[0].Upper = 5 }, "-e -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1 -x 5 -y 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := open(t)
			have := ipvs.Table{Services: []ipvs.Service{base()}}
			apply(t, e, have)
			changed := base()
			tt.change(&changed)
			want := ipvs.Table{Services: []ipvs.Service{changed}}
			if got := apply(t, e, want); got != tt.plan+"\n" {
				t.Errorf("there:\ngot  %swant %s", got, tt.plan)
			}
			apply(t, e, have) // and back
		})
	}
}

// manners are the answers to steps that do not fit the table.
func manners(t *testing.T, open func(t *testing.T) Edge) {
	here, gone := ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr"}, ipvs.Service{Key: tcp("10.0.0.2:80"), Scheduler: "rr"}
	server, other := dest("10.1.0.1:80", ipvs.Direct, 1), dest("10.1.0.2:80", ipvs.Direct, 1)
	odd := func(s ipvs.Service) ipvs.Service { s.Scheduler = "nosuch"; return s }
	tests := []struct {
		name string
		op   ipvs.Op
		is   []error
		says string
	}{
		{"add a service twice", ipvs.Op{Verb: ipvs.AddService, Service: here}, []error{fs.ErrExist}, "the service is there already"},
		{"edit an absent service", ipvs.Op{Verb: ipvs.EditService, Service: gone}, []error{fs.ErrNotExist}, "there is no such service"},
		{"delete an absent service", ipvs.Op{Verb: ipvs.DeleteService, Service: gone}, []error{fs.ErrNotExist}, "there is no such service"},
		{"add a server to an absent service", ipvs.Op{Verb: ipvs.AddDestination, Service: gone, Destination: server}, []error{fs.ErrNotExist}, "there is no such service"},
		{"edit a server of an absent service", ipvs.Op{Verb: ipvs.EditDestination, Service: gone, Destination: server}, []error{fs.ErrNotExist}, "there is no such service"},
		{"delete a server of an absent service", ipvs.Op{Verb: ipvs.DeleteDestination, Service: gone, Destination: server}, []error{fs.ErrNotExist}, "there is no such service"},
		{"add a server twice", ipvs.Op{Verb: ipvs.AddDestination, Service: here, Destination: server}, []error{fs.ErrExist}, "the server is there already"},
		{"edit an absent server", ipvs.Op{Verb: ipvs.EditDestination, Service: here, Destination: other}, []error{fs.ErrNotExist}, "there is no such server"},
		{"delete an absent server", ipvs.Op{Verb: ipvs.DeleteDestination, Service: here, Destination: other}, []error{fs.ErrNotExist}, "there is no such server"},
		{"add with an unknown scheduler", ipvs.Op{Verb: ipvs.AddService, Service: odd(gone)}, []error{ipvs.ErrNoScheduler, fs.ErrNotExist}, "modprobe ip_vs_nosuch"},
		{"edit to an unknown scheduler", ipvs.Op{Verb: ipvs.EditService, Service: odd(here)}, []error{ipvs.ErrNoScheduler, fs.ErrNotExist}, "modprobe ip_vs_nosuch"},
	}
	e := open(t)
	apply(t, e, ipvs.Table{Services: []ipvs.Service{{Key: here.Key, Scheduler: "rr", Destinations: []ipvs.Destination{server}}}})
	before, _ := table(t, e)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := e.Do(tt.op)
			for _, is := range tt.is {
				if !errors.Is(err, is) {
					t.Errorf("%v: is not %v", err, is)
				}
			}
			if err != nil && (!strings.HasPrefix(err.Error(), tt.op.String()) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%q does not name the step and say %q", err, tt.says)
			}
			if after, _ := table(t, e); after.String() != before.String() {
				t.Errorf("the refused step left\n%s", after)
			}
		})
	}
}

// refused steps never reach the kernel.
func refused(t *testing.T, e Edge) {
	six := ipvs.Service{Key: tcp("[fd00::1]:80"), Scheduler: "rr"}
	four := ipvs.Service{Key: tcp("10.0.0.1:80"), Scheduler: "rr"}
	apply(t, e, ipvs.Table{Services: []ipvs.Service{six, four}})
	tests := []struct {
		name string
		op   ipvs.Op
	}{
		{"no verb", ipvs.Op{Service: four}},
		{"gue without a port", ipvs.Op{Verb: ipvs.AddDestination, Service: four, Destination: tunnelled("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GUE})}},
		{"mixed families by nat", ipvs.Op{Verb: ipvs.AddDestination, Service: six, Destination: dest("10.1.0.1:80", ipvs.NAT, 1)}},
		{"weight", ipvs.Op{Verb: ipvs.AddDestination, Service: four, Destination: dest("10.1.0.1:80", ipvs.NAT, 70000)}},
		{"port 0", ipvs.Op{Verb: ipvs.AddService, Service: ipvs.Service{Key: tcp("10.0.0.9:0"), Scheduler: "rr"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := e.Do(tt.op); err == nil {
				t.Error("is taken")
			}
		})
	}
	if got, _ := table(t, e); got.String() != "-A -t 10.0.0.1:80 -s rr\n-A -t [fd00::1]:80 -s rr\n" {
		t.Errorf("refused steps left\n%s", got)
	}
}

func timeouts(t *testing.T, e Edge) {
	apply(t, e, ipvs.Table{Timeouts: ipvs.Timeouts{TCP: 7200 * time.Second, UDP: 1500 * time.Millisecond}})
	got, _ := table(t, e)
	want := ipvs.Timeouts{TCP: 7200 * time.Second, TCPFin: 2 * time.Minute, UDP: 2 * time.Second}
	if got.Timeouts != want {
		t.Errorf("timeouts %s, want %s", got.Timeouts, want)
	}
}

// walk goes from table to table at random, with a fixed seed, and applies each twice.
func walk(t *testing.T, e Edge) {
	rnd := rand.New(rand.NewPCG(1, 2))
	keys := []ipvs.Key{
		tcp("10.0.0.1:80"), tcp("10.0.0.1:443"), ipvs.AddrKey(ipvs.UDP, addr("10.0.0.1:80")),
		ipvs.MarkKey(1, ipvs.IPv4), tcp("[fd00::1]:80"), ipvs.MarkKey(1, ipvs.IPv6),
	}
	for range 60 {
		var want ipvs.Table
		for _, k := range keys {
			if rnd.IntN(4) == 0 {
				continue
			}
			s := ipvs.Service{Key: k, Scheduler: []string{"rr", "wrr", "wlc", "sh"}[rnd.IntN(4)]}
			if rnd.IntN(2) == 0 {
				s.Persistent, s.PersistMask = time.Duration(1+rnd.IntN(3))*time.Minute, rnd.IntN(33)
			}
			for i := range 4 {
				if rnd.IntN(3) == 0 {
					continue
				}
				a := netip.AddrFrom4([4]byte{10, 1, 0, byte(i + 1)})
				if k.Family == ipvs.IPv6 {
					a = netip.AddrFrom16([16]byte{0xfd, 15: byte(i + 1)})
				}
				d := ipvs.Destination{
					Addr: netip.AddrPortFrom(a, k.Port), Weight: rnd.IntN(3), Upper: uint32(rnd.IntN(2)),
					Forward: []ipvs.Forward{ipvs.NAT, ipvs.Local, ipvs.Tun, ipvs.Direct}[rnd.IntN(4)],
				}
				if d.Forward == ipvs.Tun {
					d.Tunnel = []ipvs.Tunnel{{}, {Type: ipvs.GUE, Port: 6080, Flags: ipvs.Csum}, {Type: ipvs.GRE}}[rnd.IntN(3)]
					if rnd.IntN(2) == 0 { // a server of the other family
						d.Addr = netip.AddrPortFrom(netip.AddrFrom16([16]byte{0xfd, 1, 15: byte(i + 1)}), k.Port)
						if k.Family == ipvs.IPv6 {
							d.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, 0, byte(i + 1)}), k.Port)
						}
					}
				}
				s.Destinations = append(s.Destinations, d)
			}
			want.Services = append(want.Services, s)
		}
		apply(t, e, want)
	}
}

// apply makes the edge's table the wanted one, checks that it is, and returns the steps that it took.
func apply(t *testing.T, e Edge, want ipvs.Table) string {
	t.Helper()
	if err := want.Check(); err != nil {
		t.Fatalf("the test wants what cannot be: %v", err)
	}
	have, _ := table(t, e)
	var steps strings.Builder
	ops := ipvs.Plan(want, have)
	for i, err := range e.Batch(ops) {
		steps.WriteString(ops[i].String() + "\n")
		if err != nil {
			t.Fatalf("do: %v", err)
		}
	}
	got, _ := table(t, e)
	if again := ipvs.Plan(want, got); len(again) != 0 {
		t.Fatalf("applied twice, the second time does %v\nwant\n%sgot\n%s", again, want, got)
	}
	return steps.String()
}

func table(t *testing.T, e Edge) (ipvs.Table, ipvs.Stats) {
	t.Helper()
	tab, st, err := e.Table()
	if err != nil {
		t.Fatalf("table: %v", err)
	}
	return tab, st
}
