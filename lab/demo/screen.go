package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"polso/lab"
)

// demo is the play and what has been shown of it so far.
type demo struct {
	out     io.Writer
	profile string
	step    int
	checks  int
}

// title begins a step.
func (d *demo) title(format string, args ...any) {
	d.step++
	fmt.Fprintf(d.out, "\n%d. %s\n", d.step, fmt.Sprintf(format, args...))
}

// say is a remark between two commands.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "   %s\n", fmt.Sprintf(format, args...))
}

// held notes a check that held and says what it was.
func (d *demo) held(format string, args ...any) {
	d.checks++
	fmt.Fprintf(d.out, "   ✓ %s\n", fmt.Sprintf(format, args...))
}

// polso runs a command on a router and shows both it and its answer.
func (d *demo) polso(ctx context.Context, r *lab.Router, args ...string) (string, error) {
	fmt.Fprintf(d.out, "   %s# polso %s\n", r.Name, shorten(strings.Join(args, " ")))
	out, err := r.Polso(ctx, args...)
	d.text(out)
	return out, err
}

// text shows what a command printed.
func (d *demo) text(s string) {
	for line := range strings.Lines(s) {
		fmt.Fprintf(d.out, "     %s\n", shorten(strings.TrimRight(line, "\n")))
	}
}

// shorten cuts long words, which are tokens, and leaves the rest of a line alone.
func shorten(line string) string {
	const long, keep = 60, 24
	words := strings.Split(line, " ")
	for i, w := range words {
		if len(w) > long && !strings.Contains(w, "/") {
			words[i] = w[:keep] + "…"
		}
	}
	return strings.Join(words, " ")
}
