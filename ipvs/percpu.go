package ipvs

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// CPUStats is what IPVS counted on each processor, of all services together and as the packets come.
type CPUStats struct {
	CPUs  []CPU
	Total Counters // with rates; the kernel adds it up every two seconds, and ipvsadm --zero begins it anew
}

// CPU is what one processor counted since the module was loaded, or the network namespace made. It has no rates.
type CPU struct {
	Number int
	Counters
}

// readCPUStats reads /proc/net/ip_vs_stats_percpu: two lines of header, one for each processor, one for all, an empty one, a
// header, and the rates; every number is hexadecimal.
func readCPUStats(r io.Reader) (st CPUStats, err error) {
	lines := bufio.NewScanner(r)
	n := 0
	next := func() []string {
		n++
		lines.Scan()
		return strings.Fields(lines.Text())
	}
	wrong := func() (CPUStats, error) {
		if err := lines.Err(); err != nil {
			return CPUStats{}, err
		}
		return CPUStats{}, fmt.Errorf("line %d: %q: %w", n, lines.Text(), errNotUnderstood)
	}
	if next(); strings.Join(next(), " ") != "CPU Conns Packets Packets Bytes Bytes" {
		return wrong()
	}
	for {
		f := next()
		if len(f) != 6 {
			return wrong()
		}
		c, ok := parseTotals(f[1:])
		if ok && f[0] == "~" {
			st.Total = c
			break
		}
		number, err := strconv.ParseUint(f[0], 16, 16)
		if !ok || err != nil {
			return wrong()
		}
		st.CPUs = append(st.CPUs, CPU{int(number), c})
	}
	if len(next()) != 0 {
		return wrong()
	}
	if strings.Join(next(), " ") != "Conns/s Pkts/s Pkts/s Bytes/s Bytes/s" {
		return wrong()
	}
	c, ok := parseTotals(next())
	if !ok {
		return wrong()
	}
	t := &st.Total
	t.CPS, t.PPSIn, t.PPSOut, t.BPSIn, t.BPSOut = c.Connections, c.PacketsIn, c.PacketsOut, c.BytesIn, c.BytesOut
	return st, nil
}

// parseTotals reads connections, packets and bytes.
func parseTotals(fields []string) (c Counters, ok bool) {
	to := []*uint64{&c.Connections, &c.PacketsIn, &c.PacketsOut, &c.BytesIn, &c.BytesOut}
	if len(fields) != len(to) {
		return c, false
	}
	for i, f := range fields {
		n, err := strconv.ParseUint(f, 16, 64)
		if err != nil {
			return c, false
		}
		*to[i] = n
	}
	return c, true
}
