package consensus

import (
	"sync"

	"github.com/hashicorp/raft"
)

// roster tracks the configurations that may count: the one committed last and every later one in the log. A
// configuration takes effect in raft when it is appended, so the roster is told before.
type roster struct {
	publish func(sets ...[]string) // the ledger's SetVoters

	mu       sync.Mutex // guards below
	replayed uint64     // what is committed up to here was in the log when the process began, and is old news
	base     []string   // voters of the configuration committed last
	after    []change   // in log order
}

type change struct {
	index  uint64
	voters []string
}

func voters(c raft.Configuration) []string {
	var ids []string
	for _, s := range c.Servers {
		if s.Suffrage == raft.Voter {
			ids = append(ids, string(s.ID))
		}
	}
	return ids
}

// stored is called before entries are appended to the log.
func (r *roster) stored(entries []*raft.Log) {
	var added []change
	for _, e := range entries {
		if e.Type == raft.LogConfiguration {
			added = append(added, change{e.Index, voters(raft.DecodeConfiguration(e.Data))})
		}
	}
	if len(added) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = append(r.after, added...)
	r.tell()
}

// truncated is called after the log's end from index on was removed.
func (r *roster) truncated(from uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kept []change
	for _, c := range r.after {
		if c.index < from {
			kept = append(kept, c)
		}
	}
	r.after = kept
	r.replayed = min(r.replayed, from-1)
	r.tell()
}

// committed is called when the configuration at index is known to be committed. One that is replayed at the start of the
// process says nothing: found knew the latest in that log.
func (r *roster) committed(index uint64, c raft.Configuration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if index <= r.replayed {
		return
	}
	var kept []change
	for _, a := range r.after {
		if a.index > index {
			kept = append(kept, a)
		}
	}
	r.base, r.after = voters(c), kept
	r.tell()
}

// reset is called with the configuration that a snapshot brought.
func (r *roster) reset(c raft.Configuration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.base, r.after = voters(c), nil
	r.tell()
}

// found is called with the configuration that the process found at its start, unless raft has told a newer one already.
func (r *roster) found(c raft.Configuration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base == nil {
		r.base = voters(c)
	}
	r.tell()
}

// settle is called when the command at index is applied here, and with it everything before: latest is raft's latest
// configuration, read before the call. Unless a later one is in the log, it is the committed one.
func (r *roster) settle(latest raft.Configuration, index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kept []change
	for _, a := range r.after {
		if a.index > index {
			kept = append(kept, a)
		}
	}
	if r.after = kept; len(kept) == 0 {
		r.base = voters(latest)
	}
	r.tell()
}

// tell publishes the sets; an empty one says nothing and is left out.
func (r *roster) tell() {
	var sets [][]string
	if len(r.base) > 0 {
		sets = append(sets, r.base)
	}
	for _, c := range r.after {
		if len(c.voters) > 0 {
			sets = append(sets, c.voters)
		}
	}
	r.publish(sets...)
}
