package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// clients are the hosts' numbers of three clients, all at one node: two whose addresses differ in the last two bits, and one beyond.
func clients(l *Lab) []int { return []int{l.Client.Host, l.Client.Host + 1, l.Client.Host + 4} }

// client is the address of a client.
func client(l *Lab, family string, host int) netip.Addr {
	n := Node{Host: host}
	if family == "v6" {
		return n.Addr6(Outside)
	}
	return n.Addr(Outside)
}

// visitor is who asks a seat's virtual server, from the laboratory's client.
type visitor struct {
	seat
	ctx      context.Context
	l        *Lab
	director *Router
}

// question is one at the place-th port, by one of the clients.
func (v visitor) question(place, host int, text string) inquiry {
	to := netip.AddrPortFrom(v.vip(), uint16(v.port+place))
	return inquiry{v.protocol, client(v.l, v.family, host), to, text, 3 * time.Second}
}

// ask has it answered by one of the servers, which sees the client, or the director if that masquerades. A packet may be lost.
func (v visitor) ask(place, host int, text string) (server string, err error) {
	q := v.question(place, host, text)
	err = Eventually(v.ctx, answered, func(context.Context) error {
		got, err := asked(v.l.Client, q)
		if err == nil {
			server, err = got.server, v.right(got, q.from)
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("port %d, asked by %s: %w", v.port+place, q.from, err)
	}
	return server, err
}

// right looks at an answer.
func (v visitor) right(got told, from netip.Addr) error {
	want := []netip.Addr{from}
	if v.forward == "masq" {
		want = map[string][]netip.Addr{"v4": {v.director.Addr(Inside), Gateway}, "v6": {v.director.Addr6(Inside), Gateway6}}[v.family]
	}
	if !slices.Contains(want, got.client) {
		return fmt.Errorf("%s sees %s, want one of %v", got.server, got.client, want)
	}
	if !slices.ContainsFunc(v.servers(v.l), func(n *Node) bool { return n.Name == got.server }) {
		return fmt.Errorf("answered by %q", got.server)
	}
	return nil
}

// unanswered wants that nobody says anything.
func (v visitor) unanswered(place int) error {
	q := v.question(place, v.l.Client.Host, "who")
	q.patience = time.Second
	if got, err := asked(v.l.Client, q); err == nil {
		return fmt.Errorf("port %d is answered by %s", v.port+place, got.server)
	}
	return nil
}

func (v visitor) oneServer() error {
	_, err := v.ask(0, v.l.Client.Host, "who")
	return err
}

func (v visitor) everyPlace(n int) error {
	for place := range n {
		if _, err := v.ask(place, v.l.Client.Host, "who"); err != nil {
			return err
		}
	}
	return v.unanswered(n)
}

func (v visitor) fourPorts() error { return v.everyPlace(4) }

func (v visitor) markedPorts() error { return v.everyPlace(2) }

func (v visitor) sameOnBothPorts() error {
	first, err := v.ask(0, v.l.Client.Host, "who")
	if err != nil {
		return err
	}
	second, err := v.ask(1, v.l.Client.Host, "who")
	if err == nil && second != first {
		err = fmt.Errorf("one port goes to %s, the other to %s", first, second)
	}
	return err
}

// sameForNeighbours wants clients of one network at one server, and the one of the next where the scheduler's turn is.
func (v visitor) sameForNeighbours() error {
	var servers []string
	for _, host := range clients(v.l) {
		server, err := v.ask(0, host, "who")
		if err != nil {
			return err
		}
		servers = append(servers, server)
	}
	return apart(servers)
}

// sameForCall wants a call at one server, from whatever port, and the next one where the scheduler's turn is.
func (v visitor) sameForCall() error {
	var servers []string
	for _, text := range v.calls() {
		server, err := v.ask(0, v.l.Client.Host, text)
		if err != nil {
			return err
		}
		servers = append(servers, server)
	}
	return apart(servers)
}

// sameForCallFromOnePort is sameForCall for what gathers the calls of many at one port.
func (v visitor) sameForCallFromOnePort() error {
	q := v.question(0, v.l.Client.Host, "")
	c, err := q.dialled(v.l.Client)
	if err != nil {
		return err
	}
	defer c.Close()
	var servers []string
	for _, q.text = range v.calls() {
		err := Eventually(v.ctx, answered, func(context.Context) error {
			got, err := q.again(c)
			if err == nil {
				err = v.right(got, q.from)
			}
			if err == nil {
				servers = append(servers, got.server)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return apart(servers)
}

// calls are two of one call, and one of another.
func (v visitor) calls() (out []string) {
	for _, call := range []string{"one", "one", "two"} {
		id := call + "@" + strings.ReplaceAll(v.String(), " ", "-")
		out = append(out, fmt.Sprintf("OPTIONS sip:lab SIP/2.0\r\nVia: SIP/2.0/UDP client;branch=z9hG4bK-%s\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", call, id))
	}
	return out
}

// apart wants the first two at one server, and the third at the other.
func apart(servers []string) error {
	if servers[0] != servers[1] || servers[1] == servers[2] {
		return fmt.Errorf("answered by %v, want the first two by one, the third by the other", servers)
	}
	return nil
}

// eachPacketElsewhere wants packets from one port at both servers.
func (v visitor) eachPacketElsewhere() error {
	q := v.question(0, v.l.Client.Host, "who")
	c, err := q.dialled(v.l.Client)
	if err != nil {
		return err
	}
	defer c.Close()
	seen := make(map[string]bool)
	return eventually(v.ctx, often, answered, func(context.Context) error {
		got, err := q.again(c)
		if err == nil {
			err = v.right(got, q.from)
		}
		if err != nil {
			return err
		}
		if seen[got.server] = true; len(seen) < 2 {
			return errors.New(got.server + " alone answers")
		}
		return nil
	})
}
