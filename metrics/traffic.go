package metrics

import (
	"net"
	"slices"
	"strconv"

	"polso/api"
)

// serverStates are the words that a server's state can be: all of them are told, so that a sum over one never misses.
var serverStates = []string{"up", "down", "unknown", "drain", "disabled", "leaving"}

// virtualStates are the words that a virtual's state can be.
var virtualStates = []string{"up", "down", "panic", "unknown", inactive}

// inactive is a virtual that the document keeps and has serve nothing: that it has no servers is no trouble.
const inactive = "inactive"

// traffic tells of the virtuals: how their servers are, and what the kernel counted.
func (s scrape) traffic(list []api.Virtual, counted []api.VirtualStats) {
	stats := make(map[string]api.VirtualStats, len(counted))
	for _, c := range counted {
		stats[c.Name] = c
	}
	states := make(map[string]int)
	for _, v := range list {
		states[v.State]++
	}
	for _, state := range virtualStates {
		s.gauge("polso_virtuals", float64(states[state]), state)
	}
	left, servers := 0, 0
	for i, v := range troubledFirst(list) {
		if i < maxVirtuals {
			s.virtual(v, stats[v.Name])
		}
		if servers += len(v.Servers); i >= maxVirtuals || servers > maxServers {
			left += len(v.Servers)
			continue
		}
		s.servers(v, stats[v.Name])
	}
	s.gauge("polso_virtuals_left_out", float64(max(0, len(list)-maxVirtuals)))
	s.gauge("polso_servers_left_out", float64(left))
}

// troubledFirst puts the virtuals that want an operator before the others: an alert must not miss them because they are too many.
func troubledFirst(list []api.Virtual) []api.Virtual {
	well := func(v api.Virtual) int {
		if v.State == "up" || v.State == inactive {
			return 1
		}
		return 0
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b api.Virtual) int { return well(a) - well(b) })
	return list
}

func (s scrape) virtual(v api.Virtual, st api.VirtualStats) {
	if v.State != inactive {
		s.gauge("polso_virtual_up", truth(v.State == "up"), v.Name)
	}
	states := make(map[string]int)
	for _, server := range v.Servers {
		if !server.Sorry {
			states[server.State]++
		}
	}
	for _, state := range serverStates {
		s.gauge("polso_virtual_servers", float64(states[state]), v.Name, state)
	}
	s.counter("polso_virtual_connections_total", st.Totals.Connections, v.Name)
	s.counter("polso_virtual_bytes_in_total", st.Totals.BytesIn, v.Name)
	s.counter("polso_virtual_bytes_out_total", st.Totals.BytesOut, v.Name)
	s.counter("polso_virtual_packets_in_total", st.Totals.PacketsIn, v.Name)
	s.counter("polso_virtual_packets_out_total", st.Totals.PacketsOut, v.Name)
	active := 0
	for _, server := range st.Servers {
		active += server.Active
	}
	s.gauge("polso_virtual_active_connections", float64(active), v.Name)
}

// servers tells of each. One that leaves may have the name and address of another: the first counts.
func (s scrape) servers(v api.Virtual, st api.VirtualStats) {
	counted := make(map[string]api.ServerStats, len(st.Servers))
	for _, c := range st.Servers {
		if _, ok := counted[c.Address]; !ok {
			counted[c.Address] = c
		}
	}
	told := make(map[[2]string]bool)
	for _, server := range v.Servers {
		address := net.JoinHostPort(server.Address, strconv.Itoa(int(server.Port)))
		if key := [2]string{server.Name, address}; told[key] {
			continue
		} else {
			told[key] = true
		}
		labels := []string{v.Name, server.Name, address}
		s.gauge("polso_server_up", truth(server.Health == "up" || server.Health == "unchecked"), labels...)
		s.gauge("polso_server_weight", float64(server.EffectiveWeight), labels...)
		st := counted[address]
		s.counter("polso_server_connections_total", st.Totals.Connections, labels...)
		s.counter("polso_server_bytes_in_total", st.Totals.BytesIn, labels...)
		s.counter("polso_server_bytes_out_total", st.Totals.BytesOut, labels...)
		s.counter("polso_server_packets_in_total", st.Totals.PacketsIn, labels...)
		s.counter("polso_server_packets_out_total", st.Totals.PacketsOut, labels...)
		s.gauge("polso_server_active_connections", float64(st.Active), labels...)
	}
}
