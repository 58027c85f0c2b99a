package consensus

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// journal watches the log on its way to the store: it notes when a write began, because a leader whose disk hangs cannot
// be asked anything (raft's main loop waits for it), which writes failed, and which configurations are appended.
type journal struct {
	raft.LogStore
	clock    lease.Clock
	limit    time.Duration // a write that takes longer hangs
	roster   *roster
	register *register
	refusal  *refusal
	led      func(term uint64) bool // this node leads that term, or did
	stop     chan struct{}          // closed when raft is told to end

	writing atomic.Int64 // when the write under way began, 0: none; raft writes from one goroutine
	unsaid  atomic.Bool  // raft counts by a change of members that could not be written
	cut     bool         // the log's end was removed, and what is to take its place is not there yet; of raft's one goroutine

	mu     sync.Mutex // guards below
	failed span       // entries whose write failed: they may be in the store or not
}

// span is entries from first to last; last 0: none.
type span struct{ first, last uint64 }

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
	write := func() error {
		err := j.settle()
		if err == nil {
			err = j.LogStore.StoreLogs(ls)
		}
		if err != nil {
			j.refused(ls, err)
		}
		return err
	}
	if !j.cut {
		return write()
	}
	err := j.insist(write)
	j.cut = err != nil
	return err
}

// insist repeats a write until it succeeds or raft ends: a follower that replaces the end of its log must not fail half
// way. raft would go on with the old end in mind, never take in the new one, and panic when that is committed.
func (j *journal) insist(write func() error) error {
	for {
		err := write()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(trialEvery):
		case <-j.stop:
			return err
		}
	}
}

// settle makes the store what raft takes it for: what was said to be written is, what was said to have failed is not there.
// A write can fail in its sync and be found there all the same, and entries of an older term must not stand behind newer ones.
func (j *journal) settle() error {
	if err := j.register.settle(); err != nil {
		return err
	}
	j.mu.Lock()
	failed := j.failed
	j.mu.Unlock()
	if failed.last == 0 {
		return nil
	}
	if err := j.LogStore.DeleteRange(failed.first, failed.last); err != nil {
		return err
	}
	j.mu.Lock()
	j.failed = span{}
	j.mu.Unlock()
	return nil
}

// refused notes a failed write.
func (j *journal) refused(ls []*raft.Log, err error) {
	size := 0
	for _, l := range ls {
		size += len(l.Data) + len(l.Extensions)
	}
	first, last := ls[0].Index, ls[len(ls)-1].Index
	j.mu.Lock()
	if j.failed.last != 0 {
		first, last = min(first, j.failed.first), max(last, j.failed.last)
	}
	j.failed = span{first, last}
	j.mu.Unlock()
	if slices.ContainsFunc(ls, func(l *raft.Log) bool { return l.Type == raft.LogConfiguration && j.led(l.Term) }) {
		j.unsaid.Store(true)
	}
	j.refusal.note(err, size)
}

// astray says why raft must not go on once the disk is well, nil if it may: a leader counts by a change of members before it
// writes it, and goes on to do so if it cannot. Only a new process looks at what is there.
func (j *journal) astray() error {
	if j.unsaid.Load() {
		return errors.New("a change of members could not be written: the process must start anew")
	}
	return nil
}

// GetLog implements raft.LogStore. An entry whose write failed is not there, whatever the disk says: raft would take it for
// one of its log, and it is removed before the next is written.
func (j *journal) GetLog(index uint64, l *raft.Log) error {
	j.mu.Lock()
	failed := j.failed
	j.mu.Unlock()
	if index >= failed.first && index <= failed.last && failed.last != 0 {
		return raft.ErrLogNotFound
	}
	return j.LogStore.GetLog(index, l)
}

// DeleteRange removes either the log's beginning, which a snapshot covers, or an end that another leader replaces.
func (j *journal) DeleteRange(from, to uint64) error {
	remove := func() error {
		err := j.LogStore.DeleteRange(from, to)
		if err != nil {
			j.refusal.note(err, 0)
		}
		return err
	}
	if last, err := j.last(); err != nil || to < last {
		return remove()
	}
	j.begin()
	defer j.end()
	if err := j.insist(remove); err != nil {
		return err
	}
	j.cut = true
	j.roster.truncated(from)
	return nil
}

// last is the log's last index as raft knows it.
func (j *journal) last() (uint64, error) {
	last, err := j.LogStore.LastIndex()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed.last != 0 {
		last = min(last, j.failed.first-1)
	}
	return last, err
}
