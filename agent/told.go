package agent

import (
	"reflect"
	"sync"

	"polso/config"
	"polso/consensus"
	"polso/fsm"
)

// told is what the director was rung for last, of what raft and the state machine tell it. An election changes raft's word
// for this node, and the leader's, several times within milliseconds: a pass for each of them, on every router, would be in
// the way of the one that counts.
type told struct {
	mu   sync.Mutex
	last view
}

// view is what a pass of the director reads of them.
type view struct {
	known     bool
	revision  uint64 // with it goes the document
	overrides []fsm.Override
	leaving   []fsm.Leaving
	leads     bool
	epoch     uint64
	others    bool // another router leads
}

// viewOf leaves out what makes no difference to a pass.
func viewOf(s *fsm.Snapshot, r consensus.Role, othersLead bool) view {
	v := view{known: s.Known && s.Founded(), revision: s.Revision, overrides: s.Overrides, leaving: s.Leaving, leads: r.Leader}
	if r.Leader {
		v.epoch = r.Epoch // its end is extended without a pass
	}
	if s.Document.Cluster.Standby == config.Cold {
		v.others = othersLead
	}
	return v
}

// news says whether the director has not been told yet how things are now. It looks under the lock, so that what is older
// never replaces what is newer.
func (t *told) news(look func() view) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := look()
	news := !reflect.DeepEqual(now, t.last)
	t.last = now
	return news
}
