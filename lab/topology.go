package lab

import (
	"context"
	"fmt"
)

// buildSwitch makes the node that holds the two bridges. They behave like plain switches: no spanning tree, and multicast
// floods (a snooping switch without a querier would).
func (l *Lab) buildSwitch(ctx context.Context) (err error) {
	if l.fabric, err = newNode(ctx, "switch", 0); err != nil {
		return err
	}
	l.nodes = append(l.nodes, l.fabric)
	if err := l.fabric.sysctl("net/ipv6/conf/default/disable_ipv6", "1"); err != nil {
		return err
	}
	var lines []string
	for _, br := range []string{outer, inner} {
		lines = append(lines, "link add "+br+" type bridge forward_delay 0 stp_state 0 mcast_snooping 0", "link set "+br+" up")
	}
	return l.fabric.Batch(ctx, lines...)
}

// addNode makes a node and plugs it into the bridges: eth0, and eth1 if there are two.
func (l *Lab) addNode(ctx context.Context, name string, host int, bridges ...string) (*Node, error) {
	n, err := newNode(ctx, name, host)
	if err != nil {
		return nil, err
	}
	l.nodes = append(l.nodes, n)
	// No duplicate address detection: a node must be usable at once, and nobody else here uses its addresses.
	if err := n.sysctl("net/ipv6/conf/default/accept_dad", "0", "net/ipv6/conf/all/accept_dad", "0"); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var plug, inside []string
	for i, bridge := range bridges {
		device, far := fmt.Sprintf("eth%d", i), fmt.Sprintf("%s-%s", name, bridge)
		p := port{bridge, far}
		n.ports = append(n.ports, p)
		segment := p.segment()
		plug = append(plug,
			fmt.Sprintf("link add %s type veth peer name %s address %s netns %s", far, device, n.MAC(segment), name),
			fmt.Sprintf("link set %s master %s up", far, bridge))
		inside = append(inside,
			fmt.Sprintf("link set %s up", device),
			fmt.Sprintf("addr add %s/24 dev %s", n.Addr(segment), device),
			fmt.Sprintf("addr add %s/64 dev %s nodad", n.Addr6(segment), device))
	}
	if err := l.fabric.Batch(ctx, plug...); err != nil {
		return nil, err
	}
	return n, n.Batch(ctx, inside...)
}
