package realserver

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
)

// Host is the machine, or one in memory. *Kernel is it.
type Host interface {
	Observe() (Machine, error)
	Make(Change) error // ErrNotInKernel if this kernel has no such thing, ErrNotLoaded if a module could not be loaded
	// Born tells this boot, and this network namespace from the others of it.
	Born() (Birth, error)
}

// ErrNotInKernel means that the kernel has neither built in nor as a module what a change needs.
var ErrNotInKernel = errors.New("this kernel has no such thing")

// ErrNotLoaded means that a module could not be loaded. It may be built in, or not be needed.
var ErrNotLoaded = errors.New("the module was not loaded")

// Server is one machine as a real server. One process may change it at a time; see agent.Alone.
type Server struct {
	Host Host
	Dir  string // for the record
}

// Foresee says what Setup would do.
func (s Server) Foresee(want Want) ([]Change, error) {
	m, err := s.Host.Observe()
	if err != nil {
		return nil, err
	}
	return Plan(want, m)
}

// Setup makes the machine what is wanted and says what it changed for that: nothing when it was that already. What others set up
// before stays. After an error what was done is recorded, so that Remove and another Setup know.
func (s Server) Setup(want Want) (done []Change, err error) {
	r, path, err := s.record()
	if err != nil {
		return nil, err
	}
	if r.Device != "" && r.Device != want.Device {
		return nil, &Refusal{fmt.Sprintf("addresses were put on %s before, not on %s", r.Device, want.Device), "remove them first, or use the same device"}
	}
	m, err := s.Host.Observe()
	if err != nil {
		return nil, err
	}
	changes, err := Plan(want, m)
	if err != nil {
		return nil, err
	}
	if modules := only(changes, Module); len(modules) > 0 {
		if done, err = s.make(modules); err != nil {
			return done, err
		}
		if m, err = s.Host.Observe(); err != nil {
			return done, err
		}
		for _, c := range modules {
			m.Modules = append(m.Modules, c.Name) // one that is built in is listed nowhere
		}
		if changes, err = Plan(want, m); err != nil {
			return done, err
		}
	}
	if err := r.with(want, changes).write(path); err != nil {
		return done, fmt.Errorf("record: %w", err)
	}
	more, err := s.make(changes)
	if err != nil && len(more) == 0 {
		err = errors.Join(err, r.write(path))
	}
	return append(done, more...), err
}

func only(changes []Change, kind Kind) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Kind != kind })
}

// make does the changes in their order, up to the first that fails.
func (s Server) make(changes []Change) (done []Change, err error) {
	for _, c := range changes {
		err := s.Host.Make(c)
		if errors.Is(err, ErrNotLoaded) { // it may be built in: what needs it will tell
			continue
		}
		if err != nil {
			return done, fmt.Errorf("%s: %w", c.Command(), err)
		}
		done = append(done, c)
	}
	return done, nil
}

// ForeseeRemoval says what Remove would do.
func (s Server) ForeseeRemoval(only []netip.Addr) (changes []Change, notes []string, err error) {
	r, _, err := s.record()
	if err != nil {
		return nil, nil, err
	}
	m, err := s.Host.Observe()
	if err != nil {
		return nil, nil, err
	}
	changes, _, notes = Undo(r, m, only)
	return changes, notes, nil
}

// Remove takes these addresses away again, or all; with the last everything is put back as it was found. What it says in notes was
// changed by somebody else since and is left.
func (s Server) Remove(only []netip.Addr) (done []Change, notes []string, err error) {
	r, path, err := s.record()
	if err != nil {
		return nil, nil, err
	}
	m, err := s.Host.Observe()
	if err != nil {
		return nil, nil, err
	}
	changes, left, notes := Undo(r, m, only)
	if done, err = s.make(changes); err != nil {
		return done, notes, err
	}
	return done, notes, left.write(path)
}

// Record is what was set up so far; it is empty if nothing was.
func (s Server) Record() (Record, error) {
	r, _, err := s.record()
	return r, err
}

// record reads the record of this namespace and says where it lies.
func (s Server) record() (Record, string, error) {
	born, err := s.Host.Born()
	if err != nil {
		return Record{}, "", err
	}
	path := filepath.Join(s.Dir, "realserver-"+born.Namespace+".json")
	r, err := readRecord(path, born)
	return r, path, err
}
