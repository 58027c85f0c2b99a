package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLayersStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var diary []string
		note := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			diary = append(diary, s)
		}
		p := func(name string, slow time.Duration) part {
			return func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(slow)
				note(name)
				return ctx.Err()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- runLayers(ctx, []part{p("kernel", 0)}, []part{p("director", time.Second)}, []part{p("cluster", 2*time.Second)})
		}()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if want := []string{"cluster", "director", "kernel"}; !slices.Equal(diary, want) {
			t.Errorf("stopped %v, want %v", diary, want)
		}
	})
}

func TestLayersAFailureStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		for layer := range 3 {
			layers := [][]part{{wait}, {wait}, {wait}}
			layers[layer] = append(layers[layer], func(context.Context) error { return broken })
			if err := runLayers(t.Context(), layers...); !errors.Is(err, broken) {
				t.Errorf("layer %d: got %v, want the part's own error", layer, err)
			}
		}
	})
}
