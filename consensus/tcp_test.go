package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// real is a node over TCP on the loopback.
type real struct {
	id   string
	node *Node
	fsm  *words
	stop context.CancelFunc
	done chan error
}

// realCluster is the nodes' address book and their peers in one.
type realCluster struct {
	boot  time.Time
	addrs map[raft.ServerID]raft.ServerAddress

	mu    sync.Mutex // guards below
	nodes map[string]*real
}

func (c *realCluster) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	if a, ok := c.addrs[id]; ok {
		return a, nil
	}
	return "", fmt.Errorf("%s: no address", id)
}

func (c *realCluster) clock() lease.Instant { return lease.Instant(time.Since(c.boot)) }

func (c *realCluster) get(id string) *Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.nodes[id]; r != nil {
		return r.node
	}
	return nil
}

type realPeers struct {
	*realCluster
	from string
}

func (p realPeers) Forward(ctx context.Context, id string, data []byte) ([]byte, error) {
	if n := p.get(id); n != nil {
		return n.Receive(ctx, data)
	}
	return nil, errors.New("connection refused")
}

func (p realPeers) Arm(_ context.Context, id string, term uint64) error {
	if n := p.get(id); n != nil {
		return n.ArmFor(p.from, term)
	}
	return errors.New("connection refused")
}

func (c *realCluster) start(t *testing.T, id string, disk *disk, conf *raft.Configuration) *real {
	t.Helper()
	p := lan(t)
	l, err := net.Listen("tcp", string(c.addrs[raft.ServerID(id)]))
	if err != nil {
		t.Fatal(err)
	}
	trans := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: tcpLayer{l}, MaxPool: 3, Timeout: p.RPCTimeout, ServerAddressProvider: c, Logger: NewRaftLogger(nil),
	})
	r := &real{id: id, fsm: &words{}, done: make(chan error, 1)}
	o := Options{
		ID: id, Profile: p, FSM: r.fsm, Transport: trans, Logs: disk, Stable: disk, Snapshots: raft.NewInmemSnapshotStore(),
		Clock: c.clock, Peers: realPeers{c, id}, Lead: func(t Taking) []byte { b, _ := json.Marshal(t); return b },
	}
	if conf != nil {
		if err := raft.BootstrapCluster(o.raftConfig(), o.Logs, o.Stable, o.Snapshots, trans, *conf); err != nil {
			t.Fatal(err)
		}
	}
	if r.node, err = Open(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.done <- r.node.Run(ctx) }()
	c.mu.Lock()
	c.nodes[id] = r
	c.mu.Unlock()
	return r
}

// kill ends a node as if its process had died: nothing is handed over.
func (c *realCluster) kill(r *real) {
	c.mu.Lock()
	delete(c.nodes, r.id)
	c.mu.Unlock()
	gone := r.node.raft.Shutdown()
	r.stop()
	<-r.done
	_ = gone.Error()
}

func (c *realCluster) leader(t *testing.T, limit time.Duration) *real {
	t.Helper()
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		c.mu.Lock()
		for _, r := range c.nodes {
			if r.node.Role().Leader {
				c.mu.Unlock()
				return r
			}
		}
		c.mu.Unlock()
		<-time.After(time.Millisecond)
	}
	t.Fatalf("no leader within %v", limit)
	return nil
}

// tcpLayer is a plain TCP stream layer.
type tcpLayer struct{ net.Listener }

func (tcpLayer) Dial(a raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", string(a), timeout)
}

// TestOverTCP runs raft's own network transport, fast path and pipelines included, in real time: election, killing the
// leader, its return, a transfer, and a proposal on each node.
func TestOverTCP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of real time")
	}
	c := &realCluster{boot: time.Now(), addrs: map[raft.ServerID]raft.ServerAddress{}, nodes: map[string]*real{}}
	conf := raft.Configuration{}
	disks := map[string]*disk{}
	for _, id := range []string{"a", "b", "c"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.addrs[raft.ServerID(id)] = raft.ServerAddress(l.Addr().String())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		disks[id] = &disk{InmemStore: raft.NewInmemStore()}
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	for id := range disks {
		c.start(t, id, disks[id], &conf)
	}
	l := c.leader(t, 20*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for id := range disks {
		if _, err := c.get(id).Propose(ctx, []byte("from "+id)); err != nil {
			t.Errorf("propose on %s: %v", id, err)
		}
	}
	began := time.Now()
	c.kill(l)
	n := c.leader(t, 20*time.Second)
	t.Logf("killed the leader: another one holds after %v (H %v)", time.Since(began), lan(t).H)
	back := c.start(t, l.id, disks[l.id], nil)
	var err error
	for range 200 {
		if err = n.node.Transfer(ctx, l.id); err == nil || !errors.Is(err, ErrBehind) {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("transfer to the one that came back: %v", err)
	}
	if got := c.leader(t, 20*time.Second); got != back {
		t.Errorf("%s holds after the transfer, want %s", got.id, back.id)
	}
	if _, err := n.node.Propose(ctx, []byte("afterwards")); err != nil {
		t.Error(err)
	}
	began = time.Now()
	back.stop()
	if err := <-back.done; err != nil {
		t.Error(err)
	}
	c.mu.Lock()
	delete(c.nodes, back.id)
	c.mu.Unlock()
	t.Logf("an orderly stop took %v", time.Since(began))
	c.leader(t, 20*time.Second)
	for _, id := range []string{"a", "b", "c"} {
		c.mu.Lock()
		r := c.nodes[id]
		c.mu.Unlock()
		if r != nil {
			c.kill(r)
		}
	}
}
