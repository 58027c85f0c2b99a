package ipvs

import "errors"

// ErrSkipped means that a step of a batch was not tried, since the service that it is about could not be made.
var ErrSkipped = errors.New("not tried: its service could not be made")

// InTurn does the steps one after the other, with the manners of Kernel.Batch: what it is to edges that cannot do many at
// a time.
func InTurn(ops []Op, do func(Op) error) []error {
	errs := make([]error, len(ops))
	var lost lost
	for i, o := range ops {
		if lost.without(o) {
			errs[i] = ErrSkipped
			continue
		}
		errs[i] = do(o)
		lost.note(o, errs[i])
	}
	return errs
}

// lost are the services of a batch that could not be made. The zero value is ready to use.
type lost map[Key]bool

// note remembers a step that made no service.
func (l *lost) note(o Op, err error) {
	if err == nil || o.Verb != AddService {
		return
	}
	if *l == nil {
		*l = make(lost)
	}
	(*l)[o.Service.Key] = true
}

// without tells whether a step has no service to be about.
func (l lost) without(o Op) bool { return l[o.Service.Key] }

// waves sorts steps, by their numbers, into groups that can be sent without waiting for answers in between: what is about
// a new service waits until that has been made. Within a wave, and so for each service, steps keep their order; removals
// of services come after what is new.
func waves(ops []Op) [][]int {
	var out [][]int
	made := make(map[Key]int) // the wave in which what follows may come
	for i, o := range ops {
		n := made[o.Service.Key]
		switch o.Verb {
		case AddService:
			made[o.Service.Key] = n + 1
		case DeleteService:
			n = max(n, len(out)-1)
			made[o.Service.Key] = n
		}
		for len(out) <= n {
			out = append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	return out
}
