package agent

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"polso/api"
	"polso/figures"
)

// statusLines tells the supervisor in one line what this router does, whenever that changes: what `systemctl status` shows
// (sd_notify(3), STATUS=). Without a supervisor it does nothing.
func (a *Agent) statusLines(ctx context.Context) error {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := ""
	for {
		if line := statusLine(a.Local(api.Brief)); line != last {
			if _, err := daemon.SdNotify(false, "STATUS="+line); err != nil {
				a.log.Warn("telling the supervisor", "err", err)
			}
			last = line
		}
		select {
		case <-ctx.Done():
			_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping+"\nSTATUS=hands over") // who does not hear it sees the end
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// statusLine is what a router that says this of itself does: directs or stands by, by which revision, with which problems.
func statusLine(st api.Status) string {
	line := ""
	switch {
	case !st.Formed:
		return "belongs to no cluster: polso init, or polso join"
	case st.Lease.Held:
		line = "directs " + st.Cluster
	case st.Leader == "":
		line = "sees no leader in " + st.Cluster
	case st.Kernel == string(NoKernel):
		line = fmt.Sprintf("votes in %s, which %s leads", st.Cluster, st.Leader)
	default:
		line = fmt.Sprintf("stands by in %s, which %s directs", st.Cluster, st.Leader)
	}
	line += fmt.Sprintf(", revision %d", st.Revision)
	if n := len(st.Problems); n > 0 {
		line += fmt.Sprintf("; %s: %s: %s", figures.Count(n, "problem"), st.Problems[0].What, st.Problems[0].Why)
	}
	return strings.Join(strings.Fields(line), " ") // a line alone: what follows another would be an order to the supervisor
}
