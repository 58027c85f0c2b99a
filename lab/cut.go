package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Cut takes the node's plugs out of the switch but keeps its links' carrier, as when a switch loses its uplink: the node
// notices nothing but silence. Heal undoes it.
func (l *Lab) Cut(ctx context.Context, n *Node) error {
	return l.plugs(ctx, n, func(p port) string { return "link set " + p.device + " nomaster" })
}

// CutLink pulls the node's cables: its links lose their carrier. Heal undoes it.
func (l *Lab) CutLink(ctx context.Context, n *Node) error {
	return l.plugs(ctx, n, func(p port) string { return "link set " + p.device + " down" })
}

// Way is a direction of frames.
type Way int

// The ways: what a node sends, and what it is sent.
const (
	From Way = iota + 1
	To
)

// CutOneWay makes the switch lose what the node sends, or what it is sent, and nothing else. Heal undoes it.
func (l *Lab) CutOneWay(ctx context.Context, n *Node, w Way) error {
	hook := "ingress" // of the switch
	if w == To {
		hook = "egress"
	}
	var chains []string
	for _, p := range n.ports {
		chains = append(chains, sieve(hook, p, ""))
	}
	return l.sift(ctx, n, chains...)
}

// CutPair makes the switch lose what two nodes send to each other, broadcasts too; everybody else hears both. Heal of the
// first undoes it.
func (l *Lab) CutPair(ctx context.Context, a, b *Node) error {
	var chains []string
	for _, ends := range [][2]*Node{{a, b}, {b, a}} {
		for _, p := range ends[0].ports {
			chains = append(chains, sieve("egress", p, "ether saddr "+ends[1].MAC(p.segment()).String()))
		}
	}
	return l.sift(ctx, a, chains...)
}

// CutPath makes the switch lose what the routers send to each other on one segment; everybody else hears them. HealPath undoes
// it.
func (l *Lab) CutPath(ctx context.Context, s Segment) error {
	for _, r := range l.Routers {
		var others []string
		for _, o := range l.Routers {
			if o != r {
				others = append(others, o.MAC(s).String())
			}
		}
		for _, p := range r.ports {
			if p.segment() != s {
				continue
			}
			if err := l.sift(ctx, r.Node, sieve("egress", p, "ether saddr { "+strings.Join(others, ", ")+" }")); err != nil {
				return err
			}
		}
	}
	return nil
}

// HealPath undoes CutPath.
func (l *Lab) HealPath(ctx context.Context) error {
	for _, r := range l.Routers {
		if err := l.sift(ctx, r.Node); err != nil {
			return err
		}
		r.sieve = false
	}
	return nil
}

// Heal undoes Cut, CutLink, CutOneWay and CutPair.
func (l *Lab) Heal(ctx context.Context, n *Node) error {
	if n.sieve {
		if err := l.sift(ctx, n); err != nil {
			return err
		}
		n.sieve = false
	}
	return l.plugs(ctx, n, func(p port) string { return "link set " + p.device + " master " + p.bridge + " up" })
}

func (l *Lab) plugs(ctx context.Context, n *Node, line func(port) string) error {
	var lines []string
	for _, p := range n.ports {
		lines = append(lines, line(p))
	}
	return l.fabric.Batch(ctx, lines...)
}

// sieve is a chain that drops frames at a port of the switch: those that match, or all.
func sieve(hook string, p port, match string) string {
	return fmt.Sprintf("  chain %s_%s {\n    type filter hook %s device %q priority 0;\n    %s drop\n  }\n",
		hook, strings.ReplaceAll(p.device, "-", "_"), hook, p.device, match)
}

// sift replaces a node's chains at the switch.
func (l *Lab) sift(ctx context.Context, n *Node, chains ...string) error {
	table := "netdev sieve_" + n.Name
	text := fmt.Sprintf("add table %s\ndelete table %s\n", table, table) // nft before 1.0.8 has no word for "delete if there"
	if len(chains) > 0 {
		text += fmt.Sprintf("table %s {\n%s}\n", table, strings.Join(chains, ""))
		n.sieve = true
	}
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	if _, err := l.fabric.run(cmd); err != nil {
		return fmt.Errorf("%w in:\n%s", err, text)
	}
	return nil
}

// Weather is how bad a path is.
type Weather struct {
	Delay, Jitter time.Duration
	Loss          int // per cent
}

// Trouble gives what a router sends to the other routers bad weather, on every path between them; what it says to everybody (ARP,
// neighbour discovery) and to clients stays as it is, so that the observer's times can be trusted. Calm undoes it.
func (l *Lab) Trouble(ctx context.Context, r *Router, w Weather) error {
	for s := range r.peerAddrs() {
		device := fmt.Sprintf("eth%d", s)
		for _, line := range [][]string{
			{"qdisc", "replace", "dev", device, "root", "handle", "1:", "prio", "bands", "4",
				"priomap", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0"},
			append([]string{"qdisc", "add", "dev", device, "parent", "1:4", "handle", "40:", "netem", "limit", "10000"}, w.netem()...),
			// The routers' numbers, 11 to 14, and no others.
			{"filter", "add", "dev", device, "parent", "1:", "protocol", "ip", "u32", "match", "ip", "dst", fmt.Sprintf("10.9.%d.8/29", s), "flowid", "1:4"},
		} {
			if _, err := r.Run(ctx, "tc", line...); err != nil {
				return err
			}
		}
	}
	return nil
}

// netem is the weather in the words of tc-netem(8).
func (w Weather) netem() (words []string) {
	if w.Delay > 0 {
		words = append(words, "delay", fmt.Sprintf("%dus", w.Delay.Microseconds()), fmt.Sprintf("%dus", w.Jitter.Microseconds()))
	}
	if w.Loss > 0 {
		words = append(words, "loss", fmt.Sprintf("%d%%", w.Loss))
	}
	return words
}

// Calm undoes Trouble.
func (l *Lab) Calm(ctx context.Context, r *Router) error {
	var errs []error
	for s := range r.peerAddrs() {
		_, err := r.Run(ctx, "tc", "qdisc", "del", "dev", fmt.Sprintf("eth%d", s), "root")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
