// Package consensus is this node's share of the raft group: it opens the store, joins, proposes, and tells the node's
// role with the lease that goes with it.
//
// It does not know what it replicates: it takes a raft.FSM.
package consensus

import "polso/consensus/lease"

// Role is what this node may do just now. It is a level, not an event: read it whenever it matters. The zero value is a
// follower that may hold nothing.
type Role struct {
	Leader bool          // this node leads Term and has applied what the terms before committed
	Term   uint64        // raft's current term
	Epoch  uint64        // grows with every gap in holding; what must happen once per taking-up is keyed by it
	Until  lease.Instant // the lease's end; nothing may be held past it
}
