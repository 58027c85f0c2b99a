package ipvs

import (
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
// destination likewise. Services that share their destinations in memory are not compared one by one. Within a service what adds weight comes before what takes it away, so the total weight never
// falls below both ends. New services come before removed ones. Steps of different services do not depend on each
// other; a service's destinations depend on its AddService.
func Plan(want, have Table) []Op {
	want, have = want.Ordered(), have.Ordered()
	var ops, removals []Op
	if t := want.Timeouts.over(have.Timeouts); t != (Timeouts{}) {
		ops = append(ops, Op{Verb: SetTimeouts, Timeouts: t})
	}
	// Both are in the same order: one walk sees what is in either and what is in both.
	rest := have.Services
	pass := func(gone int) {
		for _, s := range rest[:gone] {
			removals = append(removals, Op{Verb: DeleteService, Service: Service{Key: s.Key}})
		}
		rest = rest[gone:]
	}
	for _, s := range want.Services {
		gone := 0
		for gone < len(rest) && rest[gone].Key.compare(s.Key) < 0 {
			gone++
		}
		pass(gone)
		var h Service
		there := len(rest) > 0 && rest[0].Key == s.Key
		if there {
			h, rest = rest[0], rest[1:]
			if s.same(h) && s.shares(h) {
				continue // of a large table most are, from plan to plan
			}
			h = h.ordered()
		}
		s = s.ordered()
		switch {
		case !there:
			ops = append(ops, Op{Verb: AddService, Service: s.alone()})
		case !s.same(h):
			ops = append(ops, Op{Verb: EditService, Service: s.alone()})
		}
		ops = append(ops, planDestinations(s, h.Destinations)...)
	}
	pass(len(rest))
	return append(ops, removals...)
}

// planDestinations orders a service's steps: new ones, raises (and edits of equal weight), lowerings, removals.
func planDestinations(want Service, have []Destination) []Op {
	if slices.Equal(want.Destinations, have) {
		return nil
	}
	step := func(v Verb, d Destination) Op {
		return Op{Verb: v, Service: Service{Key: want.Key}, Destination: d}
	}
	var adds, raises, lowers, removes []Op
	remove := func(d Destination) { removes = append(removes, step(DeleteDestination, Destination{Addr: d.Addr})) }
	for _, d := range want.Destinations {
		for len(have) > 0 && compareDestinations(have[0], d) < 0 {
			remove(have[0])
			have = have[1:]
		}
		if len(have) == 0 || have[0].Addr != d.Addr {
			adds = append(adds, step(AddDestination, d))
			continue
		}
		h := have[0]
		have = have[1:]
		switch {
		case d == h:
		case d.Weight >= h.Weight:
			raises = append(raises, step(EditDestination, d))
		default:
			lowers = append(lowers, step(EditDestination, d))
		}
	}
	for _, d := range have {
		remove(d)
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

// same tells whether two services are equal, their destinations aside; of canonical ones, whether they mean the same.
func (s Service) same(o Service) bool {
	return s.Key == o.Key && s.Scheduler == o.Scheduler && s.Flags == o.Flags &&
		s.Persistent == o.Persistent && s.PersistMask == o.PersistMask && s.PE == o.PE
}
