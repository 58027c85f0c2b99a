package agent

import (
	"sync/atomic"

	"polso/config"
)

// serving remembers which virtuals of a document are served, as long as it is the same one: the director knows a list again by its place
// in memory, and makes everything that follows from a new one anew.
type serving struct {
	last atomic.Pointer[served]
}

type served struct{ of, left []config.Virtual }

// again returns left, or the list of before that was left of the same document.
func (s *serving) again(of, left []config.Virtual) []config.Virtual {
	if len(left) == len(of) {
		return left
	}
	if last := s.last.Load(); last != nil && len(last.of) == len(of) && &last.of[0] == &of[0] {
		return last.left
	}
	s.last.Store(&served{of, left})
	return left
}
