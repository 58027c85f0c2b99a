package main

// cluster is the whole: who is there, and what each has.
func cluster() *drawing {
	d := newDrawing(400, "A cluster",
		"Clients and three routers share a segment. Router r1 directs: it holds the address 192.0.2.10 and its IPVS table passes connections on to real servers. "+
			"r2 and r3 stand by with the same table and the same checks, and hold no address. The routers are a raft group: one document, one director.")
	d.box(290, 16, 180, 36, plain, "clients")
	d.line(wire, 40, 86, 720, 86)
	d.text(720, 78, right, small, "clients' segment")
	d.line(wire, 380, 52, 380, 86)
	for i, r := range []struct {
		name, does string
		as         class
	}{{"r1 director", "IPVS balances", good}, {"r2 standby", "same table, warm", plain}, {"r3 standby", "same table, warm", plain}} {
		x := 60 + i*235
		d.line(wire, x+85, 86, x+85, 130)
		d.box(x, 130, 170, 64, r.as, r.name, r.does, "same checks")
		d.line(wire, x+85, 194, x+85, 270)
	}
	d.box(36, 98, 98, 24, good, "192.0.2.10")
	d.line(wire, 230, 162, 295, 162)
	d.line(wire, 465, 162, 530, 162)
	d.text(262, 154, middle, small, "raft")
	d.text(497, 154, middle, small, "raft")
	d.box(230, 214, 300, 42, dim, "one document, replicated", "TLS 1.3, port 5390, routers alone")
	d.line(wire, 40, 270, 720, 270)
	d.text(624, 288, left, small, "servers' segment")
	for i, s := range []string{"server a", "server b", "server c"} {
		x := 60 + i*235
		d.line(wire, x+85, 270, x+85, 316)
		d.box(x, 316, 170, 44, plain, s, "answers")
	}
	d.arrow(flow, 370, 52, 370, 92, 158, 92, 158, 130)
	d.arrow(flow, 158, 194, 158, 276, 372, 276, 372, 316)
	d.text(380, 384, middle, small, "the blue line: a client's connection, by the director, to the server that the scheduler chose")
	return d
}

// quorum is which losses a cluster survives.
func quorum() *drawing {
	d := newDrawing(270, "What a cluster can lose",
		"Three routers lose any one and go on: two votes of three are a majority. Two routers and a witness likewise: the witness votes and never directs. "+
			"Two routers alone: the second has no vote, so losing the first leaves nobody who may hold an address.")
	for i, c := range []struct {
		title, a, b, cc string
		third           class
		lines           [3]string
	}{
		{"three routers", "r1", "r2", "r3", plain, [3]string{"lose any one:", "two votes of three,", "another directs"}},
		{"two and a witness", "r1", "r2", "w", warn, [3]string{"lose any one:", "two votes of three,", "a router directs"}},
		{"two alone", "r1", "r2", "", dim, [3]string{"r2 has no vote: lose r1,", "and nobody holds", "an address"}},
	} {
		x := 20 + i*245
		d.text(x+115, 34, middle, strong, c.title)
		d.box(x+5, 54, 68, 50, bad, c.a, "lost")
		second := good
		says := "directs"
		if c.cc == "" {
			second, says = plain, "no vote"
		}
		d.box(x+81, 54, 68, 50, second, c.b, says)
		if c.cc != "" {
			d.box(x+157, 54, 68, 50, c.third, c.cc, "votes")
		}
		as := good
		if c.cc == "" {
			as = bad
		}
		d.box(x+5, 124, 220, 70, as, c.lines[:]...)
	}
	d.text(380, 226, middle, ink, "A majority of the votes may hold the addresses; a minority never does.")
	d.text(380, 250, middle, small, "five routers lose any two, seven any three; an even number loses no more than the odd one below it")
	return d
}

// move is how an address changes its router.
func move() *drawing {
	d := newDrawing(390, "How an address moves",
		"Before: the neighbours on the segment know that 192.0.2.10 is at the hardware address of r1. r1 is lost and lets go. "+
			"After: r2 puts the address on its link and announces it to everybody there, by gratuitous ARP, or by an unsolicited neighbour advertisement for IPv6; "+
			"each neighbour corrects its entry, and each switch learns the new port.")
	side := func(x int, title string, first, second class, firstSays, secondSays, entry string) {
		d.text(x+165, 30, middle, strong, title)
		d.box(x+20, 50, 290, 46, plain, "gateway, clients", "192.0.2.10 is at "+entry)
		d.box(x+95, 156, 140, 40, plain, "switch")
		d.line(wire, x+165, 96, x+165, 156)
		d.box(x+10, 252, 145, 64, first, "r1", "aa:…:01", firstSays)
		d.box(x+175, 252, 145, 64, second, "r2", "aa:…:02", secondSays)
		d.line(wire, x+130, 196, x+82, 252)
		d.line(wire, x+200, 196, x+248, 252)
	}
	side(20, "before", good, plain, "holds 192.0.2.10", "stands by", "aa:…:01")
	side(410, "after", bad, good, "let go before", "holds 192.0.2.10", "aa:…:02")
	d.line(thin, 380, 16, 380, 330)
	d.arrow(answer, 668, 252, 622, 198)
	d.arrow(answer, 587, 156, 587, 98)
	d.arrow(answer, 540, 198, 500, 250)
	d.text(690, 226, middle, small, "announces")
	d.text(380, 350, middle, ink, "The one lets go before the other may take up. Nobody's address changes, only where it is.")
	d.text(380, 374, middle, small, "announced at once, four times more within five seconds, then once a minute")
	return d
}

// paths is the way of a packet by each way of forwarding.
func paths() *drawing {
	d := newDrawing(420, "Three ways to a real server",
		"By nat the director rewrites the destination, and answers go back through it: it must be the servers' gateway. "+
			"By dr, direct routing, the director changes the hardware address alone; the server has the virtual address on its loopback and answers past the director. "+
			"By tun the packet travels within another to a server on any network, which unpacks it and answers past the director.")
	for i, p := range []struct {
		title, sub, to, at string
		past               bool
		says               [3]string
	}{
		{"nat", "the director rewrites", "to 10.0.0.11", "10.0.0.11", false, [3]string{"answers go back through it:", "it is the servers' gateway;", "ports may differ"}},
		{"dr", "direct routing", "to 192.0.2.10, MAC of a", "lo: 192.0.2.10", true, [3]string{"answers go past it;", "same segment, same port;", "no ARP from the server"}},
		{"tun", "a packet in a packet", "within: to 192.0.2.10", "tunl0: 192.0.2.10", true, [3]string{"answers go past it;", "the server may be anywhere;", "mind the MTU"}},
	} {
		x := 14 + i*248
		d.text(x+118, 30, middle, strong, p.title)
		d.text(x+118, 48, middle, small, p.sub)
		d.box(x+58, 62, 120, 34, plain, "client")
		d.box(x+2, 160, 150, 48, good, "director", "192.0.2.10")
		d.box(x+2, 272, 150, 48, plain, "server a", p.at)
		d.arrow(flow, x+84, 96, x+60, 160)
		d.text(x+62, 134, right, small, "to VIP")
		d.arrow(flow, x+50, 208, x+50, 272)
		d.text(x+56, 246, left, small, p.to)
		if p.past {
			d.arrow(answer, x+152, 296, x+218, 296, x+218, 79, x+178, 79)
		} else {
			d.arrow(answer, x+146, 272, x+146, 208)
			d.arrow(answer, x+110, 160, x+134, 96)
		}
		for n, s := range p.says {
			d.text(x+118, 346+n*18, middle, small, s)
		}
	}
	d.text(380, 410, middle, small, "blue: the question; green: the answer, from 192.0.2.10 whichever way")
	return d
}
