package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
	"polso/consensus/wire"
)

// member is one router of a test's cluster: what survives its process, and the process if there is one.
type member struct {
	id    string
	disk  *disk
	snaps raft.SnapshotStore
	busy  time.Duration    // its next process's words.busy
	alter func(o *Options) // changes its next process's; nil: nothing

	node *Node
	fsm  *words
	end  *endpoint
	stop context.CancelFunc
	done chan error

	mu       sync.Mutex    // guards below
	frozen   bool          // the process does not run: it cannot let go of anything
	up       lease.Instant // the kernel answers until then
	last     lease.Instant // until when it did last
	gone     uint64        // the moment at which it let go last
	epoch    uint64
	stuck    error      // what Released answers
	hold     chan error // the next Released waits for its answer here; nil: it does not
	takeups  int
	released int
}

type cluster struct {
	t       testing.TB
	net     *network
	profile Profile
	boot    time.Time
	off     []string      // guards of the ledger that are switched off
	spoilt  bool          // the run is to show two holders
	ways    []string      // paths between any two; nil: one, without a name
	hedge   time.Duration // wire.PathsOptions.Patience
	moments atomic.Uint64 // the order of what happens within one instant

	mu       sync.Mutex // guards below
	members  []*member  // written by the test's own goroutine only
	fittest  string     // the others stand later; "": all alike
	overlaps []string
	states   []string // two believers by raft's own state
	margins  margins
	checking chan struct{}

	byState bool           // who leads by raft's own state holds
	acked   []string       // the test's own goroutine: what Propose confirmed
	faults  map[string]int // and what it did to the cluster
}

// newCluster starts ids as one cluster, all of them voters, inside a bubble.
func newCluster(t testing.TB, p Profile, ids ...string) *cluster {
	return blankCluster(t, p).form(ids...)
}

func blankCluster(t testing.TB, p Profile) *cluster {
	return &cluster{t: t, net: newNetwork(p.RPCTimeout), profile: p, boot: time.Now(), checking: make(chan struct{}), faults: map[string]int{}}
}

// form starts ids as the cluster.
func (c *cluster) form(ids ...string) *cluster {
	conf := raft.Configuration{}
	for _, id := range ids {
		conf.Servers = append(conf.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	for _, id := range ids {
		m := c.blank(id)
		o := c.options(m)
		if err := raft.BootstrapCluster(o.raftConfig(), o.Logs, o.Stable, o.Snapshots, o.Transport, conf); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, m := range c.members {
		c.start(m)
	}
	go c.check()
	return c
}

func (c *cluster) blank(id string) *member {
	m := &member{id: id, disk: &disk{InmemStore: raft.NewInmemStore()}, snaps: raft.NewInmemSnapshotStore()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = append(slices.Clone(c.members), m)
	return m
}

// everyone is the members for other goroutines than the test's own.
func (c *cluster) everyone() []*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members
}

func (c *cluster) clock() lease.Instant {
	return lease.Instant(time.Since(c.boot)) + lease.Instant(time.Hour)
}

func (c *cluster) member(id string) *member {
	for _, m := range c.everyone() {
		if m.id == id {
			return m
		}
	}
	panic("no member " + id)
}

func (c *cluster) options(m *member) Options {
	m.mu.Lock()
	m.fsm, m.end = &words{busy: m.busy}, c.net.endpoint(m.id)
	m.mu.Unlock()
	o := Options{
		ID: m.id, Profile: c.profile, FSM: m.fsm, Transport: m.end, Logs: m.disk, Stable: m.disk, Snapshots: m.snaps,
		Clock: c.clock, Peers: peers{c, m.id},
		Lead: func(t Taking) []byte { b, _ := json.Marshal(t); return b },
		Released: func(context.Context) error {
			m.mu.Lock()
			hold := m.hold
			m.hold = nil
			m.mu.Unlock()
			if hold != nil {
				return <-hold
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.stuck == nil {
				m.letGo(c.clock())
				m.gone = c.moments.Add(1)
				m.released++
			}
			return m.stuck
		},
	}
	o.Fit = func() time.Duration {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.fittest == "" || c.fittest == m.id {
			return 0
		}
		return c.profile.H / 4
	}
	if c.ways != nil {
		o.Transport = wire.NewPaths(m.end, wire.PathsOptions{Addresses: func(string) []string { return c.ways }, Patience: c.hedge})
	}
	if m.alter != nil {
		m.alter(&o)
	}
	if os.Getenv("POLSO_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", m.id)
	}
	return o
}

// start begins a process on m.
func (c *cluster) start(m *member) {
	o := c.options(m)
	n, err := Open(o)
	if err != nil {
		c.t.Fatal(err)
	}
	switchOff(n.ledger, c.off)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	m.mu.Lock()
	m.node, m.stop, m.done = n, cancel, done
	m.mu.Unlock()
	go func() { done <- n.Run(ctx) }()
}

// kill ends m's process without its doing anything more; the addresses stay in the kernel until their end.
func (c *cluster) kill(m *member) {
	m.mu.Lock()
	m.stuck = errors.New("killed")
	m.mu.Unlock()
	m.end.die()
	// raft would leave a transfer unanswered that waits behind a hanging write.
	m.disk.wait(&m.disk.logsUntil)
	m.disk.wait(&m.disk.votesUntil)
	time.Sleep(time.Millisecond)
	gone := m.node.raft.Shutdown()
	m.stop()
	<-m.done
	if err := gone.Error(); err != nil {
		c.t.Error(err)
	}
	m.mu.Lock()
	m.stuck, m.node = nil, nil
	m.mu.Unlock()
}

// retire makes an orderly stop of m's process.
func (m *member) retire() error {
	m.stop()
	err := <-m.done
	m.mu.Lock()
	defer m.mu.Unlock()
	m.node = nil
	return err
}

// process is m's node for other goroutines than the test's own, nil if it is down.
func (m *member) process() *Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.node
}

// close ends every process.
func (c *cluster) close() {
	close(c.checking)
	c.net.heal()
	for _, m := range c.members {
		if m.node != nil {
			c.kill(m)
		}
	}
	time.Sleep(time.Minute) // virtual: what was under way ends
	synctest.Wait()
}

// until waits for a condition in virtual time and fails after limit.
func (c *cluster) until(what string, limit time.Duration, cond func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for !cond() {
		if time.Since(began) > limit {
			c.t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
	}
	return time.Since(began)
}

// leader waits for a member whose Role says leader.
func (c *cluster) leader() *member {
	c.t.Helper()
	var l *member
	c.until("a leader", 20*c.profile.H, func() bool { l = c.holder(); return l != nil })
	return l
}

func (c *cluster) holder() *member {
	for _, m := range c.members {
		if m.node != nil && m.node.Role().Leader {
			return m
		}
	}
	return nil
}

func (c *cluster) others(l *member) []*member {
	return slices.DeleteFunc(slices.Clone(c.members), func(m *member) bool { return m == l || m.node == nil })
}

func lan(t testing.TB) Profile {
	p, err := ParseProfile("lan")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
