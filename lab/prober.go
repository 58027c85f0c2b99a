package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Traffic says what a prober sends.
type Traffic struct {
	Network string         // "udp" or "tcp": a datagram, or a whole HTTP exchange on a connection of its own
	To      netip.AddrPort // a service of the laboratory's servers
	Every   time.Duration  // between two questions; default 5 ms for udp, 20 ms for tcp
	Timeout time.Duration  // of one TCP exchange; default 250 ms. An answer to a datagram counts whenever it comes.
}

// Prober asks all the time and remembers every answer. Its methods may be called by any goroutine.
type Prober struct {
	traffic Traffic
	stop    context.CancelFunc
	workers sync.WaitGroup

	mu      sync.Mutex // guards below
	sent    []time.Time
	answers []Answer
}

// Answer is one good answer.
type Answer struct {
	At     time.Time
	Server string
}

// Report is what a client saw between two moments.
type Report struct {
	Sent, Answered int
	Servers        map[string]int // answers by server
	Gap            time.Duration  // the longest silence between two good answers, or an end of the time and one
	GapStart       time.Time
}

// String is one line for people.
func (r Report) String() string {
	return fmt.Sprintf("%d of %d answered by %v, longest silence %d ms", r.Answered, r.Sent, r.Servers, r.Gap.Milliseconds())
}

// lanes is from how many ports datagrams are sent in turn, so that they are spread over the servers and one that a dead
// server owns does not make silence.
const lanes = 8

// StartProber begins to ask from a node. Stop it.
func StartProber(n *Node, t Traffic) (*Prober, error) {
	ctx, stop := context.WithCancel(context.Background())
	p := &Prober{traffic: t, stop: stop}
	var err error
	switch t.Network {
	case "udp":
		if t.Every == 0 {
			p.traffic.Every = 5 * time.Millisecond
		}
		err = p.startUDP(ctx, n)
	case "tcp":
		if t.Every == 0 {
			p.traffic.Every = 20 * time.Millisecond
		}
		if t.Timeout == 0 {
			p.traffic.Timeout = 250 * time.Millisecond
		}
		p.startTCP(ctx, n)
	default:
		err = fmt.Errorf("prober: network %q", t.Network)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Stop ends the traffic; what was seen stays. It may be called more than once.
func (p *Prober) Stop() {
	p.stop()
	p.workers.Wait()
}

// Between reports what was seen from one moment to another; a zero to means now.
func (p *Prober) Between(from, to time.Time) Report {
	if to.IsZero() {
		to = time.Now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := Report{Servers: make(map[string]int)}
	for _, at := range p.sent {
		if !at.Before(from) && at.Before(to) {
			r.Sent++
		}
	}
	last := from
	gap := func(until time.Time) {
		if g := until.Sub(last); g > r.Gap {
			r.Gap, r.GapStart = g, last
		}
		last = until
	}
	for _, a := range p.answers {
		if a.At.Before(from) || !a.At.Before(to) {
			continue
		}
		r.Answered++
		r.Servers[a.Server]++
		gap(a.At)
	}
	gap(to)
	return r
}

// WaitAnswer waits for a good answer after a moment.
func (p *Prober) WaitAnswer(ctx context.Context, after time.Time, patience time.Duration) error {
	return eventually(ctx, often, patience, func(context.Context) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := len(p.answers); n > 0 && p.answers[n-1].At.After(after) {
			return nil
		}
		return fmt.Errorf("no answer from %v over %s", p.traffic.To, p.traffic.Network)
	})
}

func (p *Prober) noteSent() {
	p.mu.Lock()
	p.sent = append(p.sent, time.Now())
	p.mu.Unlock()
}

func (p *Prober) noteAnswer(server string) {
	p.mu.Lock()
	p.answers = append(p.answers, Answer{time.Now(), server})
	p.mu.Unlock()
}

func (p *Prober) startUDP(ctx context.Context, n *Node) error {
	conns := make([]*net.UDPConn, lanes)
	for i := range conns {
		err := n.Do(func() (err error) {
			conns[i], err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.traffic.To))
			return err
		})
		if err != nil {
			return fmt.Errorf("prober: %w", err)
		}
		p.workers.Go(func() { p.listen(ctx, conns[i]) })
	}
	p.workers.Go(func() {
		tick := time.NewTicker(p.traffic.Every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				for _, c := range conns {
					c.Close()
				}
				return
			case <-tick.C:
				p.noteSent()
				// "No route" and "refused" are silence like any other.
				_, _ = conns[i%lanes].Write([]byte("ping"))
			}
		}
	})
	return nil
}

func (p *Prober) listen(ctx context.Context, c *net.UDPConn) {
	buf := make([]byte, 256)
	for ctx.Err() == nil {
		n, err := c.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error that came back to the socket
		}
		if server, rest, ok := bytes.Cut(buf[:n], []byte(" ")); ok && string(rest) == "ping" {
			p.noteAnswer(string(server))
		}
	}
}

// startTCP starts as many workers as can be waiting for a time-out at once: one exchange never delays the next.
func (p *Prober) startTCP(ctx context.Context, n *Node) {
	workers := int((p.traffic.Timeout + p.traffic.Every - 1) / p.traffic.Every)
	turns := make(chan struct{})
	for range workers {
		p.workers.Add(1)
		n.Go(func() {
			defer p.workers.Done()
			for range turns {
				p.noteSent()
				if server, err := fetch(ctx, p.traffic); err == nil {
					p.noteAnswer(server)
				}
			}
		})
	}
	p.workers.Go(func() {
		defer close(turns)
		tick := time.NewTicker(p.traffic.Every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				select {
				case turns <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}
	})
}

// fetch is one HTTP exchange; the answer is the server's name.
func fetch(ctx context.Context, t Traffic) (string, error) {
	deadline := time.Now().Add(t.Timeout)
	d := net.Dialer{Deadline: deadline}
	c, err := d.DialContext(ctx, "tcp", t.To.String())
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(c)
	if err != nil {
		return "", err
	}
	head, body, ok := bytes.Cut(text, []byte("\r\n\r\n"))
	if !ok || !bytes.Contains(head, []byte(" 200 ")) {
		return "", fmt.Errorf("answer %q", text)
	}
	return string(bytes.TrimSpace(body)), nil
}

// Fetch asks a service once over HTTP from a node and returns the name of the server that answered.
func Fetch(ctx context.Context, n *Node, to netip.AddrPort, patience time.Duration) (server string, err error) {
	done := make(chan struct{})
	n.Go(func() {
		defer close(done)
		server, err = fetch(ctx, Traffic{To: to, Timeout: patience})
	})
	<-done
	return server, err
}
