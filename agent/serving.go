package agent

import "sync/atomic"

// unmoved remembers what was made of a list, as long as that is the same one: the director knows a list again by its place in memory, and
// makes everything that follows from a new one anew.
type unmoved[S, T any] struct {
	last atomic.Pointer[lasted[S, T]]
}

type lasted[S, T any] struct {
	of   []S
	made []T
}

// again returns made, or the list of before that was made of the same one.
func (l *unmoved[S, T]) again(of []S, made []T) []T {
	if len(of) == 0 {
		return made
	}
	if last := l.last.Load(); last != nil && len(last.of) == len(of) && &last.of[0] == &of[0] {
		return last.made
	}
	l.last.Store(&lasted[S, T]{of, made})
	return made
}
