package store

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestGuarded(t *testing.T) {
	noClose := func(int) error { return nil }
	if v, err := guarded(time.Minute, func() (int, error) { return 3, nil }, noClose); v != 3 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	if _, err := guarded(time.Minute, func() (int, error) { panic("page 7") }, noClose); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "page 7") {
		t.Errorf("panic: %v", err)
	}
	hang, closed := make(chan struct{}), make(chan int)
	_, err := guarded(time.Millisecond, func() (int, error) { <-hang; return 5, nil }, func(v int) error { closed <- v; return nil })
	if err == nil || !strings.Contains(err.Error(), "is the disk stuck?") {
		t.Errorf("hang: %v", err)
	}
	close(hang)
	if v := <-closed; v != 5 {
		t.Errorf("what was opened late, %d, stays open", v)
	}
}
