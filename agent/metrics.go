package agent

import (
	"context"
	"net/http"

	"polso/api"
	"polso/metrics"
)

// scraped is this router for a scrape. A kernel that cannot be read has counted nothing; its problem is told.
func (a *Agent) scraped() metrics.Picture {
	b := a.current.Load()
	dir := b.local.director.Status()
	p := metrics.Picture{
		Status: b.localStatus(),
		Work:   metrics.Work{Passes: dir.Passes, Drift: dir.Drift, Failing: dir.Failing, Probed: len(dir.Health)},
	}
	for kind, n := range b.local.checks.Answers() {
		p.Work.Answers = append(p.Work.Answers, metrics.Answers{Kind: string(kind), OK: n.OK, Failed: n.Failed})
	}
	if st, err := b.stats(context.Background(), api.StatsRequest{}); err == nil {
		p.Stats = st
	}
	if b.member != nil && b.member.opened.Load() {
		raft := b.member.node.Stats()
		p.Work.Commit, p.Work.Applied, p.Work.Last, p.Work.Stalled = raft.Commit, raft.Applied, raft.Last, raft.Stalled
	}
	return p
}

// metricsPath is where Prometheus looks.
const metricsPath = "/metrics"

// socketHandler is all that the unix socket answers.
func (a *Agent) socketHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, a.metrics)
	mux.Handle("/", api.New(a, a.o.Version))
	return mux
}
