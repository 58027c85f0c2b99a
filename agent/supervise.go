package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// stuck is how long one pass of the director may take before a supervisor is to start the process anew. A pass over a kernel
// that answers slowly takes up to half of it.
const stuck = time.Minute

// supervise tells the supervisor that the node serves, and while its inner clockwork turns, that it lives: the keeper's loop,
// which takes addresses down, and the director's passes. A supervisor that hears nothing kills the process and starts it anew
// (sd_notify(3), WatchdogSec= of systemd.service(5)). Without a supervisor it does nothing.
func (a *Agent) supervise(ctx context.Context) error {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		a.log.Warn("telling the supervisor", "err", err)
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		a.log.Warn("the supervisor's watchdog", "err", err)
	}
	if err != nil || every == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	var turns uint64
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		l := a.current.Load().local
		now := l.keeper.Turns()
		why := ""
		switch pass := time.Since(l.director.Status().At); {
		case now == turns:
			why = "the keeper's loop stands still"
		case pass > stuck && time.Since(a.started) > stuck:
			why = fmt.Sprintf("the last pass ended %v ago", pass.Round(time.Second))
		}
		turns = now
		l.keeper.Look()
		if why != "" {
			a.log.Error("not telling the supervisor that all is well", "why", why)
			continue
		}
		if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
			a.log.Warn("telling the supervisor", "err", err)
		}
	}
}
