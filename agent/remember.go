package agent

import (
	"context"
	"time"

	"polso/fsm"
)

// remember keeps the members' addresses, and the command level in use, in the data directory. After a restart this node must find the others before it
// knows anything of the replicated state: without them it could win an election and reach nobody. One that was removed keeps
// what it knew last, by which it can join again.
func (a *Agent) remember(ctx context.Context, state func() *fsm.Snapshot) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	saved := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		s := state()
		// The data directory is another's while a cluster is entered or left; who does that may wait for this to end.
		if !s.Known || s.Index == saved || s.IsRemoved(a.home.Identity().ID) || !a.forming.TryLock() {
			continue
		}
		if err := a.home.SaveState(peersOf(s), s.InUse(), a.o.Version.Version); err != nil {
			a.log.Error("the members' addresses and the command level are not saved", "err", err)
		} else {
			saved = s.Index
		}
		a.forming.Unlock()
	}
}

// peersOf is where every member is.
func peersOf(s *fsm.Snapshot) map[string][]string {
	peers := make(map[string][]string, len(s.Nodes))
	for _, n := range s.Nodes {
		peers[n.ID] = n.Addresses
	}
	return peers
}
