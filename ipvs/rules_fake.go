package ipvs

import "sync"

// FakeRules are rules in memory. The zero value has none and is ready to use. All methods may be called by any goroutine.
type FakeRules struct {
	mu    sync.Mutex // guards below
	rules Rules
	fail  error
}

// Rules returns a copy of the rules, in canonical form.
func (f *FakeRules) Rules() (Rules, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rules.Canonical(), f.fail
}

// SetRules takes the place of what was there.
func (f *FakeRules) SetRules(want Rules) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		f.rules = want.Canonical()
	}
	return f.fail
}

// Fail has every call fail with err from now on, as on a kernel without nftables; nil: none.
func (f *FakeRules) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}
