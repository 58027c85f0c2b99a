package main

// write is the way of a change of the document.
func write() *drawing {
	d := newDrawing(380, "The way of a change",
		"The command line, a browser or a program sends a change to any router, which takes it to the leader. The leader checks it and writes it to the log of a majority. "+
			"Then it is committed: every router applies it and makes its own kernel follow, with the smallest edit. What routers observe, health, counters, leases, is not in the log.")
	d.box(20, 24, 150, 44, plain, "polso apply", "browser, HTTP")
	d.box(235, 24, 150, 44, plain, "any router", "asks for a plan")
	d.box(450, 24, 150, 44, good, "leader", "checks the document")
	d.arrow(flow, 170, 46, 235, 46)
	d.arrow(flow, 385, 46, 450, 46)
	d.box(450, 116, 150, 44, good, "log: revision 43", "on disk here")
	d.arrow(flow, 525, 68, 525, 116)
	d.box(235, 116, 150, 44, plain, "log: revision 43", "on disk at r2")
	d.box(20, 116, 150, 44, dim, "log: revision 42", "r3 is a bit behind")
	d.arrow(wire, 450, 138, 385, 138)
	d.arrow(wire, 235, 138, 170, 138)
	d.text(675, 136, middle, strong, "replicated")
	d.text(675, 154, middle, small, "a majority has it:")
	d.text(675, 170, middle, small, "it is committed")
	d.line(thin, 16, 190, 744, 190)
	d.text(675, 236, middle, strong, "local")
	d.text(675, 254, middle, small, "each router by itself,")
	d.text(675, 270, middle, small, "never in the log")
	for i, x := range []int{20, 235, 450} {
		name := []string{"r3's kernel", "r2's kernel", "r1's kernel"}[i]
		d.arrow(wire, x+75, 160, x+75, 216)
		d.box(x, 216, 150, 64, plain, name, "table, addresses", "smallest edit")
		d.box(x, 292, 150, 44, dim, "observed", "checks, counters")
	}
	d.text(380, 364, middle, small, "intent is replicated, observation is local: a flapping server costs no write to any log")
	return d
}

// pass is what a router's director does, again and again.
func pass() *drawing {
	d := newDrawing(330, "One pass of the director",
		"A doorbell, rung by a change of role, document, health or links or by a timer, starts a pass. It reads every input once, decides what the kernel should look like, "+
			"and then in this order: lets go of addresses that must go, makes the table ready, holds and announces what must be held, has the connection sync run. "+
			"It writes differences only, reads again, reports, and waits for the doorbell.")
	d.box(20, 36, 130, 44, warn, "doorbell", "look, not what")
	d.box(185, 24, 185, 68, plain, "read once", "mandate, document,", "health, links")
	d.box(405, 24, 150, 68, plain, "decide", "pure: what is wanted", "of these inputs")
	d.box(590, 24, 150, 68, plain, "compare", "what is wanted with", "what the kernel has")
	d.arrow(flow, 150, 58, 185, 58)
	d.arrow(flow, 370, 58, 405, 58)
	d.arrow(flow, 555, 58, 590, 58)
	for i, s := range [][2]string{{"4 sync", "connections told"}, {"3 hold", "and announce"}, {"2 table", "make it ready"}, {"1 let go", "of what must go"}} {
		x := 20 + i*190
		as := plain
		if i == 1 {
			as = good
		}
		d.box(x, 150, 150, 50, as, s[0], s[1])
		if i > 0 {
			d.arrow(flow, x, 175, x-40, 175)
		}
	}
	d.arrow(flow, 665, 92, 665, 150)
	d.arrow(flow, 85, 150, 85, 82)
	d.text(92, 120, left, small, "report, wait")
	d.box(20, 226, 720, 44, dim, "a step that fails is tried again later, with patience", "what depends on it waits, the rest goes on; after five failing passes a better router takes over")
	d.text(380, 300, middle, ink, "Ready before it attracts traffic; gone from the segment before anything is dismantled.")
	return d
}

// drain is how a server leaves.
func drain() *drawing {
	d := newDrawing(300, "A server leaves",
		"A server that is drained, or removed from the document, gets the weight 0 at once: no new connection goes to it, those that it has go on. "+
			"A removed one leaves the table when its last connection has ended, or when its time is up, five minutes unless told otherwise. "+
			"Leaving is replicated: a director that takes over meanwhile keeps it.")
	d.text(16, 66, left, strong, "weight")
	d.box(110, 46, 170, 30, good, "10")
	d.box(280, 46, 330, 30, warn, "0: no new connections")
	d.box(610, 46, 134, 30, dim, "gone")
	d.text(16, 136, left, strong, "connections")
	for i, w := range []struct{ from, to int }{{120, 380}, {150, 330}, {190, 604}, {230, 470}} {
		y := 98 + i*20
		d.line(answer, w.from, y, w.to, y)
		d.line(answer, w.to, y-5, w.to, y+5)
	}
	d.line(lost, 280, 36, 280, 180)
	d.line(lost, 610, 36, 610, 180)
	d.text(280, 198, middle, small, "drained, or removed")
	d.text(610, 198, middle, small, "the last one ended, or time is up")
	d.box(110, 222, 634, 30, dim, "known to every router: a takeover in between changes nothing")
	d.text(380, 282, middle, small, "polso drain keeps the server in the document; polso undrain gives it connections again")
	return d
}
