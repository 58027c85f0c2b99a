//go:build !linux

package notify

import (
	"context"
	"errors"

	"polso/config"
)

func runCommand(context.Context, config.Notify, Event) error {
	return fatal{errors.New("commands are run on Linux alone")}
}
