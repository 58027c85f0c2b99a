package lab

import (
	"errors"
	"testing"
	"time"
)

func TestWallClockOfOthersIsLeftAlone(t *testing.T) {
	t.Setenv("POLSO_LAB_VM", "")
	if _, err := StepWall(time.Hour); !errors.Is(err, ErrOthersClock) {
		t.Errorf("%v, want ErrOthersClock", err)
	}
}
