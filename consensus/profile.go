package consensus

import (
	"fmt"
	"time"
)

// Profile is the cluster's timing, one knob. Every member runs the same, but while it is changed: see Options.Promise.
type Profile struct {
	Name        string
	H           time.Duration // the lease's length, raft's heartbeat timeout
	Election    time.Duration // raft's election timeout
	LeaderLease time.Duration // how long a leader without a quorum stays one in raft
	Commit      time.Duration // how often an idle leader tells what is committed
	RPCTimeout  time.Duration // for the transport; above LeaderLease + 2 Commit, or raft counts failed requests as contacts
}

// Profiles returns the built-in profiles, the quickest first.
func Profiles() []Profile {
	return []Profile{
		profile("fast", 150*time.Millisecond, time.Second),
		profile("lan", 400*time.Millisecond, time.Second),
		profile("vm", 1500*time.Millisecond, time.Second),
		profile("wan", 3*time.Second, 3*time.Second),
	}
}

// ParseProfile returns the profile of that name: fast, lan, vm or wan.
func ParseProfile(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("profile %q: unknown: fast, lan, vm and wan are known", name)
}

func profile(name string, h, rpc time.Duration) Profile {
	p := Profile{Name: name, H: h, Election: h, LeaderLease: 9 * h / 10, Commit: min(h/10, 50*time.Millisecond)}
	p.RPCTimeout = max(rpc, p.LeaderLease+4*p.Commit)
	return p
}

// PathPatience is how long one path to a node may be silent before the next is tried (wire.PathsOptions.Patience). A heartbeat
// leaves at most H/5 after the answer to the one before, so one that needs a second path is answered with almost half of H to
// spare; and two heartbeats over a path that lives are never as far apart.
func (p Profile) PathPatience() time.Duration { return p.H / 4 }
