package lab

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Flow is one established TCP connection that says something again and again and wants it back: what a change must not cut.
// Its methods may be called by any goroutine.
type Flow struct {
	Server string // who greeted at the other end

	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex // guards below
	last   time.Time
	echoes int
	gap    time.Duration
	lap    time.Duration // the longest silence since Lap was asked
	err    error
}

// StartFlow opens a connection to an echo service from a node, which says something so often. Stop it.
func StartFlow(ctx context.Context, n *Node, to netip.AddrPort, every time.Duration) (*Flow, error) {
	var conn net.Conn
	var err error
	opened := make(chan struct{})
	n.Go(func() {
		defer close(opened)
		d := net.Dialer{Timeout: 5 * time.Second}
		conn, err = d.DialContext(ctx, "tcp", to.String())
	})
	<-opened
	if err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	lines := bufio.NewReader(conn)
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	name, err := lines.ReadString('\n')
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("flow: greeting: %w", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &Flow{Server: strings.TrimSpace(name), stop: stop, done: make(chan struct{}), last: time.Now()}
	go f.run(ctx, conn, lines, every)
	return f, nil
}

func (f *Flow) run(ctx context.Context, conn net.Conn, lines *bufio.Reader, every time.Duration) {
	defer close(f.done)
	defer conn.Close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		if err := f.echo(conn, lines, fmt.Sprintf("%d\n", i)); err != nil {
			f.mu.Lock()
			f.err = fmt.Errorf("flow to %s: after %d echoes: %w", f.Server, f.echoes, err)
			f.mu.Unlock()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// echo is one line there and back. It waits long: a connection that stalls through a takeover is late, not cut.
func (f *Flow) echo(conn net.Conn, lines *bufio.Reader, line string) error {
	if err := conn.SetDeadline(time.Now().Add(patient)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte(line)); err != nil {
		return err
	}
	got, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	if got != line {
		return fmt.Errorf("sent %q, got %q", line, got)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.echoes++
	f.gap, f.lap = max(f.gap, now.Sub(f.last)), max(f.lap, now.Sub(f.last))
	f.last = now
	return nil
}

// Stop closes the connection and returns how many echoes there were, the longest silence, and why it broke, if it did.
func (f *Flow) Stop() (echoes int, gap time.Duration, err error) {
	f.stop()
	<-f.done
	return f.echoes, f.gap, f.err
}

// Alive is nil as long as the connection lives and has said something within the last second.
func (f *Flow) Alive() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && time.Since(f.last) > time.Second {
		return fmt.Errorf("flow to %s: silent for %v", f.Server, time.Since(f.last).Round(time.Millisecond))
	}
	return f.err
}

// Lap is the longest silence since Lap was asked before, the one that still goes on included, and why the connection broke, if
// it did.
func (f *Flow) Lap() (silence time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	silence, f.lap = max(f.lap, time.Since(f.last)), 0
	return silence, f.err
}
