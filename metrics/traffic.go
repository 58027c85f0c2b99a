package metrics

import (
	"net"
	"strconv"

	"polso/api"
)

// serverStates are the words that a server's state can be: all of them are told, so that a sum over one never misses.
var serverStates = []string{"up", "down", "unknown", "drain", "disabled", "leaving"}

// traffic tells of the virtuals: how their servers are, and what the kernel counted.
func (s scrape) traffic(list []api.Virtual, counted []api.VirtualStats) {
	stats := make(map[string]api.VirtualStats, len(counted))
	for _, c := range counted {
		stats[c.Name] = c
	}
	left, servers := 0, 0
	for _, v := range list {
		s.virtual(v, stats[v.Name])
		if servers += len(v.Servers); servers > maxServers {
			left += len(v.Servers)
			continue
		}
		s.servers(v, stats[v.Name])
	}
	s.gauge("polso_servers_left_out", float64(left))
}

func (s scrape) virtual(v api.Virtual, st api.VirtualStats) {
	s.gauge("polso_virtual_up", truth(v.State == "up"), v.Name)
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
		s.counter("polso_server_connections_total", counted[address].Totals.Connections, labels...)
		s.gauge("polso_server_active_connections", float64(counted[address].Active), labels...)
	}
}
