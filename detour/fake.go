package detour

import (
	"maps"
	"net/netip"
	"sync"
)

// Fake is an Edge in memory. The zero value has nothing and is ready to use. All methods may be called by any goroutine.
type Fake struct {
	mu    sync.Mutex // guards below
	state State
	fail  error
}

// State returns a copy of what is there.
func (f *Fake) State() (State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return State{Base: f.state.Base, Virtuals: maps.Clone(f.state.Virtuals), Routes: maps.Clone(f.state.Routes)}, f.fail
}

// Do takes the steps.
func (f *Fake) Do(ops []Op) []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	errs := make([]error, len(ops))
	for i, o := range ops {
		if errs[i] = f.fail; f.fail == nil {
			f.do(o)
		}
	}
	return errs
}

func (f *Fake) do(o Op) {
	switch {
	case o.Part == Base:
		f.state.Base, f.state.Virtuals = o.Verb == Add, make(map[netip.Addr]netip.Addr)
		if f.state.Routes == nil {
			f.state.Routes = make(map[netip.Addr]Route)
		}
	case o.Part == Virtual && o.Verb == Add:
		f.state.Virtuals[o.At] = o.Virtual
	case o.Part == Virtual:
		delete(f.state.Virtuals, o.At)
	case o.Verb == Add:
		f.state.Routes[o.At] = Route{o.Server, o.By}
	default:
		delete(f.state.Routes, o.At)
	}
}

// Fail has every call fail with err from now on, as on a kernel without nftables; nil: none.
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// Lose takes everything away, as who loads a firewall anew does.
func (f *Fake) Lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = State{}
}
