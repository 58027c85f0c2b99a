package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// image is what a store must hold after so many steps. The steps follow from a seed, so that the process that makes them and
// the one that looks afterwards agree without a word.
type image struct {
	seed     uint64
	steps    int
	term     uint64
	voteTerm uint64
	vote     string
	first    uint64 // of the log; 0: it is empty
	last     uint64
	wrote    map[uint64]int // by index, the step that wrote the entry
	snapshot uint64         // the last index of the newest
}

type deed int

const (
	appends deed = iota
	raises       // the term
	votes
	cuts     // the log's end
	takes    // a snapshot of all there is
	compacts // removes the log's beginning
	forgets  // the cluster, and enters another
)

// step is one durable write, or the few that belong together.
type step struct {
	deed     deed
	from, to uint64 // entries
}

// next says what comes after the image.
func (m image) next() step {
	r := rand.New(rand.NewPCG(m.seed, uint64(m.steps)))
	floor := max(m.snapshot, m.first)
	switch deed := []deed{raises, raises, votes, votes, votes, cuts, cuts, takes, takes, compacts, compacts, forgets}[r.IntN(12)]; {
	case r.IntN(2) == 0:
	case deed == cuts && m.last > floor+1:
		return step{cuts, m.last - r.Uint64N(m.last-floor-1), m.last}
	case deed == takes && m.last > m.snapshot:
		return step{takes, 0, m.last}
	case deed == compacts && m.first > 0 && m.first < m.snapshot && m.first < m.last:
		return step{compacts, m.first, min(m.snapshot, m.last-1)}
	case deed == forgets && r.IntN(2) == 0, deed == raises, deed == votes:
		return step{deed: deed}
	}
	return step{appends, m.last + 1, m.last + 1 + r.Uint64N(20)}
}

// after is the image with that step made.
func (m image) after(s step) image {
	m.steps++
	m.wrote = maps.Clone(m.wrote)
	switch s.deed {
	case appends:
		for i := s.from; i <= s.to; i++ {
			m.wrote[i] = m.steps
		}
		m.last = s.to
		if m.first == 0 {
			m.first = s.from
		}
	case raises:
		m.term++
	case votes:
		m.voteTerm, m.vote = m.voteTerm+1, fmt.Sprint("candidate of ", m.voteTerm+1)
	case cuts:
		m.last = s.from - 1
	case compacts:
		m.first = s.to + 1
	case takes:
		m.snapshot = s.to
	case forgets:
		m = image{seed: m.seed, steps: m.steps, wrote: map[uint64]int{}}
	}
	maps.DeleteFunc(m.wrote, func(i uint64, _ int) bool { return i < m.first || i > m.last })
	return m
}

// halfway are the images that a crash within the step may leave besides those before and after: a vote is two writes, and in
// between it is a vote for nobody.
func (m image) halfway(s step) []image {
	if s.deed != votes {
		return nil
	}
	before, after := m, m.after(s)
	before.vote, after.vote = "", ""
	return []image{before, after}
}

// written is the entry that a step wrote.
func written(index uint64, step int) *raft.Log {
	l := &raft.Log{Index: index, Term: uint64(step), Data: fmt.Appendf(nil, "entry %d of step %d ", index, step)}
	l.Data = append(l.Data, bytes.Repeat([]byte{byte(step)}, int(index*37%900))...)
	return l
}

func state(index uint64) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "state at %d ", index), int(1+index%500))
}

// crasher is a process's node: its directory and its store.
type crasher struct {
	home  *Home
	store *Store
	snaps raft.SnapshotStore
}

// openCrasher opens the directory as an agent does, and enters a cluster if it is in none.
func openCrasher(dir string) (*crasher, error) {
	h, err := OpenHome(dir, "n1")
	if err != nil {
		return nil, err
	}
	c := &crasher{home: h}
	if !h.Formed() {
		return c, c.enter()
	}
	return c, c.open()
}

func (c *crasher) open() (err error) {
	cluster, err := c.home.Cluster()
	if err != nil {
		return err
	}
	if c.store, err = Open(Options{Dir: c.home.StoreDir(), Cluster: cluster.ID, Node: c.home.Identity().ID}); err != nil {
		return err
	}
	c.snaps, err = c.store.Snapshots(hclog.NewNullLogger())
	return err
}

// enter makes a cluster: the store first, then that the node has it.
func (c *crasher) enter() (err error) {
	if err := c.home.Clear(); err != nil {
		return err
	}
	id := c.home.Identity().ID
	if c.store, err = Create(Options{Dir: c.home.StoreDir(), Cluster: "of " + id, Node: id}); err != nil {
		return err
	}
	if c.snaps, err = c.store.Snapshots(hclog.NewNullLogger()); err != nil {
		return err
	}
	return c.home.Form(Cluster{ID: "of " + id, Name: "edge"}, Credentials{CA: []byte("ca"), Cert: []byte("cert"), Key: []byte("key")})
}

// do makes the step that leads to m.
func (c *crasher) do(s step, m image) error {
	switch s.deed {
	case appends:
		var logs []*raft.Log
		for i := s.from; i <= s.to; i++ {
			logs = append(logs, written(i, m.steps))
		}
		return c.store.StoreLogs(logs)
	case raises:
		return c.store.SetUint64([]byte("CurrentTerm"), m.term)
	case votes:
		return errors.Join(c.store.SetUint64(voteTermKey, m.voteTerm), c.store.Set(voteCandidateKey, []byte(m.vote)))
	case cuts, compacts:
		return c.store.DeleteRange(s.from, s.to)
	case takes:
		_, transport := raft.NewInmemTransport("n1")
		sink, err := c.snaps.Create(raft.SnapshotVersionMax, s.to, 1, raft.Configuration{}, 1, transport)
		if err != nil {
			return err
		}
		_, err = sink.Write(state(s.to))
		return errors.Join(err, sink.Close())
	case forgets:
		return errors.Join(c.store.Close(), c.home.Forget(), c.enter())
	}
	return fmt.Errorf("no such deed: %d", s.deed)
}

// differs says in what the store is not the image; nil: it is.
func (c *crasher) differs(m image) error {
	number := func(key string) (uint64, error) {
		v, err := c.store.GetUint64([]byte(key))
		if err != nil && err.Error() == raftboltdb.ErrKeyNotFound.Error() {
			err = nil
		}
		return v, err
	}
	term, err1 := number("CurrentTerm")
	voteTerm, err2 := number(string(voteTermKey))
	vote, err3 := c.store.Get(voteCandidateKey)
	if err3 != nil && err3.Error() == raftboltdb.ErrKeyNotFound.Error() {
		err3 = nil
	}
	first, err4 := c.store.FirstIndex()
	last, err5 := c.store.LastIndex()
	list, err6 := c.snaps.List()
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	snapshot := uint64(0)
	if len(list) > 0 {
		snapshot = list[0].Index
		_, r, err := c.snaps.Open(list[0].ID)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(text, state(snapshot)) {
			return fmt.Errorf("snapshot %s: %d bytes, %w", list[0].ID, len(text), err)
		}
	}
	got := fmt.Sprintf("term %d, vote %q in %d, entries %d to %d, snapshot %d", term, vote, voteTerm, first, last, snapshot)
	want := fmt.Sprintf("term %d, vote %q in %d, entries %d to %d, snapshot %d", m.term, m.vote, m.voteTerm, m.first, m.last, m.snapshot)
	if got != want {
		return fmt.Errorf("has %s\nwant %s", got, want)
	}
	for i := first; i <= last && i > 0; i++ {
		var l raft.Log
		if err := c.store.GetLog(i, &l); err != nil {
			return err
		}
		if w := written(i, m.wrote[i]); l.Term != w.Term || !bytes.Equal(l.Data, w.Data) {
			return fmt.Errorf("entry %d is of step %d, want %d", i, l.Term, w.Term)
		}
	}
	return nil
}

func (c *crasher) close() error {
	if c.store == nil {
		return c.home.Close()
	}
	return errors.Join(c.store.Close(), c.home.Close())
}
