package steward

import "time"

// trouble is what a director's report can say that has to last before the lead moves.
type trouble int

const (
	unfit trouble = iota
	failing
	dim
	burden
)

// long is how long a trouble must last.
func (t trouble) long() time.Duration {
	switch t {
	case unfit:
		return UnfitLong
	case failing:
		return FailingLong
	case dim:
		return DimLong
	case burden:
		return BurdenedLong
	default:
		panic("steward: unknown trouble")
	}
}

// has tells whether this node is in that trouble.
func (in Inputs) has(t trouble) bool {
	switch r := in.Reports[in.Self]; t {
	case unfit:
		return r.Unfit != ""
	case failing:
		return r.Failing >= FailingPasses
	case dim:
		return in.Dim() != ""
	case burden:
		return in.burdened()
	default:
		panic("steward: unknown trouble")
	}
}

// lasting returns how long this node has been in that trouble while it led, as far as its reports say in each pass.
func (s *Steward) lasting(in Inputs, t trouble) time.Duration {
	if !in.has(t) {
		delete(s.since, t)
		return 0
	}
	if _, known := s.since[t]; !known {
		s.since[t] = time.Now()
	}
	return time.Since(s.since[t])
}

// ripens returns how long it takes until the next trouble has lasted long enough; 0 if none is to.
func (s *Steward) ripens() time.Duration {
	var next time.Duration
	for t, began := range s.since {
		if left := t.long() - time.Since(began); left > 0 && (next == 0 || left < next) {
			next = left
		}
	}
	return next
}
