package consensus

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// timeoutNow sends m what tells raft to stand for election at once, from l. Nobody waits for the answer.
func (c *cluster) timeoutNow(l, m *member) {
	var resp raft.TimeoutNowResponse
	req := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte(l.id), Addr: []byte(l.id)}}
	_ = l.end.TimeoutNow(raft.ServerID(m.id), raft.ServerAddress(m.id), req, &resp)
}

// TestTimeoutNowOfThePast: a TimeoutNow arrives long after its hand-over was given up and another leader elected. Where it
// arrives it is refused, and the requests for votes that it would cause are as well.
func TestTimeoutNowOfThePast(t *testing.T) {
	directed(t, schedule{off: []string{"offArmedTimeoutNow", "offArmedTerm"}, run: func(c *cluster, l *member) {
		a := c.others(l)[1] // the other stands first
		if err := a.node.ArmFor(l.id, l.node.Role().Term); err != nil {
			c.t.Fatal(err)
		}
		c.net.isolate(l.id)
		c.wait(2)
		c.net.heal()
		c.wait(2)
		now := c.leader()
		if now == a {
			return // it ignores a TimeoutNow
		}
		c.net.part(a.id, now.id)
		c.timeoutNow(l, a)
		c.wait(1)
	}})
}

// TestTimeoutNowUnderANewArming: a TimeoutNow carries no term, and one of an earlier hand-over takes effect under the arming
// of a later one. Whoever has announced a hand-over must never hold again in that term, even if it fails at once. Here
// the product's own steps of a hand-over are gone by hand, as if it took back after the announcement.
func TestTimeoutNowUnderANewArming(t *testing.T) {
	directed(t, schedule{off: []string{"offDeadByArming"}, run: func(c *cluster, l *member) {
		a, n := c.others(l)[0], l.node
		term := n.Role().Term
		if err := n.letGo(c.t.Context(), term); err != nil {
			c.t.Fatal(err)
		}
		n.ledger.Arming(term)
		if err := n.o.Peers.Arm(c.t.Context(), a.id, term); err != nil {
			c.t.Fatal(err)
		}
		n.takeBack(term)
		c.wait(0.3)
		c.net.part(l.id, a.id)
		c.timeoutNow(c.others(l)[1], a) // whoever carries it
		c.wait(1)
	}})
}

// TestSuccessAfterOwnVote: a leader that has let go and stepped down in raft may vote for another, and must not hold again
// when a Success to its own heartbeat arrives after that. Role reads raft's state first and the lease then: the reader
// here is one that was paused in between, before l stepped down, and holds by what the ledger alone says.
func TestSuccessAfterOwnVote(t *testing.T) {
	directed(t, schedule{
		tune: func(p *Profile) { p.LeaderLease = p.H / 5 },
		off:  []string{"offKill"},
		run: func(c *cluster, l *member) {
			a, b, n := c.others(l)[0], c.others(l)[1], l.node
			term := n.Role().Term
			join := a.deafTo(l)
			c.net.part(a.id, b.id)
			c.wait(0.65)
			if err := n.letGo(c.t.Context(), term); err != nil {
				c.t.Fatal(err)
			}
			c.net.hold(b.id, l.id, c.profile.H*35/100)
			voted := make(chan struct{}, 8)
			l.end.mu.Lock()
			l.end.left = func(_, answer any) { // l hears nothing from a as its leader
				if v, ok := answer.(*raft.RequestVoteResponse); ok && v.Granted {
					c.net.cut(a.id, l.id)
					voted <- struct{}{}
				}
			}
			l.end.mu.Unlock()
			select {
			case <-voted:
			case <-time.After(c.profile.H):
			}
			n.takeBack(term)
			join()
			c.net.join(a.id, b.id)
			for range int(c.profile.H / time.Millisecond) {
				if until, ok := n.ledger.Until(term); ok {
					l.mu.Lock()
					l.up = max(l.up, until)
					l.mu.Unlock()
				}
				time.Sleep(time.Millisecond)
			}
		},
	})
}
