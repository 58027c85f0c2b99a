package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"polso/consensus/trust"
)

// ErrUnreachable means no connection to the node could be had: nothing was sent, trying again does no harm.
var ErrUnreachable = errors.New("unreachable")

// DialerOptions says where nodes are. A zero duration stands for its default.
type DialerOptions struct {
	Membership *trust.Membership // required
	// Addresses tells where the node listens, best first (WithPort completes each). It is called at every Dial and must
	// not block. Required.
	Addresses func(id string) []string

	Timeout time.Duration // for one Dial, all addresses and the handshake together, where ctx ends no earlier; default 3 s
	Stagger time.Duration // head start of an address before the next is tried beside it; default 100 ms, at most an equal share of half the time
}

// Answer is how a node took this one the last time that it was dialled.
type Answer uint8

// The answers.
const (
	Unasked Answer = iota // it was not dialled yet, or has not said a word
	Silent                // no connection could be had
	Accepts               // it has spoken
	Refuses               // it does not accept this node's certificate: to it this node is no member
	Newer                 // it says that it is of a later generation of the cluster (trust.ErrNewer)
)

// Dialer makes connections to members by their ID. It is safe for concurrent use.
type Dialer struct {
	options DialerOptions
	members registry

	mu      sync.Mutex        // guards below
	last    map[string]string // node to the address that worked last
	answers map[string]Answer
}

// NewDialer builds a Dialer.
func NewDialer(o DialerOptions) *Dialer {
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Stagger == 0 {
		o.Stagger = 100 * time.Millisecond
	}
	return &Dialer{options: o, last: make(map[string]string), answers: make(map[string]Answer)}
}

// Dial connects to the node with this ID and leaves the connection to nobody else: the certificate at the other end is
// that node's. The address that worked last goes first; a dead one costs a Stagger, not a timeout. Errors are
// ErrUnreachable, with the reason for each address. ctx bounds the dialling only, not the connection.
func (d *Dialer) Dial(ctx context.Context, id string, p trust.Protocol) (net.Conn, error) {
	addrs := d.addresses(id)
	if len(addrs) == 0 {
		return nil, fmt.Errorf("node %s: %w: no address of it is known", id, ErrUnreachable)
	}
	r, err := d.reach(ctx, id, p, addrs)
	switch {
	case err == nil:
	case errors.Is(err, trust.ErrNewer):
		d.note(id, Newer)
		return nil, err
	case errors.Is(err, trust.ErrRemoved):
		return nil, err
	default:
		d.note(id, Silent)
		return nil, err
	}
	c, err := d.keep(id, r)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.last[id] = r.address
	d.mu.Unlock()
	return c, nil
}

// DialAt is Dial at one address and no other. That it is silent says nothing of the node, which may be heard at another.
func (d *Dialer) DialAt(ctx context.Context, id, address string, p trust.Protocol) (net.Conn, error) {
	if full, err := WithPort(address); err == nil {
		address = full
	} // else the dial itself says what is wrong with it
	r, err := d.reach(ctx, id, p, []string{address})
	if err != nil {
		return nil, err
	}
	c, err := d.keep(id, r)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// reached is a connection to where a node was found.
type reached struct {
	*tls.Conn
	protocol trust.Protocol
	address  string
	proof    uint64 // what this node proved itself with: Membership.Proof
}

// reach connects to the first of the addresses that answers.
func (d *Dialer) reach(ctx context.Context, id string, p trust.Protocol, addrs []string) (reached, error) {
	if d.options.Membership.Removed(id) {
		return reached{}, fmt.Errorf("node %s: %w: %w", id, ErrUnreachable, trust.ErrRemoved)
	}
	ctx, cancel := context.WithTimeout(ctx, d.options.Timeout)
	defer cancel()
	proof := d.options.Membership.Proof() // before the certificate is taken: a connection may look older than it is, never newer
	t, address, err := race(ctx, addrs, d.options.Stagger, d.options.Membership.ClientTLS(p, id))
	if err != nil {
		return reached{}, fmt.Errorf("node %s: %w: %w", id, ErrUnreachable, err)
	}
	return reached{t, p, address, proof}, nil
}

// keep takes a connection to the node in.
func (d *Dialer) keep(id string, t reached) (*conn, error) {
	peer, err := d.options.Membership.Identify(t.ConnectionState())
	if err != nil {
		t.NetConn().Close()
		return nil, fmt.Errorf("node %s: %w: %w", id, ErrUnreachable, err)
	}
	c := &conn{Conn: t.Conn, raw: t.NetConn(), peer: peer, protocol: t.protocol, self: d.options.Membership, proof: t.proof, answered: func(a Answer) { d.note(id, a) }}
	c.closed = func() { d.members.drop(c) }
	if !d.members.add(c, 0) {
		c.raw.Close()
		return nil, fmt.Errorf("node %s: %w: %w", id, ErrUnreachable, net.ErrClosed)
	}
	// It may have been removed, or its CA dropped, and its connections cut, just before the line above.
	if _, err := d.options.Membership.Identify(t.ConnectionState()); err != nil {
		c.cut()
		return nil, fmt.Errorf("node %s: %w: %w", id, ErrUnreachable, err)
	}
	return c, nil
}

func (d *Dialer) note(id string, a Answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[id] = a
}

// Answer tells how the node took this one last. It never blocks.
func (d *Dialer) Answer(id string) Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answers[id]
}

// addresses returns where to look for the node, the one that worked last first.
func (d *Dialer) addresses(id string) []string {
	known := d.options.Addresses(id)
	d.mu.Lock()
	last := d.last[id]
	d.mu.Unlock()
	addrs := make([]string, 0, len(known))
	for _, a := range known {
		if full, err := WithPort(a); err == nil {
			a = full
		} // else the dial itself says what is wrong with it
		if a == last {
			addrs = append([]string{a}, addrs...)
		} else {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// CloseNode cuts the connections that were dialled to the node.
func (d *Dialer) CloseNode(id string) {
	d.members.cutNode(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.last, id)
}

// RenewNode cuts the connections for raft that were dialled to the node before the Membership's last Renew; raft dials anew.
func (d *Dialer) RenewNode(id string) { d.members.renewNode(id) }

// Outdated counts the connections to the node that were dialled before the Membership's last Renew.
func (d *Dialer) Outdated(id string) int { return d.members.outdated(id) }

// Recheck cuts the connections to nodes that the Membership believes no longer.
func (d *Dialer) Recheck() { d.members.recheck() }

// Close cuts every connection; further dials fail.
func (d *Dialer) Close() { d.members.close() }

// race connects to the addresses, each started one stagger after the one before or as soon as that has failed. The first
// to end its handshake wins, the others are closed. In the handshake the other end proves itself, so an address where
// somebody else answers loses.
func race(ctx context.Context, addrs []string, stagger time.Duration, config *tls.Config) (*tls.Conn, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		stagger = min(stagger, time.Until(deadline)/time.Duration(2*len(addrs)))
	}
	type result struct {
		conn    *tls.Conn
		address string
		err     error
	}
	results := make(chan result)
	start := func(address string) {
		c, err := connect(ctx, address, config)
		if err != nil {
			err = fmt.Errorf("%s: %w", address, err)
		}
		select {
		case results <- result{c, address, err}:
		case <-ctx.Done(): // somebody else won, or nobody waits any more
			if c != nil {
				c.NetConn().Close()
			}
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var errs []error
	started := 0
	for {
		select {
		case <-timer.C:
			if started < len(addrs) {
				go start(addrs[started])
				started++
				timer.Reset(stagger)
			}
		case r := <-results:
			if r.err == nil {
				return r.conn, r.address, nil
			}
			errs = append(errs, r.err)
			if len(errs) == len(addrs) {
				return nil, "", errors.Join(errs...)
			}
			timer.Reset(0)
		case <-ctx.Done():
			return nil, "", errors.Join(append(errs, ctx.Err())...)
		}
	}
}

// connect is one attempt: TCP and the handshake.
func connect(ctx context.Context, address string, config *tls.Config) (*tls.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	raw, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := setUserTimeout(raw); err != nil {
		raw.Close()
		return nil, err
	}
	t := tls.Client(raw, config)
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return t, nil
}
