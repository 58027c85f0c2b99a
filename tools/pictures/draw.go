package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strings"
)

// width is that of every picture; heights differ.
const width = 760

// drawing is a picture being drawn. Coordinates are pixels from the upper left corner. What is said in a place that is too small for it
// is an error, kept until the end.
type drawing struct {
	title, says string // for who cannot see it
	height      int
	b           strings.Builder
	wrong       error
}

func newDrawing(height int, title, says string) *drawing {
	d := &drawing{title: title, says: says, height: height}
	fmt.Fprintf(&d.b, "<rect class=\"%s\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"4\"/>\n", ground, width-1, height-1)
	return d
}

// svg is the picture as a file.
func (d *drawing) svg(c colours) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<style>
%s</style>
%s</svg>
`, width, d.height, escaped(d.title), escaped(d.says), c.css(), &d.b)
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder fails never
	return b.String()
}

// advance is how wide a text is at most, in a common face.
func advance(c class, s string) int {
	wide := map[class]float64{small: 6.9, strong: 8.8}[c]
	if wide == 0 {
		wide = 7.9
	}
	return int(math.Ceil(wide * float64(len([]rune(s)))))
}

type anchor string

const (
	left   anchor = "start"
	middle anchor = "middle"
	right  anchor = "end"
)

// text writes a line whose base is y.
func (d *drawing) text(x, y int, at anchor, c class, s string) {
	from, wide := x, advance(c, s)
	switch at {
	case middle:
		from -= wide / 2
	case right:
		from -= wide
	}
	if from < 2 || from+wide > width-2 || y > d.height-4 {
		d.wrong = errors.Join(d.wrong, fmt.Errorf("%q goes from %d to %d at %d: outside the picture", s, from, from+wide, y))
	}
	fmt.Fprintf(&d.b, "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", c, x, y, at, escaped(s))
}

// box is a rectangle with lines of text in its middle, the first of them strong.
func (d *drawing) box(x, y, w, h int, c class, lines ...string) {
	fmt.Fprintf(&d.b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/>\n", c, x, y, w, h)
	base := y + h/2 - (len(lines)-1)*9 + 5
	for i, s := range lines {
		as := small
		if i == 0 {
			as = strong
		}
		if advance(as, s) > w-6 || len(lines)*18 > h+4 {
			d.wrong = errors.Join(d.wrong, fmt.Errorf("%q does not fit into a box of %d×%d", s, w, h))
		}
		d.text(x+w/2, base+i*18, middle, as, s)
	}
}

// line goes through points, given as x and y in turn.
func (d *drawing) line(c class, points ...int) {
	fmt.Fprintf(&d.b, "<polyline class=\"%s\" style=\"fill:none\" points=\"%s\"/>\n", c, strings.Trim(fmt.Sprint(points), "[]"))
}

// arrow is a line with a head at its last point.
func (d *drawing) arrow(c class, points ...int) {
	n := len(points)
	x, y := float64(points[n-2]), float64(points[n-1])
	dx, dy := x-float64(points[n-4]), y-float64(points[n-3])
	long := math.Hypot(dx, dy)
	dx, dy = dx/long, dy/long
	d.line(c, append(append([]int{}, points[:n-2]...), int(math.Round(x-6*dx)), int(math.Round(y-6*dy)))...)
	as := map[class]class{flow: head, answer: headOK, lost: headNo, wire: headed}[c]
	fmt.Fprintf(&d.b, "<polygon class=\"%s\" points=\"%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n", as, x, y, x-9*dx-4.5*dy, y-9*dy+4.5*dx, x-9*dx+4.5*dy, y-9*dy-4.5*dx)
}
