package ipvs

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Verb is what an Op does.
type Verb uint8

// The verbs. The zero Verb is none and refused by every edge.
const (
	AddService        Verb = iota + 1 // -A
	EditService                       // -E
	DeleteService                     // -D, with its destinations
	AddDestination                    // -a
	EditDestination                   // -e
	DeleteDestination                 // -d
	SetTimeouts                       // --set
	StartDaemon                       // --start-daemon
	StopDaemon                        // --stop-daemon
)

// String returns ipvsadm's word for the verb.
func (v Verb) String() string {
	switch v {
	case AddService:
		return "-A"
	case EditService:
		return "-E"
	case DeleteService:
		return "-D"
	case AddDestination:
		return "-a"
	case EditDestination:
		return "-e"
	case DeleteDestination:
		return "-d"
	case SetTimeouts:
		return "--set"
	case StartDaemon:
		return "--start-daemon"
	case StopDaemon:
		return "--stop-daemon"
	default:
		return "verb " + strconv.Itoa(int(v))
	}
}

// Op is one step of a plan: one message to the kernel.
type Op struct {
	Verb        Verb
	Service     Service     // those about services and destinations; only its Key counts unless the verb adds or edits a service
	Destination Destination // the three destination verbs; only its Addr counts when deleting
	Timeouts    Timeouts    // SetTimeouts only; zero fields leave what the kernel has
	Daemon      Daemon      // the daemon verbs; only its Role counts when stopping
}

// String returns the step as arguments of ipvsadm: "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1".
func (o Op) String() string {
	switch o.Verb {
	case AddService, EditService:
		return o.Verb.String() + " " + o.Service.String()
	case DeleteService:
		return o.Verb.String() + " " + o.Service.Key.words()
	case AddDestination, EditDestination:
		return o.Verb.String() + " " + o.Service.Key.words() + " " + o.Destination.String()
	case DeleteDestination:
		return o.Verb.String() + " " + o.Service.Key.words() + " -r " + o.Destination.Addr.String()
	case SetTimeouts:
		return o.Verb.String() + " " + o.Timeouts.String()
	case StartDaemon:
		return o.Verb.String() + " " + o.Daemon.String()
	case StopDaemon:
		return o.Verb.String() + " " + o.Daemon.Role.String()
	default:
		return o.Verb.String()
	}
}

// Plan returns the smallest steps that make have into want, in the order in which to do them. It is pure; neither table
// is changed, and neither may name a service or a destination of a service twice (see Table.Check).
//
// What exists is edited in place, so that no connection is cut: a service is removed only when want does not name it, a
// destination likewise. Within a service what adds weight comes before what takes it away, so the total weight never
// falls below both ends. New services come before removed ones. Steps of different services do not depend on each
// other; a service's destinations depend on its AddService.
func Plan(want, have Table) []Op {
	want, have = want.Canonical(), have.Canonical()
	var ops []Op
	if t := want.Timeouts.over(have.Timeouts); t != (Timeouts{}) {
		ops = append(ops, Op{Verb: SetTimeouts, Timeouts: t})
	}
	old := make(map[Key]Service, len(have.Services))
	for _, s := range have.Services {
		old[s.Key] = s
	}
	for _, s := range want.Services {
		h, exists := old[s.Key]
		switch {
		case !exists:
			ops = append(ops, Op{Verb: AddService, Service: s.alone()})
		case !s.same(h):
			ops = append(ops, Op{Verb: EditService, Service: s.alone()})
		}
		ops = append(ops, planDestinations(s, h)...)
		delete(old, s.Key)
	}
	for _, s := range have.Services {
		if _, unwanted := old[s.Key]; unwanted {
			ops = append(ops, Op{Verb: DeleteService, Service: Service{Key: s.Key}})
		}
	}
	return ops
}

// planDestinations orders a service's steps: new ones, raises (and edits of equal weight), lowerings, removals.
func planDestinations(want, have Service) []Op {
	old := make(map[netip.AddrPort]Destination, len(have.Destinations))
	for _, d := range have.Destinations {
		old[d.Addr] = d
	}
	step := func(v Verb, d Destination) Op {
		return Op{Verb: v, Service: Service{Key: want.Key}, Destination: d}
	}
	var adds, raises, lowers, removes []Op
	for _, d := range want.Destinations {
		h, exists := old[d.Addr]
		switch {
		case !exists:
			adds = append(adds, step(AddDestination, d))
		case d == h:
		case d.Weight >= h.Weight:
			raises = append(raises, step(EditDestination, d))
		default:
			lowers = append(lowers, step(EditDestination, d))
		}
		delete(old, d.Addr)
	}
	for _, d := range have.Destinations {
		if _, unwanted := old[d.Addr]; unwanted {
			removes = append(removes, step(DeleteDestination, Destination{Addr: d.Addr}))
		}
	}
	return slices.Concat(adds, raises, lowers, removes)
}

// over returns what to set so that have becomes t: the wanted timeouts that differ, zero elsewhere.
func (t Timeouts) over(have Timeouts) Timeouts {
	differs := func(want, have time.Duration) time.Duration {
		if want == have {
			return 0
		}
		return want
	}
	return Timeouts{
		TCP:    differs(t.TCP, have.TCP),
		TCPFin: differs(t.TCPFin, have.TCPFin),
		UDP:    differs(t.UDP, have.UDP),
	}
}

// alone returns the service without its destinations.
func (s Service) alone() Service {
	s.Destinations = nil
	return s
}

// same tells whether two canonical services are equal, their destinations aside.
func (s Service) same(o Service) bool {
	return s.Key == o.Key && s.Scheduler == o.Scheduler && s.Flags == o.Flags &&
		s.Persistent == o.Persistent && s.PersistMask == o.PersistMask && s.PE == o.PE
}
