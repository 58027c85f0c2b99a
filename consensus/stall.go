package consensus

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// journal watches the log on its way to the store: it notes when a write began, because a leader whose disk hangs cannot
// be asked anything (raft's main loop waits for it), and which configurations are appended.
type journal struct {
	raft.LogStore
	clock  lease.Clock
	limit  time.Duration // a write that takes longer hangs
	roster *roster

	writing atomic.Int64 // when the write under way began, 0: none; raft writes from one goroutine
}

// hangs says whether a write has been under way for too long.
func (j *journal) hangs() bool {
	began := j.writing.Load()
	return began != 0 && j.clock()-lease.Instant(began) > lease.Instant(j.limit)
}

func (j *journal) begin() { j.writing.Store(max(1, int64(j.clock()))) }
func (j *journal) end()   { j.writing.Store(0) }

func (j *journal) StoreLog(l *raft.Log) error { return j.StoreLogs([]*raft.Log{l}) }

func (j *journal) StoreLogs(ls []*raft.Log) error {
	j.roster.stored(ls)
	j.begin()
	defer j.end()
	return j.LogStore.StoreLogs(ls)
}

// DeleteRange removes either the log's beginning, which a snapshot covers, or an end that another leader replaces.
func (j *journal) DeleteRange(from, to uint64) error {
	last, lastErr := j.LogStore.LastIndex()
	if err := j.LogStore.DeleteRange(from, to); err != nil {
		return err
	}
	if lastErr == nil && to >= last {
		j.roster.truncated(from)
	}
	return nil
}
