package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"polso/api"
)

// collector turns a picture into series at every scrape: nothing is kept that could be out of date.
type collector struct {
	source Source
	build  api.Version
	series map[string]*prometheus.Desc
}

// family is a metric's name, its help and the names of its labels.
type family struct {
	name, help string
	labels     []string
}

// families are the series that a scrape makes anew.
func families() []family {
	virtual, server := []string{"virtual"}, []string{"virtual", "server", "address"}
	return []family{
		{"polso_build_info", "What runs, always 1.", []string{"version", "commit", "go"}},
		{"polso_formed", "1 on a router that belongs to a cluster.", nil},
		{"polso_has_leader", "1 where this router knows a leader.", nil},
		{"polso_director", "1 on the router that holds the addresses of group default.", nil},
		{"polso_lease_remaining_seconds", "How long this router may hold its addresses unless the lease is renewed; 0 on those that stand by.", nil},
		{"polso_term", "The term of the cluster's election as this router knows it.", nil},
		{"polso_revision", "The document's revision as this router knows it.", nil},
		{"polso_applied_revision", "The revision that this router's kernel follows.", nil},
		{"polso_converged", "1 where the kernel is as the applied revision wants it.", nil},
		{"polso_unconfirmed", "1 while the running revision waits to be confirmed.", nil},
		{"polso_problems", "What needs an operator on this router, in number.", nil},
		{"polso_passes_total", "Passes of the director's loop since the agent started.", nil},
		{"polso_failing_passes", "Passes in a row that failed, just now.", nil},
		{"polso_drift_repaired_total", "Foreign changes of the kernel's table that were repaired since the agent started.", nil},
		{"polso_checks", "Questions that are asked of servers, each in its turn.", nil},
		{"polso_check_results_total", "Questions that servers were asked since the agent started, by the kind of check and what came of them: ok or failed.", []string{"kind", "result"}},
		{"polso_vip_held", "1 where this router holds the address.", []string{"vip", "address"}},
		{"polso_vip_conflicts", "Claims of the address by others that were heard since it was taken up.", []string{"vip", "address"}},
		{"polso_vips_left_out", "Addresses that are too many to be told one by one.", nil},
		{"polso_virtuals", "Virtuals by state, of all that the document has.", []string{"state"}},
		{"polso_virtuals_left_out", "Virtuals that are too many to be told one by one, of those that are up if there are any.", nil},
		{"polso_virtual_up", "1 where the virtual has its servers; not told of one that is inactive.", virtual},
		{"polso_virtual_servers", "Servers of the virtual, by state.", []string{"virtual", "state"}},
		{"polso_virtual_connections_total", "Connections that this router's kernel scheduled.", virtual},
		{"polso_virtual_bytes_in_total", "Bytes from clients.", virtual},
		{"polso_virtual_bytes_out_total", "Bytes to clients; 0 where servers answer past the director.", virtual},
		{"polso_virtual_packets_in_total", "Packets from clients.", virtual},
		{"polso_virtual_packets_out_total", "Packets to clients; 0 where servers answer past the director.", virtual},
		{"polso_virtual_active_connections", "Established connections in this router's table.", virtual},
		{"polso_server_up", "1 where this router's checks say that the server is up, or it has none.", server},
		{"polso_server_weight", "The weight that the kernel's table has; 0 also when the server is out of it.", server},
		{"polso_server_connections_total", "Connections that this router's kernel gave to the server.", server},
		{"polso_server_bytes_in_total", "Bytes from clients to the server.", server},
		{"polso_server_bytes_out_total", "Bytes from the server to clients; 0 where it answers past the director.", server},
		{"polso_server_packets_in_total", "Packets from clients to the server.", server},
		{"polso_server_packets_out_total", "Packets from the server to clients; 0 where it answers past the director.", server},
		{"polso_server_active_connections", "Established connections to the server in this router's table.", server},
		{"polso_servers_left_out", "Servers that are too many to be told one by one; their virtuals' numbers are whole.", nil},
		{"polso_raft_commit_index", "The last entry of the log that is committed, as this router knows it.", nil},
		{"polso_raft_applied_index", "The last entry that this router has applied.", nil},
		{"polso_raft_last_index", "The last entry of this router's log.", nil},
		{"polso_raft_stalled", "1 while a write to this router's log hangs.", nil},
	}
}

func newCollector(source Source, build api.Version) *collector {
	c := &collector{source: source, build: build, series: make(map[string]*prometheus.Desc)}
	for _, f := range families() {
		c.series[f.name] = prometheus.NewDesc(f.name, f.help, f.labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.series {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := scrape{c.series, out}
	s.gauge("polso_build_info", 1, c.build.Version, c.build.Commit, c.build.Go)
	p := c.source()
	s.cluster(p.Status)
	s.work(p.Work)
	s.traffic(p.Status.Virtuals, p.Stats.Virtuals)
}

// scrape is one collection.
type scrape struct {
	series map[string]*prometheus.Desc
	out    chan<- prometheus.Metric
}

func (s scrape) gauge(name string, v float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.series[name], prometheus.GaugeValue, v, labels...)
}

func (s scrape) counter(name string, v uint64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.series[name], prometheus.CounterValue, float64(v), labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s scrape) cluster(st api.Status) {
	s.gauge("polso_formed", truth(st.Formed))
	s.gauge("polso_has_leader", truth(st.Leader != ""))
	s.gauge("polso_director", truth(st.Lease.Held))
	s.gauge("polso_lease_remaining_seconds", st.Lease.ExpiresIn)
	s.gauge("polso_term", float64(st.Term))
	s.gauge("polso_revision", float64(st.Revision))
	s.gauge("polso_applied_revision", float64(st.AppliedRevision))
	s.gauge("polso_converged", truth(st.Converged))
	s.gauge("polso_unconfirmed", truth(st.Confirm != nil))
	s.gauge("polso_problems", float64(len(st.Problems)))
	s.vips(st.VIPs)
}

func (s scrape) vips(list []api.VIP) {
	seen := make(map[[2]string]bool)
	for _, v := range list {
		key := [2]string{v.Name, v.Address}
		if seen[key] {
			continue
		}
		if seen[key] = true; len(seen) > maxVIPs {
			continue
		}
		s.gauge("polso_vip_held", truth(v.Held), v.Name, v.Address)
		n := uint64(0)
		if v.Conflict != nil {
			n = v.Conflict.Count
		}
		s.gauge("polso_vip_conflicts", float64(n), v.Name, v.Address)
	}
	s.gauge("polso_vips_left_out", float64(max(0, len(seen)-maxVIPs)))
}

func (s scrape) work(w Work) {
	s.counter("polso_passes_total", w.Passes)
	s.gauge("polso_failing_passes", float64(w.Failing))
	s.counter("polso_drift_repaired_total", w.Drift)
	s.gauge("polso_checks", float64(w.Probed))
	for _, a := range w.Answers {
		s.counter("polso_check_results_total", a.OK, a.Kind, "ok")
		s.counter("polso_check_results_total", a.Failed, a.Kind, "failed")
	}
	s.gauge("polso_raft_commit_index", float64(w.Commit))
	s.gauge("polso_raft_applied_index", float64(w.Applied))
	s.gauge("polso_raft_last_index", float64(w.Last))
	s.gauge("polso_raft_stalled", truth(w.Stalled))
}
