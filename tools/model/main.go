// Command model goes through every state of a small cluster in which the lease and the ledger of consensus/lease must keep
// two nodes from holding at one instant, and shows what each of their rules is for.
//
//	model                  all searches, as the two tables of docs/safety.md; some minutes
//	model --docs FILE      the same, and FILE must hold just these tables
//	model --guard-off NAME the shortest way to two holders without that rule, a line for each step
//
// It is the successor of a model in C of three voters: this one has five as well, members that come and go, and nodes whose
// leases differ in length while the profile changes.
//
// Time is one tick for all; how far clocks may drift apart is taken to be used up: of the lease's margin nothing is left.
// Any process may stand still for any number of ticks, any message may be late or lost; raft's own patience is left out,
// whoever likes may stand or vote at any time, and pre-votes, which decide nothing, with it. All ages are relative to now,
// so that there is no bound on ticks, restarts, pauses or messages. Bounds there are on nodes, terms, changes of members,
// and the lease's length in ticks. Of two Successes of one follower that are under way the newer is the one that counts.
//
// Its exit status is 1 when a search ends otherwise than it must.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

func command(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("model", flag.ContinueOnError)
	flags.SetOutput(stderr)
	off := flags.String("guard-off", "", "print the shortest way to two holders without this `rule`")
	docs := flags.String("docs", "", "check that this `file` holds the tables that are printed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *off != "" {
		return without(*off, stdout, stderr)
	}
	fast, rest := everything()
	all, allOK := tabulate(clusters, append(fast, rest...))
	guards, guardsOK := tabulate(switched, eachOff())
	fmt.Fprintf(stdout, "%s\n%s", all, guards)
	if !allOK || !guardsOK {
		fmt.Fprintln(stderr, "model: not every search ended as it must: see the last column")
		return 1
	}
	if *docs == "" {
		return 0
	}
	text, err := os.ReadFile(*docs)
	if err != nil {
		fmt.Fprintln(stderr, "model:", err)
		return 1
	}
	if !strings.Contains(string(text), all) || !strings.Contains(string(text), guards) {
		fmt.Fprintf(stderr, "model: %s holds other tables than these: put them in\n", *docs)
		return 1
	}
	return 0
}

// without prints the trace that a guard keeps from happening.
func without(off string, stdout, stderr io.Writer) int {
	var known []string
	for _, r := range eachOff() {
		name, says := r.model.offs()
		if known = append(known, name); name != off {
			continue
		}
		fmt.Fprintf(stdout, "without %s (%s): %s, lease of %s ticks, %d terms\n", name, says, r.model.cluster(), r.model.lengths(), r.model.terms)
		found := r.model.search(limit)
		fmt.Fprint(stdout, lines(found))
		if (found.trace == nil) != r.safe {
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, "model: no rule %s: known are %s\n", off, strings.Join(slices.Compact(known), ", "))
	return 2
}

// lines is a trace for people.
func lines(r result) string {
	if r.trace == nil {
		return fmt.Sprintf("never two holders: %s\n", seen(r))
	}
	var b strings.Builder
	for i, a := range r.trace {
		fmt.Fprintf(&b, "%3d %v\n", i+1, a)
	}
	b.WriteString("    two hold\n")
	return b.String()
}

func seen(r result) string {
	if r.exhausted {
		return "every state seen"
	}
	return fmt.Sprintf("NOT every state seen, the first %d steps only", r.depth)
}
