package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// recorder is the stable store that raft writes to; it keeps a copy of the database as it is before each write and after
// the last, which is what a crash would leave.
type recorder struct {
	*Store
	path  string
	names []string
	left  [][]byte
	err   error
}

func (r *recorder) note(name string) {
	b, err := os.ReadFile(r.path)
	r.names, r.left, r.err = append(r.names, name), append(r.left, b), errors.Join(r.err, err)
}

func (r *recorder) Set(key, value []byte) error {
	r.note("before " + string(key))
	return r.Store.Set(key, value)
}

func (r *recorder) SetUint64(key []byte, value uint64) error {
	r.note("before " + string(key))
	return r.Store.SetUint64(key, value)
}

// voter is raft on a store of three voters, of which this is n1.
func voter(t *testing.T, logs raft.LogStore, stable raft.StableStore) (ask func(term uint64, candidate string, last uint64) bool, stop func()) {
	t.Helper()
	addr, trans := raft.NewInmemTransport("n1")
	_, other := raft.NewInmemTransport("other")
	other.Connect(addr, trans)
	c := raft.DefaultConfig()
	c.LocalID, c.Logger = "n1", hclog.NewNullLogger()
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = time.Hour, time.Hour, time.Hour
	r, err := raft.NewRaft(c, &raft.MockFSM{}, logs, stable, raft.NewInmemSnapshotStore(), trans)
	if err != nil {
		t.Fatal(err)
	}
	ask = func(term uint64, candidate string, last uint64) bool {
		req := &raft.RequestVoteRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte(candidate), Addr: []byte(candidate)},
			Term:      term, LastLogIndex: last, LastLogTerm: 1,
		}
		var resp raft.RequestVoteResponse
		if err := other.RequestVote("n1", addr, req, &resp); err != nil {
			t.Fatal(err)
		}
		return resp.Granted
	}
	return ask, func() {
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
	}
}

// TestCrashWithinAVote: n2, elected in term 2 with this node's vote, has since fallen behind. This node crashes at some
// moment of its vote for n3 in term 3: n2, whose log lacks what is committed, must not get that vote.
func TestCrashWithinAVote(t *testing.T) {
	o := options(t)
	s := create1(t, o)
	servers := raft.Configuration{}
	for _, id := range []raft.ServerID{"n1", "n2", "n3"} {
		servers.Servers = append(servers.Servers, raft.Server{ID: id, Address: raft.ServerAddress(id)})
	}
	if err := s.StoreLogs([]*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(servers)}, {Index: 2, Term: 1},
	}); err != nil {
		t.Fatal(err)
	}
	rec := &recorder{Store: s, path: filepath.Join(o.Dir, databaseFile)}
	ask, stop := voter(t, s, rec)
	if !ask(2, "n2", 2) || !ask(3, "n3", 2) {
		t.Fatal("no votes")
	}
	rec.note("after the vote")
	stop()
	if err := errors.Join(rec.err, s.Close()); err != nil {
		t.Fatal(err)
	}
	// The first vote ends with the first candidate.
	begin := slices.Index(rec.names, "before LastVoteCand") + 1
	if begin == 0 || len(rec.names)-begin < 4 {
		t.Fatalf("raft's writes were %q", rec.names)
	}
	for i := begin; i < len(rec.names); i++ {
		if err := os.WriteFile(rec.path, rec.left[i], 0o600); err != nil {
			t.Fatal(err)
		}
		s := reopen(t, o)
		ask, stop := voter(t, s, s)
		if ask(3, "n2", 1) {
			t.Errorf("crashed %s: the vote of term 3 goes to n2, which is behind", rec.names[i])
		}
		stop()
		s.Close()
	}
}

// TestVoteTermEmptiesTheCandidate covers the moment between SetUint64's own two writes: either half alone is harmless.
func TestVoteTermEmptiesTheCandidate(t *testing.T) {
	s := create1(t, options(t))
	if err := errors.Join(s.SetUint64(voteTermKey, 2), s.Set(voteCandidateKey, []byte("n2")), s.SetUint64(voteTermKey, 3)); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Get(voteCandidateKey); err != nil || v == nil || len(v) != 0 {
		t.Errorf("candidate %q, %v beside a new term; raft needs it empty, not missing", v, err)
	}
	if term, err := s.GetUint64(voteTermKey); err != nil || term != 3 {
		t.Errorf("term %d, %v", term, err)
	}
}
