package main

import (
	"fmt"
	"time"

	"polso/consensus"
)

// lan is the profile that the pictures tell times of: the default.
func lan() consensus.Profile {
	p, err := consensus.ParseProfile("lan")
	if err != nil {
		panic(err) // it is built in
	}
	return p
}

// ends are the moments after a heartbeat was sent that matter: the fence shuts, the lease ends, the promises of who answered end.
func ends(p consensus.Profile) (fence, until, promise time.Duration) {
	margin := p.H / 10
	return p.H - 2*margin, p.H - margin, p.H
}

func ms(t time.Duration) string { return fmt.Sprintf("%d ms", t.Milliseconds()) }

// scale is where moments are on a line of time.
type scale struct {
	from, to int // pixels
	until    time.Duration
}

func (s scale) at(t time.Duration) int {
	return s.from + int(int64(s.to-s.from)*int64(t)/int64(s.until))
}

// bar is a stretch of time in a row.
func (d *drawing) bar(s scale, y int, from, to time.Duration, c class, says string) {
	d.box(s.at(from), y, s.at(to)-s.at(from), 28, c, says)
}

// mark is a moment across rows, which are drawn over it.
func (d *drawing) mark(s scale, at time.Duration, top, bottom int, beside anchor, says string) {
	d.line(lost, s.at(at), top, s.at(at), bottom)
	d.text(s.at(at), bottom+16, beside, small, says)
}

// lease is why a lease ends before the promises that it is made of.
func lease() *drawing {
	p := lan()
	_, until, promise := ends(p)
	d := newDrawing(320, "What a lease is made of",
		fmt.Sprintf("With the profile lan, H is %s. The director counts its lease from the moment it sends a heartbeat, and less a tenth: it ends after %s. "+
			"The routers that answer promise to help nobody else up for %s from the moment their answer leaves, which is later. So the lease ends first. "+
			"Each heartbeat that a majority answers renews all of it.", ms(p.H), ms(until), ms(promise)))
	s := scale{150, 620, 440 * time.Millisecond}
	trip := 40 * time.Millisecond // drawn larger than it is, to be seen
	for i, name := range []string{"r1 director", "r2", "r3"} {
		y := 60 + i*70
		d.text(16, y+19, left, strong, name)
		d.line(thin, 140, y+34, 740, y+34)
	}
	d.mark(s, until, 50, 250, right, ms(until)+" after sending")
	d.mark(s, promise+trip/2, 50, 250, left, ms(promise)+" after answering")
	d.bar(s, 60, 0, until, good, "lease: may hold the addresses")
	d.bar(s, 130, trip/2, promise+trip/2, warn, "promise: helps nobody else up")
	d.bar(s, 200, trip/2, promise+trip/2, warn, "promise: helps nobody else up")
	d.arrow(flow, s.at(0), 88, s.at(trip/2), 130)
	d.arrow(answer, s.at(trip/2)+2, 130, s.at(trip)+2, 88)
	d.text(s.at(0)-6, 110, right, small, "heartbeat")
	d.text(s.at(0), 34, middle, small, "sent: 0 ms")
	d.text(380, 300, middle, ink, "Counted from sending here, from answering there: the lease always ends first.")
	return d
}

// cut is what happens when the director is cut off, in time.
func cut() *drawing {
	p := lan()
	fence, until, promise := ends(p)
	d := newDrawing(430, "A director is cut off",
		fmt.Sprintf("With the profile lan, counted from the last heartbeat that a majority answered: the fence of r1 shuts after %s at the latest, its lease ends after %s, "+
			"the promises of the others after %s. Then r2 stands, is elected, holds the address and announces it. Between %s and then nobody answers; at no moment do two.",
			ms(fence), ms(until), ms(promise), ms(fence)))
	s := scale{150, 710, 560 * time.Millisecond}
	for i, name := range []string{"r1, cut off", "", "r2 and r3", "clients"} {
		y := 52 + i*58
		d.text(16, y+19, left, strong, name)
		d.line(thin, 140, y+40, 740, y+40)
	}
	d.mark(s, fence, 48, 268, middle, fmt.Sprint(fence.Milliseconds()))
	d.mark(s, until, 48, 268, middle, fmt.Sprint(until.Milliseconds()))
	d.mark(s, promise, 48, 268, middle, fmt.Sprint(promise.Milliseconds()))
	d.text(s.at(promise)+30, 284, left, small, "ms")
	d.bar(s, 52, 0, until, good, "lease")
	d.bar(s, 110, 0, fence, good, "fence open: answers leave")
	d.bar(s, 110, fence, 560*time.Millisecond, bad, "shut by the kernel itself")
	d.bar(s, 168, 0, promise, warn, "promised r1: help nobody else up")
	d.bar(s, 168, promise, 560*time.Millisecond, good, "r2 holds")
	d.bar(s, 226, 0, fence, good, "answered by r1")
	d.bar(s, 226, fence, promise, bad, "nobody")
	d.bar(s, 226, promise, 560*time.Millisecond, good, "by r2")
	d.text(s.at(0), 38, middle, small, "last heartbeat answered")
	d.text(16, 322, left, soft, "after the last heartbeat")
	for i, p := range consensus.Profiles() {
		d.text(310+i*120, 322, right, strong, p.Name)
	}
	for i, row := range []string{"the fence has shut", "the lease has ended", "another may stand"} {
		y := 346 + i*22
		d.text(16, y, left, ink, row)
		for n, p := range consensus.Profiles() {
			a, b, c := ends(p)
			d.text(310+n*120, y, right, ink, ms([]time.Duration{a, b, c}[i]))
		}
	}
	d.text(380, 416, middle, small, "from then on an election: a few round trips, and a write to disk")
	return d
}
