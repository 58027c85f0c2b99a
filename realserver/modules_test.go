package realserver

import (
	"fmt"
	"testing"
)

// stubborn is a machine that loads no module.
type stubborn struct{ Host }

func (stubborn) Make(c Change) error {
	if c.Kind == Module {
		return fmt.Errorf("%w: exit status 1", ErrNotLoaded)
	}
	return nil
}

// A module that could not be loaded is no change that was made, and keeps nothing from being tried.
func TestAModuleThatIsNotLoadedIsNoChange(t *testing.T) {
	up := Change{Thing{State, "tunl0", ""}, down, up}
	done, err := Server{Host: stubborn{}}.make([]Change{{Thing: Thing{Kind: Module, Name: "ipip"}}, up})
	if err != nil || len(done) != 1 || done[0] != up {
		t.Errorf("done %v, %v; want %v", done, err, up)
	}
}
