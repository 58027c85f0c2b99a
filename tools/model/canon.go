package main

import "slices"

// Two states that differ in the names of the nodes only are one. The nodes are put in order by what they are and how they
// stand to the others; nodes that this does not tell apart stay in the order they have, which costs states, never soundness.

// print is the fingerprint of s: 64 bits, so that two states may be taken for one. The odds are below n²/2⁶⁵ for n states.
func (m *model) print(s *state) uint64 {
	var what, colour, next [most]uint64
	for i := range m.nodes {
		what[i] = facts(&s.node[i])
		colour[i] = m.itself(s, i, what[i])
	}
	for range 2 {
		for i := range m.nodes {
			sum := uint64(0)
			for j := range m.nodes {
				if j != i {
					sum += mix(colour[j] ^ mix(m.between(s, i, j)))
				}
			}
			next[i] = mix(colour[i]*31 + sum)
		}
		colour = next
	}
	order := [most]int{0, 1, 2, 3, 4}
	slices.SortStableFunc(order[:m.nodes], func(a, b int) int {
		switch {
		case colour[a] < colour[b]:
			return -1
		case colour[a] > colour[b]:
			return 1
		}
		return 0
	})
	var place [most]int
	for at, i := range order[:m.nodes] {
		place[i] = at
	}
	h := uint64(m.nodes)
	for _, i := range order[:m.nodes] {
		names, others := m.words(s, i, &order, &place)
		h = mix(mix(mix(h^what[i])^names) ^ others)
	}
	return max(h, 1)
}

func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32 + 0x9e3779b97f4a7c15
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// facts is what node i is whatever the others are called.
func facts(n *node) uint64 {
	w := uint64(0)
	for _, f := range [...]struct{ v, width uint64 }{
		{uint64(n.term), 3}, {uint64(n.length), 3}, {bit(n.first), 1}, {uint64(n.phase), 2},
		{uint64(n.role), 2}, {bit(n.flagged), 1}, {bit(n.asked), 1},
		{uint64(n.commit), 3}, {uint64(n.told), 3}, {uint64(n.wait), 3},
		{uint64(n.promised), 3}, {uint64(n.restart), 3}, {uint64(n.seen), 3}, {uint64(n.armed), 3},
		{uint64(n.own), 3}, {uint64(n.quit), 3}, {bit(n.over), 1}, {bit(n.lapsed), 1}, {bit(n.began), 1},
		{uint64(n.held), 3}, {bit(n.released), 1}, {uint64(n.up), 3}, {uint64(n.arming), 5}, {bit(n.passed), 1},
	} {
		w = w<<f.width | f.v
	}
	return w
}

// itself adds to that how i stands to itself and how many others it names.
func (m *model) itself(s *state, i int, facts uint64) uint64 {
	n := &s.node[i]
	w := uint64(n.got.size())<<3 | uint64(n.acked.size())
	w = w<<2 | bit(n.voted != 0)<<1 | bit(int(n.voted) == i+1)
	for k := range n.length {
		w = w<<7 | uint64(n.log[k].term)<<4 | uint64(n.log[k].voters.size())<<1 | bit(n.log[k].voters.has(i))
	}
	return mix(mix(facts) ^ w)
}

// between is how i stands to j.
func (m *model) between(s *state, i, j int) uint64 {
	a, b := &s.node[i], &s.node[j]
	w := uint64(s.sent[i][j])<<9 | uint64(s.rose[i][j])<<6 | uint64(s.sent[j][i])<<3 | uint64(s.rose[j][i])
	w = w<<6 | bit(int(a.voted) == j+1)<<5 | bit(int(b.voted) == i+1)<<4 |
		bit(a.got.has(j))<<3 | bit(b.got.has(i))<<2 | bit(a.acked.has(j))<<1 | bit(b.acked.has(i))
	for k := range a.length {
		w = w<<1 | bit(a.log[k].voters.has(j))
	}
	return w
}

// words is what node i says of others and of itself beside its facts, with each node called by its place.
func (m *model) words(s *state, i int, order, place *[most]int) (names, others uint64) {
	n := &s.node[i]
	called := func(c set) (w uint64) {
		for j := range m.nodes {
			if c.has(j) {
				w |= 1 << place[j]
			}
		}
		return w
	}
	names = called(n.got)<<8 | called(n.acked)<<3
	if n.voted != 0 {
		names |= uint64(place[n.voted-1] + 1)
	}
	for k := range n.length {
		names = names<<8 | uint64(n.log[k].term)<<5 | called(n.log[k].voters)
	}
	for _, j := range order[:m.nodes] {
		others = others<<6 | uint64(s.sent[i][j])<<3 | uint64(s.rose[i][j])
	}
	return names, others
}
