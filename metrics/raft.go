package metrics

import (
	"fmt"
	"time"

	gometrics "github.com/hashicorp/go-metrics"
	sink "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

// Raft are the numbers of the raft library, which keeps them for the whole process: one registry can have them. They are there once
// the library has said each for the first time, and begin with polso_raft_lib.
func Raft() (prometheus.Collector, error) {
	s, err := sink.NewPrometheusSinkFrom(sink.PrometheusOpts{Registerer: prometheus.NewRegistry(), Expiration: time.Hour})
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	c := gometrics.DefaultConfig("polso_raft_lib")
	c.EnableHostname, c.EnableRuntimeMetrics = false, false
	if _, err := gometrics.NewGlobal(c, s); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return s, nil
}
