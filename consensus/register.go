package consensus

import (
	"bytes"
	"errors"

	"github.com/hashicorp/raft"
)

// The keys that raft keeps its term and vote under.
var (
	currentTermKey   = []byte("CurrentTerm")
	voteCandidateKey = []byte("LastVoteCand")
)

// trialKey is where trials write; it is empty but for their moment.
var trialKey = []byte("polso/trial")

// register stands between raft and its stable store. raft panics when it cannot write a term that it has heard of. That term
// binds to nothing until a vote or an entry of it is on the disk, so it may be owed: it is written before anything else is,
// and until then nothing else can be.
type register struct {
	raft.StableStore
	self    string
	refusal *refusal

	turn chan struct{} // held during a write; guards below
	owed uint64        // the term that could not be written; 0: none
}

func (r *register) enter() { r.turn <- struct{}{} }
func (r *register) leave() { <-r.turn }

// SetUint64 implements raft.StableStore.
func (r *register) SetUint64(key []byte, value uint64) error {
	r.enter()
	defer r.leave()
	if bytes.Equal(key, currentTermKey) {
		r.owed = max(r.owed, value)
		_ = r.pay() // noted there
		return nil
	}
	if err := r.pay(); err != nil {
		return err
	}
	return r.noted(r.StableStore.SetUint64(key, value), 0)
}

// Set implements raft.StableStore. A vote for this node itself is refused while it may not stand: a lone voter asks nobody
// else.
func (r *register) Set(key, value []byte) error {
	if bytes.Equal(key, voteCandidateKey) && string(value) == r.self && r.refusal.bars() {
		return ErrStoreRefuses
	}
	r.enter()
	defer r.leave()
	if err := r.pay(); err != nil {
		return err
	}
	return r.noted(r.StableStore.Set(key, value), len(value))
}

// GetUint64 implements raft.StableStore.
func (r *register) GetUint64(key []byte) (uint64, error) {
	if bytes.Equal(key, currentTermKey) {
		r.enter()
		defer r.leave()
		if r.owed != 0 {
			return r.owed, nil
		}
	}
	return r.StableStore.GetUint64(key)
}

// settle writes the term that is owed, before an entry is.
func (r *register) settle() error {
	r.enter()
	defer r.leave()
	return r.pay()
}

func (r *register) pay() error {
	if r.owed == 0 {
		return nil
	}
	if err := r.noted(r.StableStore.SetUint64(currentTermKey, r.owed), 0); err != nil {
		return err
	}
	r.owed = 0
	return nil
}

func (r *register) noted(err error, size int) error {
	if err != nil {
		r.refusal.note(err, size)
	}
	return err
}

// try writes so many bytes and gives their room back. The caller has the turn.
func (r *register) try(size int) error {
	return errors.Join(r.StableStore.Set(trialKey, make([]byte, max(size, 4096))), r.StableStore.Set(trialKey, nil), r.pay())
}
