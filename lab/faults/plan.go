package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"polso/lab"
)

// fault is what a round lets happen.
type fault int

// The faults.
const (
	cut fault = iota + 1
	oneWay
	onePair
	onePath
	loss
	delay
	kill
	stop
	restart
	stall
	full
	clock
	leap
	transfer
	member
)

// allFaults are the faults in the order of the report.
var allFaults = []fault{cut, oneWay, onePair, onePath, loss, delay, kill, stop, restart, stall, full, clock, leap, transfer, member}

// String is the fault's name on the command line and in the report.
func (f fault) String() string {
	switch f {
	case cut:
		return "cut"
	case oneWay:
		return "cut-one-way"
	case onePair:
		return "cut-one-pair"
	case onePath:
		return "cut-one-path"
	case loss:
		return "loss"
	case delay:
		return "delay"
	case kill:
		return "kill"
	case stop:
		return "stop"
	case restart:
		return "restart"
	case stall:
		return "disk-stall"
	case full:
		return "disk-full"
	case clock:
		return "clock"
	case leap:
		return "lease-clock"
	case transfer:
		return "transfer"
	case member:
		return "membership"
	default:
		panic("faults: unknown fault")
	}
}

// parseFaults reads names separated by commas; "" is all of them.
func parseFaults(s string) ([]fault, error) {
	if s == "" {
		return allFaults, nil
	}
	var list []fault
	for name := range strings.SplitSeq(s, ",") {
		i := slices.IndexFunc(allFaults, func(f fault) bool { return f.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("no fault is called %q; there are %v", name, allFaults)
		}
		list = append(list, allFaults[i])
	}
	return list, nil
}

// change is a membership change.
type change int

// The changes: a router leaves and joins again, is removed by another and joins again, loses its data and joins with
// --replace.
const (
	leaves change = iota + 1
	removed
	replaced
)

// round is one fault with everything that chance decides about it.
type round struct {
	number   int
	fault    fault
	director bool          // the director is struck; else the other-th of the others
	other    int           // 0 or 1; also the far end of a pair and who a transfer is to
	writers  [2]int        // routers that are written to
	leadIn   time.Duration // traffic and writes before the fault
	hold     time.Duration // how long the fault lasts; a transfer has no length
	way      lab.Way
	path     lab.Segment
	weather  lab.Weather
	step     time.Duration // of clocks
	change   change
}

// routers is how many the laboratory has.
const routers = 3

// plan decides about a round. The same seed, number, faults and lease decide the same, whatever rounds come before.
func plan(seed uint64, number int, faults []fault, lease time.Duration) round {
	// Dealt from shuffled decks: every fault has as many rounds as any other.
	deck := slices.Clone(faults)
	at := (number - 1) % len(deck)
	shuffle := rand.New(rand.NewPCG(seed, uint64(number-1)/uint64(len(deck))|1<<63))
	shuffle.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })

	chance := rand.New(rand.NewPCG(seed, uint64(number)))
	between := func(least, most time.Duration) time.Duration {
		return (least + time.Duration(chance.Int64N(int64(most-least)+1))).Round(time.Millisecond)
	}
	first := chance.IntN(routers)
	r := round{
		number: number, fault: deck[at], director: chance.IntN(4) > 0, other: chance.IntN(routers - 1),
		writers: [2]int{first, (first + 1 + chance.IntN(routers-1)) % routers},
		leadIn:  between(300*time.Millisecond, time.Second),
		// Some end before anybody's lease does, some long after the next one's began.
		hold: between(lease*3/10, lease*5/2),
	}
	switch r.fault {
	case oneWay:
		r.way = []lab.Way{lab.From, lab.To}[chance.IntN(2)]
	case onePath:
		r.path = []lab.Segment{lab.Outside, lab.Inside}[chance.IntN(2)]
		r.hold += lease
	case loss:
		r.weather.Loss = 5 + chance.IntN(50)
		r.hold += lease
	case delay:
		r.weather.Delay = between(lease/50, lease*4/5)
		r.weather.Jitter = r.weather.Delay / 4
		r.hold += lease
	case stop:
		if chance.IntN(5) == 0 {
			r.hold = 10 * time.Second
		}
	case stall, full:
		r.hold += lease
	case clock:
		r.step = between(time.Second, 48*time.Hour)
		if chance.IntN(2) == 0 {
			r.step = -r.step
		}
	case leap:
		// Short ones leave something of the lease, long ones nothing.
		r.step = between(lease/5, lease)
		if chance.IntN(2) == 0 {
			r.step = between(lease, time.Hour)
		}
		r.hold += lease
	case transfer:
		r.director, r.hold = true, 0
	case member:
		r.change = []change{leaves, removed, replaced}[chance.IntN(3)]
	case cut, onePair, kill, restart:
	}
	return r
}

// bound is how long after the fault two holders would not be a defect yet: lab.Fault.Bound, with the fence. Only a process
// that can do nothing leaves its addresses to the kernel.
func (r round) bound(lease time.Duration) time.Duration {
	switch r.fault {
	case kill:
		return lab.Killed.Bound(lease, lab.Fenced)
	case stop:
		return lab.Frozen.Bound(lease, lab.Fenced)
	case member:
		if r.change == replaced {
			return lab.Killed.Bound(lease, lab.Fenced)
		}
	}
	return 0
}

// String is the round in a sentence about its victim.
func (r round) String() string {
	who := fmt.Sprintf("backup %d", r.other+1)
	if r.director {
		who = "the director"
	}
	during := fmt.Sprintf(" for %v", r.hold)
	switch r.fault {
	case cut:
		return "cut " + who + " off" + during
	case oneWay:
		what := "sends"
		if r.way == lab.To {
			what = "is sent"
		}
		return "lose what " + who + " " + what + during
	case onePair:
		return fmt.Sprintf("cut %s from backup %d%s", who, r.peer()+1, during)
	case onePath:
		return fmt.Sprintf("cut the path %s between routers%s", []string{"outside", "inside"}[r.path], during)
	case loss:
		return fmt.Sprintf("lose %d %% of what %s sends to routers%s", r.weather.Loss, who, during)
	case delay:
		return fmt.Sprintf("delay what %s sends to routers by %v ± %v%s", who, r.weather.Delay, r.weather.Jitter, during)
	case kill:
		return "kill " + who + during
	case stop:
		return "stop " + who + during
	case restart:
		return "restart " + who
	case stall:
		return "stall the disk of " + who + during
	case full:
		return "fill the disk of " + who + during
	case clock:
		return fmt.Sprintf("set every wall clock by %v%s", r.step, during)
	case leap:
		if r.director {
			return fmt.Sprintf("set the director's lease clock forward by %v%s", r.step, during)
		}
		return fmt.Sprintf("stop %s and set its lease clock forward by %v%s", who, r.step, during)
	case transfer:
		return fmt.Sprintf("transfer to backup %d", r.other+1)
	case member:
		switch r.change {
		case leaves:
			return who + " leaves and joins again after" + strings.TrimPrefix(during, " for")
		case removed:
			return who + " is removed and joins again after" + strings.TrimPrefix(during, " for")
		case replaced:
			return who + " loses its data and is replaced after" + strings.TrimPrefix(during, " for")
		}
	}
	panic("faults: unknown fault")
}

// peer is which of the others is at the far end of a cut pair: another than the victim.
func (r round) peer() int {
	if r.director {
		return r.other
	}
	return 1 - r.other
}
