package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"polso/consensus/trust"
)

// ListenerOptions says whom a Listener lets in. A zero limit stands for its default.
type ListenerOptions struct {
	Membership *trust.Membership // required

	Handshake  time.Duration // from accepting a connection to handing it on; default 5 s
	PerAddress int           // unproven connections (in their handshake, or joining) of one IP address; default 32
	Unproven   int           // unproven connections altogether; default 256
	PerMember  int           // open connections of one member; default 64

	Log *slog.Logger // nil: silence
}

// Listener is the cluster's port, on one or several addresses. Listen opens the sockets, Run serves them.
type Listener struct {
	options ListenerOptions
	tls     *tls.Config
	gate    gate
	members registry
	queues  map[trust.Protocol]*queue
	log     *slog.Logger
	noise   *rate.Limiter // of log lines that anybody on the network can provoke

	mu      sync.Mutex // guards below
	sockets []net.Listener
	closed  bool
}

// NewListener builds a Listener; it opens nothing.
func NewListener(o ListenerOptions) *Listener {
	if o.Handshake == 0 {
		o.Handshake = 5 * time.Second
	}
	if o.PerAddress == 0 {
		o.PerAddress = 32
	}
	if o.Unproven == 0 {
		o.Unproven = 256
	}
	if o.PerMember == 0 {
		o.PerMember = 64
	}
	l := &Listener{
		options: o,
		tls:     o.Membership.ServerTLS(),
		gate:    gate{perAddress: o.PerAddress, total: o.Unproven},
		log:     logger(o.Log),
		noise:   rate.NewLimiter(rate.Every(10*time.Second), 5),
	}
	l.queues = map[trust.Protocol]*queue{
		trust.Raft: newQueue(l.addr),
		trust.Peer: newQueue(l.addr),
		trust.Join: newQueue(l.addr),
	}
	return l
}

// Listen opens the port on each of the addresses (WithPort completes them), or on none: the error names the first that
// could not be had, why, and what to do. Call it once, before Run.
func (l *Listener) Listen(ctx context.Context, addrs ...string) error {
	if len(addrs) == 0 {
		return errors.New("listen: no address given")
	}
	var full []string
	for _, a := range addrs {
		address, err := WithPort(a)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		full = append(full, address)
	}
	sockets, err := Sockets(ctx, "--listen", full...)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sockets = append(l.sockets, sockets...)
	return nil
}

// Sockets listens on each of the addresses, which name their ports, or on none: the error names the first that could not be had, why, and
// what to do; flag is the option of the command line that chooses another.
func Sockets(ctx context.Context, flag string, addrs ...string) (sockets []net.Listener, err error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	var seen []string
	for _, address := range addrs {
		if slices.Contains(seen, address) {
			continue
		}
		seen = append(seen, address)
		s, err := config.Listen(ctx, network(address), address)
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
			return nil, explain(address, flag, err)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// explain turns the kernel's word about a listening address into a sentence with the next step.
func explain(address, flag string, err error) error {
	host, port, split := net.SplitHostPort(address)
	if split != nil {
		return err
	}
	if host == "" {
		host = "every address"
	}
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("port %s is already in use by another process on %s; `ss -ltnp 'sport = :%s'` shows which, %s chooses another port: %w", port, host, port, flag, err)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this node; `ip -brief address` shows which are: %w", host, err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("port %s needs privileges; run as root or choose a port above 1023 with %s: %w", port, flag, err)
	default:
		return err
	}
}

// Addrs returns the addresses that Listen opened, in its order.
func (l *Listener) Addrs() []net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	var addrs []net.Addr
	for _, s := range l.sockets {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

func (l *Listener) addr() net.Addr {
	if addrs := l.Addrs(); len(addrs) > 0 {
		return addrs[0]
	}
	return &net.TCPAddr{}
}

// Raft returns the listener of raft's connections, each of a member. Closing it refuses that protocol only.
func (l *Listener) Raft() net.Listener { return l.queues[trust.Raft] }

// Peer returns the listener of the members' HTTP connections.
func (l *Listener) Peer() net.Listener { return l.queues[trust.Peer] }

// Join returns the listener of joining nodes' HTTP connections. Who they are is not known; the token's secret decides.
func (l *Listener) Join() net.Listener { return l.queues[trust.Join] }

// CloseNode cuts the node's connections. Call it after Membership's removed func has begun to name the node: a handshake
// that is under way meanwhile is then refused at its end.
func (l *Listener) CloseNode(id string) { l.members.cutNode(id) }

// RenewNode cuts the connections for raft that the node dialled before the Membership's last Renew; its raft dials anew. Those for
// HTTP end by themselves, each after the answer under way or the next.
func (l *Listener) RenewNode(id string) { l.members.renewNode(id) }

// Recheck cuts the connections of nodes that the Membership believes no longer. Call it after Renew: a handshake that is under way
// meanwhile is refused at its end.
func (l *Listener) Recheck() { l.members.recheck() }

// Close shuts the port with all its connections; for an end without Run, which does it itself.
func (l *Listener) Close() {
	l.mu.Lock()
	l.closed = true
	sockets := l.sockets
	l.mu.Unlock()
	for _, s := range sockets {
		s.Close()
	}
	for _, q := range l.queues {
		q.Close()
	}
	l.gate.close()
	l.members.close()
}

func (l *Listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Run accepts connections until ctx ends, then closes the port and every connection of it, and returns nil once all its
// goroutines have gone. An error means that a socket failed for good.
func (l *Listener) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	l.mu.Lock()
	sockets := slices.Clone(l.sockets)
	l.mu.Unlock()
	for _, s := range sockets {
		g.Go(func() error { return l.accept(ctx, s) })
	}
	g.Go(func() error {
		<-ctx.Done()
		l.Close()
		return nil
	})
	return g.Wait()
}

func (l *Listener) accept(ctx context.Context, s net.Listener) error {
	var visits sync.WaitGroup
	defer visits.Wait()
	for {
		raw, err := s.Accept()
		switch {
		case err == nil:
			v := l.gate.enter(raw) // here, so that the order of coming is the order of age
			if v == nil {
				raw.Close()
				l.refused(raw, errors.New("too many connections from this address"))
				continue
			}
			visits.Go(func() { l.visit(ctx, raw, v) })
		case l.isClosed() || ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("port %s: %w", s.Addr(), err)
		default:
			// Too many open files, a connection reset before it was accepted: it passes.
			l.log.Warn("accepting failed", "address", s.Addr().String(), "err", err)
			pause := time.NewTimer(100 * time.Millisecond)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
		}
	}
}

// visit takes one connection through its handshake to the queue of its protocol.
func (l *Listener) visit(ctx context.Context, raw net.Conn, v *visitor) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Handshake)
	defer cancel()
	c, err := l.shake(ctx, raw, v)
	if err != nil {
		l.gate.leave(v)
		raw.Close()
		l.refused(raw, err)
		return
	}
	protocol := trust.Protocol(c.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol)
	if !l.queues[protocol].deliver(ctx, c) {
		c.cut()
	}
}

// shake does the handshake and registers the connection under whom it turned out to be.
func (l *Listener) shake(ctx context.Context, raw net.Conn, v *visitor) (*conn, error) {
	if err := setUserTimeout(raw); err != nil {
		return nil, err
	}
	proof := l.options.Membership.Proof()
	t := tls.Server(raw, l.tls)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	state := t.ConnectionState()
	c := &conn{Conn: t, raw: raw, protocol: trust.Protocol(state.NegotiatedProtocol), self: l.options.Membership, proof: proof}
	if c.protocol == trust.Join {
		c.closed = func() { l.gate.leave(v) } // it stays unproven as long as it lives
		return c, nil
	}
	peer, err := l.options.Membership.Identify(state)
	if err != nil {
		return nil, err
	}
	c.peer = peer
	c.closed = func() { l.members.drop(c) }
	if !l.members.add(c, l.options.PerMember) {
		return nil, fmt.Errorf("node %s has too many connections", peer.Node)
	}
	// It may have been removed, or its CA dropped, and its connections cut, between the check and the line above.
	if _, err := l.options.Membership.Identify(state); err != nil {
		c.cut()
		return nil, err
	}
	l.gate.leave(v)
	return c, nil
}

func (l *Listener) refused(raw net.Conn, err error) {
	if l.isClosed() || !l.noise.Allow() {
		return
	}
	l.log.Warn("connection refused", "remote", raw.RemoteAddr().String(), "err", err)
}

func logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
