package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// outcome is how a request ended, as far as its client can tell.
type outcome int

// The outcomes. Refused means that the answer was "nothing was done", or that nobody was there to take the request.
const (
	unknown outcome = iota
	done
	conflict
	refused
)

func (o outcome) String() string {
	return [...]string{"unknown", "done", "conflict", "refused"}[o]
}

// op is one request of a client: a write, which is to replace revision base, or a read of a router's own copy.
type op struct {
	client           int
	router           string
	write            bool
	base             uint64 // of a write
	revision         uint64 // what a write that is done made, or what was read
	message          string
	outcome          outcome // of a read: done
	called, returned time.Duration
	err              string // why it was not done
}

// String is a line of a kept history.
func (o op) String() string {
	what := fmt.Sprintf("read %d %q", o.revision, o.message)
	if o.write {
		what = fmt.Sprintf("write on %d %q: %v", o.base, o.message, o.outcome)
		if o.outcome == done {
			what += fmt.Sprintf(", revision %d", o.revision)
		}
	}
	if o.err != "" {
		what += " (" + o.err + ")"
	}
	return fmt.Sprintf("%8.3f %8.3f  client %d on %s: %s", o.called.Seconds(), o.returned.Seconds(), o.client, o.router, what)
}

// register is the document as clients may see it: the number of the running revision and every revision that this round
// has added, as lines. It is a value that == compares.
type register struct {
	revision uint64
	added    string
}

func line(revision uint64, message string) string { return fmt.Sprintf("%d=%s\n", revision, message) }

// model is a register that is set on condition of its revision. A write that is done was based on the running revision
// and made the next one; a conflict is one that was not; one whose outcome is unknown did the one or the other, at any time.
// A read is of a router's own copy, which may be behind but has nothing that was not written.
func model(first uint64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return register{revision: first} },
		Step: func(state, input, output any) (bool, any) {
			s, o := state.(register), input.(op)
			if !o.write {
				return o.revision <= first || strings.Contains("\n"+s.added, "\n"+line(o.revision, o.message)), s
			}
			next := register{s.revision + 1, s.added + line(s.revision+1, o.message)}
			switch o.outcome {
			case done:
				return s.revision == o.base && o.revision == next.revision, next
			case conflict:
				return s.revision != o.base, s
			case unknown:
				if s.revision == o.base {
					return true, next
				}
				return true, s
			default:
				return false, s
			}
		},
		DescribeOperation: func(input, _ any) string { return input.(op).String() },
	}
}

// patience of the search for an order; a round's history is decided in milliseconds.
const searchTime = time.Minute

// linearizable says "" if there is one order of all requests that explains every answer, given the revision that ran before
// them; else what is wrong, and draws the attempt.
func linearizable(first uint64, ops []op, draw io.Writer) string {
	var end time.Duration
	for _, o := range ops {
		end = max(end, o.returned)
	}
	var history []porcupine.Operation
	for _, o := range ops {
		if o.outcome == refused {
			continue // it is not to be found in the end; see unwanted
		}
		returned := o.returned
		if o.outcome == unknown {
			returned = end + 1 // at any time, or never: after the closing write nothing can be based on the same revision
		}
		history = append(history, porcupine.Operation{ClientId: o.client, Input: o, Call: int64(o.called), Return: int64(returned)})
	}
	m := model(first)
	switch result, info := porcupine.CheckOperationsVerbose(m, history, searchTime); result {
	case porcupine.Ok:
		return ""
	case porcupine.Illegal:
		if draw != nil {
			if err := porcupine.Visualize(m, info, draw); err != nil {
				return "the history is not linearizable (and cannot be drawn: " + err.Error() + ")"
			}
		}
		return "the history is not linearizable"
	default:
		return fmt.Sprintf("whether the history is linearizable was not found out within %v", searchTime)
	}
}
