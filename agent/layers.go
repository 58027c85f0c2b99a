package agent

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// part is something that runs until its context ends.
type part func(context.Context) error

// runLayers runs the parts of every layer at once. When ctx ends, or any part fails, layers are stopped from the last to
// the first, each only when the one above it has ended: what is built upon goes last.
func runLayers(ctx context.Context, layers ...[]part) error {
	if len(layers) == 0 {
		<-ctx.Done()
		return nil
	}
	above, failed := context.WithCancel(ctx)
	defer failed()
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, own := errgroup.WithContext(own)
	for _, p := range layers[0] {
		g.Go(func() error { return ignoreCanceled(p(own)) })
	}
	context.AfterFunc(own, failed) // a failure down here stops what stands above
	errAbove := runLayers(above, layers[1:]...)
	stop()
	return errors.Join(errAbove, g.Wait())
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
