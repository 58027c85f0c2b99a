// Package metrics tells what one router does as numbers for Prometheus: the cluster as it sees it, its traffic, its passes, raft.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"polso/api"
)

// Picture is everything that a scrape tells, as it is at one moment.
type Picture struct {
	Status api.Status // this router alone, with its virtuals
	Stats  api.Stats  // what its kernel counted; empty: it cannot be read
	Work   Work
}

// Work is what a router has done since its agent started.
type Work struct {
	Passes  uint64 // of the director
	Drift   uint64 // foreign changes of the kernel's table repaired
	Failing int    // failing passes in a row, just now
	Probed  int    // questions that are asked of servers, each in its turn
	Answers []Answers

	Commit, Applied, Last uint64 // of raft's log: indices
	Stalled               bool   // a write to its store hangs
}

// Answers is what came of the questions of one kind of check, each kind once.
type Answers struct {
	Kind       string
	OK, Failed uint64
}

// Source looks at a router. It may be called at any time, by several at once, and waits for nothing but the kernel.
type Source func() Picture

// These bound the series, of which a virtual has thirteen, a server eight and an address two. Of what is beyond them
// polso_virtuals_left_out, polso_servers_left_out and polso_vips_left_out tell how much it is, and the sums of it are whole.
const (
	maxVirtuals = 1000
	maxServers  = 2000
	maxVIPs     = 1000
)

// Registry are one router's metrics.
type Registry struct {
	all       *prometheus.Registry
	takeovers prometheus.Counter
	took      prometheus.Histogram
	passes    prometheus.Histogram
}

// New returns the metrics of source, which runs build.
func New(source Source, build api.Version) *Registry {
	r := &Registry{
		all: prometheus.NewRegistry(),
		takeovers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "polso_takeovers_total", Help: "How often this router took the lead since its agent started.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "polso_takeover_seconds", Help: "From the last sign of the director before to this router ready to hold, of the takeovers where both are known.",
			Buckets: takeoverBuckets(),
		}),
		passes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "polso_pass_seconds", Help: "How long each pass of the director's loop took, whether it failed or not.", Buckets: passBuckets(),
		}),
	}
	r.all.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(source, build),
		r.takeovers, r.took, r.passes,
	)
	return r
}

// takeoverBuckets are the histogram's, in seconds: from the fast profile's to what is an outage to everybody.
func takeoverBuckets() []float64 { return []float64{.1, .2, .3, .4, .6, .8, 1, 1.5, 2, 3, 5, 10, 30} }

// TookOver counts a taking of the lead; took is how long nobody had it, 0 where that is not known.
func (r *Registry) TookOver(took time.Duration) {
	r.takeovers.Inc()
	if took > 0 {
		r.took.Observe(took.Seconds())
	}
}

// passBuckets are the histogram's, in seconds: from a pass that changes nothing to one that makes the largest table anew.
func passBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
}

// Passed notes how long a pass of the director took.
func (r *Registry) Passed(took time.Duration) { r.passes.Observe(took.Seconds()) }

// Register adds others' metrics, as raft's; it panics when they were added before.
func (r *Registry) Register(c prometheus.Collector) { r.all.MustRegister(c) }

// ServeHTTP answers a scrape, in the format that it asks for.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	promhttp.HandlerFor(r.all, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, req)
}
