package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/hashicorp/raft"
)

// FirstIndex implements raft.LogStore.
func (s *Store) FirstIndex() (uint64, error) { return s.bolt.FirstIndex() }

// LastIndex implements raft.LogStore.
func (s *Store) LastIndex() (uint64, error) { return s.bolt.LastIndex() }

// GetLog implements raft.LogStore: raft.ErrLogNotFound when there is none, ErrCorrupt when it is not what was stored.
func (s *Store) GetLog(index uint64, log *raft.Log) error {
	*log = raft.Log{} // fields that are missing in the file must not keep an old value
	if err := s.bolt.GetLog(index, log); err != nil {
		if err == raft.ErrLogNotFound { // raft compares without unwrapping
			return err
		}
		return fmt.Errorf("entry %d: %w: %w", index, ErrCorrupt, err)
	}
	if err := unsealLog(log); err != nil {
		return fmt.Errorf("entry %d: %w: %w", index, ErrCorrupt, err)
	}
	if log.Index != index {
		return fmt.Errorf("entry %d: %w: says that it is %d", index, ErrCorrupt, log.Index)
	}
	return nil
}

// StoreLog implements raft.LogStore.
func (s *Store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore: all of them, on the disk, or none.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	sealed := make([]*raft.Log, len(logs))
	for i, l := range logs {
		sealed[i] = sealLog(l)
	}
	return s.bolt.StoreLogs(sealed)
}

// DeleteRange implements raft.LogStore; both ends go.
func (s *Store) DeleteRange(low, high uint64) error { return s.bolt.DeleteRange(low, high) }

// Set implements raft.StableStore.
func (s *Store) Set(key, value []byte) error {
	return s.bolt.Set(key, seal(valueSum(key, value), value))
}

// Get implements raft.StableStore. A key that is not there is the error "not found", which raft knows by its text.
func (s *Store) Get(key []byte) ([]byte, error) {
	sealed, err := s.bolt.Get(key)
	if err != nil {
		return nil, err
	}
	value, err := unsealValue(key, sealed)
	if err != nil {
		return nil, fmt.Errorf("value %q: %w: %w", key, ErrCorrupt, err)
	}
	return value, nil
}

// raft's keys for its vote.
var (
	voteTermKey      = []byte("LastVoteTerm")
	voteCandidateKey = []byte("LastVoteCand")
)

// SetUint64 implements raft.StableStore. raft writes a vote as a term and then a candidate. Between the two the candidate
// of the vote before would stand beside the new term, and be granted that vote again after a crash without a look at its
// log: so it goes first, and a process that crashes in between has voted for nobody in that term.
func (s *Store) SetUint64(key []byte, value uint64) error {
	if bytes.Equal(key, voteTermKey) {
		if err := s.Set(voteCandidateKey, nil); err != nil {
			return err
		}
	}
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore; the error of a missing key is Get's.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	value, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("value %q: %w: has %d bytes, want 8", key, ErrCorrupt, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}
