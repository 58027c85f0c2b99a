package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// columns is a table of searches: its head, and a row for each.
type columns struct {
	head string
	row  func(run, result) string
}

var clusters = columns{
	head: "| cluster | lease in ticks | terms | what may happen beside loss, delay, pauses and step-downs | states | steps deep | two holders |\n|---|---|---|---|---|---|---|\n",
	row: func(r run, found result) string {
		end := "never: " + seen(found)
		if found.trace != nil {
			end = fmt.Sprintf("AFTER %d STEPS", len(found.trace))
		}
		return fmt.Sprintf("| %s | %s | %d | %s | %d | %d | %s |\n", r.model.cluster(), r.model.lengths(), r.model.terms, r.model.events(), found.states, found.depth, end)
	},
}

var switched = columns{
	head: "| rule switched off | what it says | cluster, lease, terms | states | two holders |\n|---|---|---|---|---|\n",
	row: func(r run, found result) string {
		name, says := r.model.offs()
		end := fmt.Sprintf("after %d steps", len(found.trace))
		if found.trace == nil {
			end = "never, the others suffice: " + seen(found)
		}
		return fmt.Sprintf("| `%s` | %s | %s, %s, %d | %d | %s |\n", name, says, r.model.cluster(), r.model.lengths(), r.model.terms, found.states, end)
	},
}

// tabulate runs all searches, as many at once as there are processors, at most two for the sake of memory. It is false when
// one ended otherwise than it must.
func tabulate(c columns, runs []run) (text string, ok bool) {
	found := searches(runs)
	var b strings.Builder
	b.WriteString(c.head)
	ok = true
	for i, r := range runs {
		b.WriteString(c.row(r, found[i]))
		ok = ok && r.asItMust(found[i])
	}
	return b.String(), ok
}

func searches(runs []run) []result {
	found := make([]result, len(runs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				m := runs[i].model
				found[i] = m.search(limit)
			}
		})
	}
	for i := range runs {
		next <- i
	}
	close(next)
	wg.Wait()
	return found
}

// asItMust says whether a search ended as its run says. One that never went beyond the first term shows nothing.
func (r run) asItMust(found result) bool {
	if r.safe {
		return found.trace == nil && found.exhausted && found.terms == r.model.terms
	}
	return found.trace != nil
}
