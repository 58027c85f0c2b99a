package main

import (
	"strings"
	"testing"

	"polso/api"
)

// What a simulated kernel never has: connections in many states, counters beyond 32 bits, words of a client that would steer the
// terminal.
func TestNumbersTables(t *testing.T) {
	table := api.ConnectionTable{
		Node: "r1", Total: 4,
		Connections: []api.Connection{
			{Protocol: "tcp", Client: "198.51.100.7:40122", Service: "192.0.2.10:80", Address: "10.0.0.1:80", Virtual: "web", Server: "a", State: "ESTABLISHED", Expires: 899, Origin: "sync"},
			{Protocol: "udp", Client: "[2001:db8::7]:5060", Service: "[2001:db8::50]:5060", Address: "[fd00::1]:5060", Virtual: "sip", State: "UDP", Expires: 0, Engine: "sip", Data: "\x1b[2J"},
			{Protocol: "ip", Client: "198.51.100.7:0", Service: "fwmark 7", Address: "10.0.0.1:0", State: "NONE", Expires: 60},
		},
		Counts: []api.ConnectionCount{
			{Virtual: "web", Server: "a", Address: "10.0.0.1:80", States: map[string]int{"ESTABLISHED": 2, "TIME_WAIT": 1}, Total: 3},
			{Address: "10.0.0.9:80", States: map[string]int{"FIN_WAIT": 1}, Total: 1},
		},
	}
	large := api.Totals{Connections: 1 << 63, PacketsIn: 1, BytesIn: 1<<64 - 1}
	stats := api.Stats{Virtuals: []api.VirtualStats{{
		Name: "web", Totals: large, Rates: api.Rates{Connections: 1234, PacketsIn: 5_000_000, BytesIn: 12_000_000},
		Servers: []api.ServerStats{{Address: "10.0.0.9:80", Active: 12345, Persistent: 2, Totals: large}},
	}}}
	cpus := api.CPUStats{CPUs: []api.CPU{{Number: 3, Totals: large}}, Totals: large}
	for _, test := range []struct {
		name, output string
		show         func(*app) error
		want         string
	}{
		{"connections", "", func(a *app) error { return a.connectionTable(a.stdout, table.Connections) }, `
SERVER  STATE        PROTO  CLIENT              SERVICE              ADDRESS         EXPIRES
web/a   ESTABLISHED  tcp    198.51.100.7:40122  192.0.2.10:80        10.0.0.1:80      14m59s
sip     UDP          udp    [2001:db8::7]:5060  [2001:db8::50]:5060  [fd00::1]:5060      0ms
-       NONE         ip     198.51.100.7:0      fwmark 7             10.0.0.1:0        1m00s
`},
		{"connections, wide", "wide", func(a *app) error { return a.connectionTable(a.stdout, table.Connections[:2]) }, `
SERVER  STATE        PROTO  CLIENT              SERVICE              ADDRESS         EXPIRES  ORIGIN  ENGINE  DATA
web/a   ESTABLISHED  tcp    198.51.100.7:40122  192.0.2.10:80        10.0.0.1:80      14m59s  sync    -       -
sip     UDP          udp    [2001:db8::7]:5060  [2001:db8::50]:5060  [fd00::1]:5060      0ms  -       sip     "\x1b[2J"
`},
		{"connections, names", "name", func(a *app) error { return a.connectionTable(a.stdout, table.Connections[:1]) }, "\n198.51.100.7:40122\n"},
		{"counts", "", func(a *app) error { return a.countTable(a.stdout, table) }, `
SERVER  ADDRESS      TOTAL  ESTABLISHED  FIN_WAIT  TIME_WAIT
web/a   10.0.0.1:80      3            2         0          1
-       10.0.0.9:80      1            0         1          0
`},
		{"counts, names", "name", func(a *app) error { return a.countTable(a.stdout, table) }, "\nserver/web/a\nserver/10.0.0.9:80\n"},
		{"totals", "wide", func(a *app) error { return a.statsTable(a.stdout, stats, false, "") }, `
NAME                           CONNS  INPKTS  OUTPKTS               INBYTES  OUTBYTES  ACTIVE  INACTIVE  PERSISTENT  ADDRESS
web              9223372036854775808       1        0  18446744073709551615         0   12345         0           2  -
web/10.0.0.9:80  9223372036854775808       1        0  18446744073709551615         0   12345         0           2  10.0.0.9:80
`},
		{"rates", "", func(a *app) error { return a.statsTable(a.stdout, stats, true, "") }, `
NAME             CONN/S  INPKT/S  OUTPKT/S         IN  OUT
web                1.2k     5.0M         0  96.0 Mb/s    -
web/10.0.0.9:80       0        0         0          -    -
`},
		{"processors", "", func(a *app) error { return a.cpuTable(a.stdout, cpus) }, `
CPU                  CONNS  INPKTS  OUTPKTS               INBYTES  OUTBYTES
3      9223372036854775808       1        0  18446744073709551615         0
total  9223372036854775808       1        0  18446744073709551615         0
`},
	} {
		var out, errs strings.Builder
		a := newApp(strings.NewReader(""), &out, &errs, func(string) string { return "" })
		a.output = test.output
		if err := test.show(a); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := "\n" + out.String(); got != test.want {
			t.Errorf("%s: got%s\nwant%s", test.name, got, test.want)
		}
	}
}
