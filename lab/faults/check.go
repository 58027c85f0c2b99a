package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"polso/lab"
)

// history is the messages of a router's revisions, by number.
type history map[uint64]string

// lost are the acknowledged writes that some router does not have in the end.
func lost(ops []op, ends map[string]history) (found []string) {
	for _, o := range ops {
		if !o.write || o.outcome != done {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(ends)) {
			if got, ok := ends[name][o.revision]; !ok || got != o.message {
				found = append(found, fmt.Sprintf("lost: revision %d was acknowledged by %s as %q; %s has %q", o.revision, o.router, o.message, name, got))
				break
			}
		}
	}
	return found
}

// unwanted are the writes of which was said that nothing was done, and that are there in the end.
func unwanted(ops []op, ends map[string]history) (found []string) {
	for _, o := range ops {
		if !o.write || o.outcome != refused && o.outcome != conflict {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(ends)) {
			for revision, message := range ends[name] {
				if message == o.message {
					found = append(found, fmt.Sprintf("done all the same: %s said %v (%s) to %q; %s has it as revision %d", o.router, o.outcome, o.err, o.message, name, revision))
				}
			}
		}
	}
	return found
}

// diverging says which routers have other histories than the first.
func diverging(ends map[string]history) (found []string) {
	names := slices.Sorted(maps.Keys(ends))
	for _, name := range names[1:] {
		if !maps.Equal(ends[name], ends[names[0]]) {
			found = append(found, fmt.Sprintf("%s and %s have different histories", names[0], name))
		}
	}
	return found
}

// stretch is a time during which two routers answered for one address.
type stretch struct {
	from, to time.Time
	who      lab.Overlap // its first moment
}

// excused tells whether it lies within what the kernel may still do for a process that cannot.
func (s stretch) excused(struck, bound time.Time) bool {
	return s.from.After(struck) && s.to.Before(bound)
}

// apart is how far two moments of one overlap are from each other at most.
const apart = 200 * time.Millisecond

// stretches joins moments, in order, that are close. A single one counts as the time between two questions.
func stretches(moments []lab.Overlap) (list []stretch) {
	for _, o := range moments {
		if n := len(list); n > 0 && o.At.Sub(list[n-1].to) < apart {
			list[n-1].to = o.At
			continue
		}
		list = append(list, stretch{o.At, o.At, o})
	}
	for i := range list {
		list[i].to = list[i].to.Add(10 * time.Millisecond)
	}
	return list
}

// longest is the longest stretch's length.
func longest(list []stretch) (d time.Duration) {
	for _, s := range list {
		d = max(d, s.to.Sub(s.from))
	}
	return d
}

// spoke says that a router answered for an address when it must not have.
func spoke(who string, answers []lab.Sighting, from time.Time) string {
	for _, s := range answers {
		if s.Node == who {
			return fmt.Sprintf("%s answered for %v %v after the bound", who, s.Addr, s.At.Sub(from).Round(time.Millisecond))
		}
	}
	return ""
}

// What a process may have open more than when it was first looked at. Connections to peers and clients come and go; a
// leak of one a round passes these within the run.
const (
	moreDescriptors = 24
	moreThreads     = 24 // a thread that waited for the disk stays for good, as Go has it
	moreGoroutines  = 60
)

// leaks compares what a process has open with what it had at its first quiet moment.
func leaks(name string, first, now lab.Usage) (found []string) {
	if first.PID != now.PID {
		return nil
	}
	for _, c := range []struct {
		what             string
		first, now, more int
	}{
		{"descriptors", first.Descriptors, now.Descriptors, moreDescriptors},
		{"sockets", first.Sockets, now.Sockets, moreDescriptors},
		{"threads", first.Threads, now.Threads, moreThreads},
	} {
		if c.now > c.first+c.more {
			found = append(found, fmt.Sprintf("leak: %s has %d %s, had %d", name, c.now, c.what, c.first))
		}
	}
	return found
}
