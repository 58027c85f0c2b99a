package consensus

import (
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// machine stands between raft and the FSM and notes what passes: the term of the last command applied, and which
// configurations are committed.
type machine struct {
	fsm    FSM
	roster *roster
	ring   func()
	term   atomic.Uint64 // of the last command applied
	index  atomic.Uint64 // of it
}

var (
	_ raft.FSM                = (*machine)(nil)
	_ raft.ConfigurationStore = (*machine)(nil)
)

func (m *machine) Apply(l *raft.Log) any {
	r := m.fsm.Apply(l)
	m.term.Store(l.Term)
	m.index.Store(l.Index)
	return r
}

func (m *machine) StoreConfiguration(index uint64, c raft.Configuration) {
	m.roster.committed(index, c)
	if s, ok := m.fsm.(raft.ConfigurationStore); ok {
		s.StoreConfiguration(index, c)
	}
	m.index.Store(index)
	m.ring()
}

func (m *machine) Snapshot() (raft.FSMSnapshot, error) { return m.fsm.Snapshot() }

func (m *machine) Restore(from io.ReadCloser) error { return m.fsm.Restore(from) }
