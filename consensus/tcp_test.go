package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
	"polso/consensus/wire"
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
	boot    time.Time
	profile Profile
	addrs   map[raft.ServerID]raft.ServerAddress
	kept    map[string]net.Listener // the ports of nodes that did not run yet
	ways    map[string][]string     // where the paths to a node begin; nil: it is dialled itself

	mu    sync.Mutex // guards below
	nodes map[string]*real
}

// newRealCluster finds a place for three nodes on the loopback.
func newRealCluster(t *testing.T, p Profile) (c *realCluster, disks map[string]*disk, conf raft.Configuration) {
	t.Helper()
	c = &realCluster{boot: time.Now(), profile: p, addrs: map[raft.ServerID]raft.ServerAddress{}, kept: map[string]net.Listener{}, nodes: map[string]*real{}}
	disks = map[string]*disk{}
	for _, id := range []string{"a", "b", "c"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.addrs[raft.ServerID(id)], c.kept[id] = raft.ServerAddress(l.Addr().String()), l
		disks[id] = &disk{InmemStore: raft.NewInmemStore()}
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	return c, disks, conf
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
	p := c.profile
	l := c.kept[id]
	delete(c.kept, id)
	if l == nil { // it runs once more
		var err error
		if l, err = net.Listen("tcp", string(c.addrs[raft.ServerID(id)])); err != nil {
			t.Fatal(err)
		}
	}
	var trans raft.Transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: tcpLayer{l, c}, MaxPool: 3, Timeout: p.RPCTimeout, Logger: NewRaftLogger(nil),
	})
	if c.ways != nil {
		trans = wire.NewPaths(trans, wire.PathsOptions{Addresses: func(id string) []string { return c.ways[id] }, Patience: p.PathPatience()})
	}
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
	var err error
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
type tcpLayer struct {
	net.Listener
	c *realCluster
}

func (l tcpLayer) Dial(a raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, path := wire.SplitPath(a)
	if path == "" {
		path = string(l.c.addrs[raft.ServerID(id)])
	}
	return net.DialTimeout("tcp", path, timeout)
}

// Addr is what raft knows the node by.
func (l tcpLayer) Addr() net.Addr {
	for id, a := range l.c.addrs {
		if string(a) == l.Listener.Addr().String() {
			return name(id)
		}
	}
	return l.Listener.Addr()
}

// name is a node's ID in the place of an address.
type name string

func (name) Network() string  { return "test" }
func (n name) String() string { return string(n) }

// TestOverTCP runs raft's own network transport, fast path and pipelines included, in real time: election, killing the
// leader, its return, a transfer, and a proposal on each node.
func TestOverTCP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of real time")
	}
	c, disks, conf := newRealCluster(t, lan(t))
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

// TestPathCutOverTCP runs two paths between the nodes through relays that swallow what they are given, as a network does that
// is cut somewhere in the middle: no reset, only silence. The one in use, then the other: nobody else is elected.
func TestPathCutOverTCP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of real time")
	}
	p, err := ParseProfile("vm") // a busy machine is no cut
	if err != nil {
		t.Fatal(err)
	}
	c, disks, conf := newRealCluster(t, p)
	paths := [2][]*relay{}
	c.ways = map[string][]string{}
	for id, at := range c.addrs {
		for i := range paths {
			r := newRelay(t, string(at))
			paths[i] = append(paths[i], r)
			c.ways[string(id)] = append(c.ways[string(id)], r.Addr().String())
		}
	}
	for id := range disks {
		c.start(t, id, disks[id], &conf)
	}
	l := c.leader(t, 20*time.Second)
	before := l.node.Role()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var slowest time.Duration
	writes := 0
	write := func(d time.Duration) {
		t.Helper()
		for began := time.Now(); time.Since(began) < d; <-time.After(5 * time.Millisecond) {
			at := time.Now()
			if _, err := l.node.Receive(ctx, []byte("w")); err != nil {
				t.Fatalf("write: %v", err)
			}
			writes++
			slowest = max(slowest, time.Since(at))
			if now := l.node.Role(); !now.Leader || now.Epoch != before.Epoch || now.Term != before.Term {
				t.Fatalf("role %+v, was %+v", now, before)
			}
		}
	}
	write(time.Second)
	for _, path := range paths {
		for _, r := range path {
			r.part()
		}
		write(3 * time.Second)
		for _, r := range path {
			r.join()
		}
		write(3 * time.Second) // old connections end, new ones are made
	}
	t.Logf("%d writes, the slowest took %v (H %v)", writes, slowest, p.H)
	for _, id := range []string{"a", "b", "c"} {
		c.kill(c.nodes[id])
	}
}
