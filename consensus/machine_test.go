package consensus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// disk is a store that can be told to hang: each write that begins while it hangs waits until the given moment.
type disk struct {
	*raft.InmemStore
	mu         sync.Mutex    // guards below
	pace       time.Duration // each write to the log takes so long
	logsUntil  time.Time
	votesUntil time.Time
	refuses    error // what its writes answer
	manner     manner
}

// manner is how a disk refuses.
type manner int

const (
	nothing manner = iota // no write is made
	made                  // each is made all the same, as one whose sync fails
	large                 // those that need room are not made, the others are and succeed
)

func (d *disk) hang(logs, votes time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logsUntil, d.votesUntil = time.Now().Add(logs), time.Now().Add(votes)
}

// refuse makes writes fail with err from now on; nil ends it.
func (d *disk) refuse(err error, m manner) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuses, d.manner = err, m
}

func (d *disk) write(needsRoom bool, do func() error) error {
	d.mu.Lock()
	err, m := d.refuses, d.manner
	d.mu.Unlock()
	switch {
	case err == nil, m == large && !needsRoom:
		return do()
	case m == made:
		_ = do()
	}
	return err
}

func (d *disk) wait(until *time.Time) {
	d.mu.Lock()
	left := time.Until(*until)
	d.mu.Unlock()
	if left > 0 {
		time.Sleep(left)
	}
}

func (d *disk) StoreLog(l *raft.Log) error { return d.StoreLogs([]*raft.Log{l}) }
func (d *disk) StoreLogs(ls []*raft.Log) error {
	d.wait(&d.logsUntil)
	d.mu.Lock()
	pace := d.pace
	d.mu.Unlock()
	time.Sleep(pace)
	return d.write(true, func() error { return d.InmemStore.StoreLogs(ls) })
}
func (d *disk) DeleteRange(low, high uint64) error {
	return d.write(false, func() error { return d.InmemStore.DeleteRange(low, high) })
}
func (d *disk) Set(k, v []byte) error {
	d.wait(&d.votesUntil)
	return d.write(len(v) >= 4096, func() error { return d.InmemStore.Set(k, v) })
}
func (d *disk) SetUint64(k []byte, v uint64) error {
	d.wait(&d.votesUntil)
	return d.write(false, func() error { return d.InmemStore.SetUint64(k, v) })
}

// words is a state machine that remembers every command.
type words struct {
	mu    sync.Mutex    // guards below
	busy  time.Duration // how long the command "busy" takes
	list  []string
	heard uint64
	leads []Taking
}

func (w *words) Apply(l *raft.Log) any {
	w.mu.Lock()
	busy := w.busy
	w.mu.Unlock()
	if string(l.Data) == "busy" {
		time.Sleep(busy)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, string(l.Data))
	var t Taking
	if json.Unmarshal(l.Data, &t) == nil && t.Term != 0 {
		w.leads = append(w.leads, t)
	}
	return fmt.Appendf(nil, "%d", len(w.list))
}

func (w *words) Hear(_, commit uint64) { w.mu.Lock(); w.heard = max(w.heard, commit); w.mu.Unlock() }

func (w *words) all() []string { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.list) }

// reason is that of the last taking of the lead.
func (w *words) reason() Reason {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.leads) == 0 {
		return ""
	}
	return w.leads[len(w.leads)-1].Reason
}

func (w *words) Snapshot() (raft.FSMSnapshot, error) {
	b, err := json.Marshal(w.all())
	return picture(b), err
}

func (w *words) Restore(r io.ReadCloser) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = nil
	return json.NewDecoder(r).Decode(&w.list)
}

type picture []byte

func (p picture) Persist(s raft.SnapshotSink) error {
	_, err := io.Copy(s, bytes.NewReader(p))
	return errors.Join(err, s.Close())
}
func (picture) Release() {}
