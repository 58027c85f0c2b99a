package wire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// pathsTo is r1's raft transport to a node r2 with those addresses, and what r2 is asked.
func pathsTo(t *testing.T, g *group, o PathsOptions, r1, r2 *node) (*Paths, <-chan raft.RPC) {
	t.Helper()
	t1 := raft.NewNetworkTransport(NewStreamLayer("r1", r1.Listener, r1.Dialer), 3, 10*time.Second, io.Discard)
	t.Cleanup(func() { t1.Close() })
	t2 := raft.NewNetworkTransport(NewStreamLayer("r2", r2.Listener, r2.Dialer), 3, 10*time.Second, io.Discard)
	t.Cleanup(func() { t2.Close() })
	t2.SetHeartbeatHandler(func(rpc raft.RPC) { rpc.Respond(&raft.AppendEntriesResponse{Term: 7, Success: true}, nil) })
	o.Addresses = g.where
	return NewPaths(t1, o), t2.Consumer()
}

func beat(t *testing.T, p *Paths) (took time.Duration) {
	t.Helper()
	began := time.Now()
	var answer raft.AppendEntriesResponse
	req := &raft.AppendEntriesRequest{Term: 7, RPCHeader: raft.RPCHeader{Addr: []byte("r1")}}
	if err := p.AppendEntries("r2", "r2", req, &answer); err != nil || !answer.Success {
		t.Fatalf("heartbeat: %+v, %v", answer, err)
	}
	return time.Since(began)
}

// TestDeadPath: one of two addresses accepts and says nothing. The first request costs the patience, later ones nothing; the
// dead path is known as one, and tried again.
func TestDeadPath(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	dead, live := newSilent(t).Addr().String(), r2.Addrs()[0].String()
	g.place("r2", dead, live)
	var log lines
	const patience = 2 * time.Second // no pause of a busy machine
	// The first heartbeat would go over both paths, so the other one counts as just tried.
	p, _ := pathsTo(t, g, PathsOptions{Patience: patience, Probe: time.Hour, Log: log.logger()}, r1, r2)
	p.ways("r2")[1].tried = time.Now()
	if took := beat(t, p); took < patience {
		t.Errorf("over the dead path first: answered after %v", took)
	}
	for range 10 {
		if took := beat(t, p); took >= patience {
			t.Errorf("answered after %v: the dead path is still the first", took)
		}
	}
	if got := p.States("r2"); len(got) != 2 || got[0] != (PathState{dead, Silent}) || got[1] != (PathState{live, Accepts}) {
		t.Errorf("paths %+v", got)
	}
	if said := log.String(); strings.Count(said, "a path is silent") != 1 || !strings.Contains(said, dead) {
		t.Errorf("the log says %q", said)
	}
	g.place("r2", live)
	if got := p.States("r2"); got != nil {
		t.Errorf("with one address: paths %+v", got)
	}
	beat(t, p)
}

// TestProbe: heartbeats keep both paths known, and see one come back.
func TestProbe(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	live := r2.Addrs()[0].String()
	gone := "127.0.0.1:1" // nobody listens
	g.place("r2", live, gone)
	p, _ := pathsTo(t, g, PathsOptions{Patience: time.Second, Probe: 20 * time.Millisecond}, r1, r2)
	until := func(want Answer) {
		t.Helper()
		for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
			beat(t, p)
			if got := p.States("r2"); got[0].Answer == Accepts && got[1].Answer == want {
				return
			}
		}
		t.Fatalf("paths %+v, want %v of the second", p.States("r2"), want)
	}
	until(Silent)
	back := NewListener(ListenerOptions{Membership: r2.membership})
	if err := back.Listen(t.Context(), "127.0.0.2:0"); err != nil {
		t.Fatal(err)
	}
	background(t, back.Run)
	t3 := raft.NewNetworkTransport(NewStreamLayer("r2", back, r2.Dialer), 3, time.Second, io.Discard)
	defer t3.Close()
	t3.SetHeartbeatHandler(func(rpc raft.RPC) { rpc.Respond(&raft.AppendEntriesResponse{Term: 7, Success: true}, nil) })
	g.place("r2", live, back.Addrs()[0].String())
	until(Accepts)
}

// TestSlowAnswer: entries that take long to write are sent once for a good while if their path carries heartbeats, then over the
// other path too, and there is no pipeline.
func TestSlowAnswer(t *testing.T) {
	const patience = time.Second // three quarters of it may pass beside the beats
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	g.place("r2", r2.Addrs()[0].String(), newSilent(t).Addr().String())
	p, asked := pathsTo(t, g, PathsOptions{Patience: patience, Probe: time.Hour}, r1, r2)
	beat(t, p)
	if _, err := p.AppendEntriesPipeline("r2", "r2"); !errors.Is(err, raft.ErrPipelineReplicationNotSupported) {
		t.Errorf("pipeline over two paths: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		var answer raft.AppendEntriesResponse
		done <- p.AppendEntries("r2", "r2", &raft.AppendEntriesRequest{Term: 7, PrevLogEntry: 4, RPCHeader: raft.RPCHeader{Addr: []byte("r1")}}, &answer)
	}()
	rpc := <-asked
	beats := func(d time.Duration) (onOther int) {
		t.Helper()
		for began := time.Now(); time.Since(began) < d; time.Sleep(10 * time.Millisecond) {
			beat(t, p)
		}
		select {
		case second := <-asked:
			t.Errorf("sent twice over one path: %+v", second.Command)
		default:
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.nodes["r2"][1].waiting
	}
	if got := beats(5 * patience / 4); got > 1 { // one is the first heartbeat's copy
		t.Errorf("%d requests on the path that is not needed", got)
	}
	if got := beats(3 * patience / 2); got != 2 {
		t.Errorf("%d requests on the other path, want the heartbeat's copy and the entries that are not answered", got)
	}
	rpc.Respond(&raft.AppendEntriesResponse{Term: 7, Success: true}, nil)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestGivesUpHeartbeats: a heartbeat that no path answers makes room for the next one, long before the transport beneath does.
func TestGivesUpHeartbeats(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	g.place("r2", newSilent(t).Addr().String(), newSilent(t).Addr().String())
	p, _ := pathsTo(t, g, PathsOptions{Patience: 100 * time.Millisecond}, r1, r2)
	began := time.Now()
	err := p.AppendEntries("r2", "r2", &raft.AppendEntriesRequest{Term: 7}, new(raft.AppendEntriesResponse))
	if took := time.Since(began); !errors.Is(err, errSilent) || took > 5*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	for _, s := range p.States("r2") {
		if s.Answer == Accepts {
			t.Errorf("%s counts as up", s.Address)
		}
	}
	r1.Dialer.Close() // what is under way ends
}
