package agent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"polso/api"
	"polso/config"
	"polso/fsm"
	"polso/ipvs"
)

// conn is a connection as a test writes it: "tcp CLIENT VIRTUAL SERVER STATE", or "mark N CLIENT SERVER STATE".
func conn(t *testing.T, text string) ipvs.Connection {
	t.Helper()
	f := strings.Fields(text)
	at := netip.MustParseAddrPort
	if f[0] == "mark" {
		var mark uint32
		if _, err := fmt.Sscan(f[1], &mark); err != nil {
			t.Fatal(err)
		}
		b := [16]byte{byte(mark >> 24), byte(mark >> 16), byte(mark >> 8), byte(mark)}
		addr := netip.AddrFrom16(b)
		if at(f[2]).Addr().Is4() {
			addr = netip.AddrFrom4([4]byte(b[:4]))
		}
		return ipvs.Connection{Client: at(f[2]), Virtual: netip.AddrPortFrom(addr, 0), Server: at(f[3]), State: f[4], Expires: time.Minute}
	}
	protocol := map[string]ipvs.Protocol{"tcp": ipvs.TCP, "udp": ipvs.UDP}[f[0]]
	return ipvs.Connection{Protocol: protocol, Client: at(f[1]), Virtual: at(f[2]), Server: at(f[3]), State: f[4], Expires: time.Minute, Origin: ipvs.Here}
}

// Connections bear the names of the document, whichever way their service has its.
func TestDirectory(t *testing.T) {
	addr := netip.MustParseAddr
	server := func(name, at string) config.Server {
		return config.Server{Name: name, Address: netip.MustParseAddrPort(at)}
	}
	web := config.Virtual{Name: "web", Address: addr("192.0.2.10"), Ports: []uint16{80}, Protocol: config.TCP, Servers: []config.Server{server("a", "10.0.0.1:8080")}}
	old := web
	old.Name = "www" // before it was renamed
	mark := func(name string, n uint32, f config.Family, servers ...config.Server) config.Virtual {
		return config.Virtual{Name: name, FWMark: n, Family: f, Servers: servers}
	}
	several := func(name string, p config.Protocol, ports ...uint16) config.Virtual { // under a mark of Polso's
		return config.Virtual{Name: name, Address: addr("192.0.2.13"), Family: config.IPv4, Protocol: p, Ports: ports,
			Ranges: []config.PortRange{{From: 8000, To: 8100}}, Servers: []config.Server{server("a", "10.0.0.5:0")}}
	}
	many, udp := several("many", config.TCP, 80, 443), several("udp", config.UDP, 80)
	snap := &fsm.Snapshot{
		Document: config.Document{Virtuals: []config.Virtual{
			web,
			{Name: "web6", Address: addr("2001:db8::50"), Ports: []uint16{80}, Protocol: config.TCP, Servers: []config.Server{server("a", "[fd00::1]:80")}},
			{Name: "all", Address: addr("192.0.2.11"), Ports: []uint16{0}, Protocol: config.TCP, Persistent: &config.Persistent{Timeout: time.Minute}, Servers: []config.Server{server("a", "10.0.0.1:0")}},
			many, udp,
			mark("ftp", 7, config.IPv4, server("a", "10.0.0.7:0")),
			mark("ftp6", 7, config.IPv6, server("a", "[fd00::7]:0")),
			mark("one", 8, config.IPv4, server("shared", "10.0.0.8:0")),
			mark("two", 9, config.IPv4, server("shared", "10.0.0.8:0")),
		}},
		Leaving: []fsm.Leaving{{Virtual: old, Server: server("gone", "10.0.0.2:8080")}},
	}
	d := newDirectory(snap)
	for text, want := range map[string]place{
		"tcp 198.51.100.7:40122 192.0.2.13:443 10.0.0.5:443 ESTABLISHED":   {"many", "a"},
		"tcp 198.51.100.7:40122 192.0.2.13:8100 10.0.0.5:8100 ESTABLISHED": {"many", "a"},
		"udp 198.51.100.7:40122 192.0.2.13:8000 10.0.0.5:8000 UDP":         {"udp", "a"},
		"tcp 198.51.100.7:40122 192.0.2.13:8101 10.0.0.5:8101 ESTABLISHED": {},
		"tcp 198.51.100.7:40122 192.0.2.14:443 10.0.0.5:443 ESTABLISHED":   {},
		fmt.Sprintf("mark %d 198.51.100.7:0 10.0.0.5:0 NONE", many.Mark()): {"many", "a"},
		"tcp 198.51.100.7:40122 192.0.2.10:80 10.0.0.1:8080 ESTABLISHED":   {"web", "a"},
		"tcp 198.51.100.7:0 192.0.2.10:80 10.0.0.1:8080 NONE":              {"web", "a"}, // a template
		"tcp 198.51.100.7:40122 192.0.2.10:80 10.0.0.2:8080 FIN_WAIT":      {"web", "gone"},
		"tcp 198.51.100.7:40122 192.0.2.10:80 10.0.0.9:8080 FIN_WAIT":      {"web", ""},
		"udp 198.51.100.7:40122 192.0.2.10:80 10.0.0.1:8080 UDP":           {},
		"tcp 198.51.100.7:40122 192.0.2.10:81 10.0.0.1:8080 ESTABLISHED":   {},
		"tcp [2001:db8::7]:1 [2001:db8::50]:80 [fd00::1]:80 ESTABLISHED":   {"web6", "a"},
		"tcp 198.51.100.7:40122 192.0.2.11:21 10.0.0.1:21 ESTABLISHED":     {"all", "a"},
		"tcp 198.51.100.7:0 192.0.2.11:0 10.0.0.1:0 NONE":                  {"all", "a"},
		"mark 7 198.51.100.7:0 10.0.0.7:0 NONE":                            {"ftp", "a"},
		"mark 7 [2001:db8::7]:0 [fd00::7]:0 NONE":                          {"ftp6", "a"},
		"mark 8 198.51.100.7:0 10.0.0.8:0 NONE":                            {"one", "shared"},
		"mark 1 198.51.100.7:0 10.0.0.7:0 NONE":                            {},
		"tcp 198.51.100.7:40122 192.0.2.12:21 10.0.0.7:21 ESTABLISHED":     {"ftp", "a"}, // by its server: the kernel does not keep the mark
		"tcp 198.51.100.7:40122 192.0.2.12:21 10.0.0.8:21 ESTABLISHED":     {},           // of two that might be it
	} {
		if got := d.place(conn(t, text)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	for names, want := range map[place]api.Code{{}: "", {"web", ""}: "", {"web", "gone"}: "", {"www", ""}: api.CodeNotFound, {"web", "b"}: api.CodeNotFound} {
		if got := api.CodeOf(isThere(snap, names.virtual, names.server)); got != want {
			t.Errorf("%v: got %q, want %q", names, got, want)
		}
	}
}

// A router's connection table is chosen from and counted, its own or another's.
func TestConnections(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	r1, r2 := w.nodes[0], w.nodes[1]
	r1.status("settled", settled(3, 2))
	synced := conn(t, "tcp 198.51.100.9:1 10.9.0.50:80 10.9.0.22:80 ESTABLISHED")
	synced.Origin, synced.PE, synced.PEData = ipvs.Synced, "sip", "\x1b[2J"
	r2.table.SetConnections([]ipvs.Connection{
		conn(t, "tcp 198.51.100.7:1 10.9.0.50:80 10.9.0.21:80 ESTABLISHED"),
		conn(t, "tcp 198.51.100.7:2 10.9.0.50:80 10.9.0.22:80 TIME_WAIT"),
		conn(t, "tcp 198.51.100.8:1 10.9.0.50:80 10.9.0.21:80 TIME_WAIT"),
		conn(t, "tcp 198.51.100.8:2 10.9.0.50:80 10.9.0.21:80 TIME_WAIT"),
		conn(t, "tcp 203.0.113.1:1 10.9.0.51:80 10.9.0.21:80 ESTABLISHED"),
		conn(t, "mark 7 203.0.113.1:0 10.9.0.21:0 NONE"),
		synced,
	})
	ask := func(r api.ConnectionsRequest) string {
		t.Helper()
		got, err := r1.client.Connections(t.Context(), r)
		if err != nil {
			return string(api.CodeOf(err))
		}
		if got.Node != "r2" {
			t.Errorf("%+v: from %s", r, got.Node)
		}
		var words []string
		for _, c := range got.Connections {
			words = append(words, c.Client)
		}
		for _, n := range got.Counts {
			words = append(words, fmt.Sprint(n.Virtual, "/", n.Server, " ", n.Address, " ", n.States, n.Total))
		}
		return fmt.Sprint(strings.Join(words, ", "), " ", got.Total, " ", got.More)
	}
	for _, test := range []struct {
		r    api.ConnectionsRequest
		want string
	}{
		{api.ConnectionsRequest{}, "198.51.100.7:1, 198.51.100.7:2, 198.51.100.8:1, 198.51.100.8:2, 203.0.113.1:1, 203.0.113.1:0, 198.51.100.9:1 7 false"},
		{api.ConnectionsRequest{Virtual: "web", Server: "b"}, "198.51.100.7:2, 198.51.100.9:1 2 false"},
		{api.ConnectionsRequest{Virtual: "web", State: "established"}, "198.51.100.7:1, 198.51.100.9:1 2 false"},
		{api.ConnectionsRequest{Client: "198.51.100.8"}, "198.51.100.8:1, 198.51.100.8:2 2 false"},
		{api.ConnectionsRequest{Client: "198.51.100.8/29", Limit: 2}, "198.51.100.8:1, 198.51.100.8:2 2 true"},
		{api.ConnectionsRequest{Virtual: "web", Limit: 5}, "198.51.100.7:1, 198.51.100.7:2, 198.51.100.8:1, 198.51.100.8:2, 198.51.100.9:1 5 false"},
		{api.ConnectionsRequest{Count: true, Limit: 1}, "/ 10.9.0.21:0 map[NONE:1] 1, / 10.9.0.21:80 map[ESTABLISHED:1] 1, web/a 10.9.0.21:80 map[ESTABLISHED:1 TIME_WAIT:2] 3, web/b 10.9.0.22:80 map[ESTABLISHED:1 TIME_WAIT:1] 2 7 false"},
		{api.ConnectionsRequest{Virtual: "web", Server: "a", Count: true}, "web/a 10.9.0.21:80 map[ESTABLISHED:1 TIME_WAIT:2] 3 3 false"},
		{api.ConnectionsRequest{Virtual: "nobody"}, "not_found"},
		{api.ConnectionsRequest{Virtual: "web", Server: "c"}, "not_found"},
		{api.ConnectionsRequest{Server: "a"}, "invalid"},
		{api.ConnectionsRequest{State: "open"}, "invalid"},
		{api.ConnectionsRequest{Client: "198.51.100"}, "invalid"},
	} {
		test.r.On = "r2"
		if got := ask(test.r); got != test.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", test.r, got, test.want)
		}
	}
	if got := ask(api.ConnectionsRequest{On: "r9"}); got != string(api.CodeNotFound) {
		t.Errorf("on a router that is not there: %s", got)
	}
	own, err := r1.client.Connections(t.Context(), api.ConnectionsRequest{})
	if err != nil || own.Node != "r1" || len(own.Connections) != 0 {
		t.Errorf("its own: %+v, %v", own, err)
	}

	all, err := r2.client.Connections(t.Context(), api.ConnectionsRequest{On: "r2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []api.Connection{
		{Protocol: "tcp", Client: "198.51.100.7:1", Service: "10.9.0.50:80", Address: "10.9.0.21:80", Virtual: "web", Server: "a", State: "ESTABLISHED", Expires: 60, Origin: "local"},
		{Protocol: "ip", Client: "203.0.113.1:0", Service: "fwmark 7", Address: "10.9.0.21:0", State: "NONE", Expires: 60},
		{Protocol: "tcp", Client: "198.51.100.9:1", Service: "10.9.0.50:80", Address: "10.9.0.22:80", Virtual: "web", Server: "b", State: "ESTABLISHED", Expires: 60, Origin: "sync"},
	}
	if got := []api.Connection{all.Connections[0], all.Connections[5], all.Connections[6]}; !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	engines, err := r2.client.Connections(t.Context(), api.ConnectionsRequest{Client: "198.51.100.9", Engine: true})
	if err != nil || len(engines.Connections) != 1 || engines.Connections[0].Engine != "sip" || engines.Connections[0].Data != "\x1b[2J" {
		t.Errorf("engines: %+v, %v", engines, err)
	}
}

// One connection table is read at a time; who has gone waits no longer.
func TestConnectionsOneAtATime(t *testing.T) {
	w := newNetwork(t, 1)
	w.form()
	r := w.nodes[0]
	b := r.agent.Load().current.Load()
	b.local.reading <- struct{}{} // somebody reads
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := r.client.Connections(ctx, api.ConnectionsRequest{}); err == nil {
		t.Errorf("two read at the same time: %+v", got)
	}
	<-b.local.reading
	if _, err := r.client.Connections(t.Context(), api.ConnectionsRequest{}); err != nil {
		t.Error(err)
	}
	w.eventually("nobody reads any more", func() error {
		if n := len(b.local.reading); n != 0 {
			return fmt.Errorf("%d read", n)
		}
		return nil
	})
}

// endless is a kernel whose connection table takes a second for each line and has no end.
type endless struct{ table }

func (endless) Connections(ctx context.Context, _ ipvs.Detail) iter.Seq2[ipvs.Connection, error] {
	return func(yield func(ipvs.Connection, error) bool) {
		for ctx.Err() == nil && yield(ipvs.Connection{State: "ESTABLISHED"}, nil) {
			time.Sleep(time.Second)
		}
		yield(ipvs.Connection{}, ctx.Err())
	}
}

// A table that cannot be read in time is told as far as it was read.
func TestConnectionsTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &body{a: &Agent{o: Options{Name: "r1"}}, local: &local{table: endless{}, reading: make(chan struct{}, 1)}}
		got, err := b.connections(t.Context(), api.ConnectionsRequest{Count: true, State: "established"})
		if err != nil || !got.More || got.Read < 29 || got.Read > 31 || got.Total != got.Read {
			t.Errorf("got %+v, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if got, err := b.connections(ctx, api.ConnectionsRequest{Count: true}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who asked has gone: %+v, %v", got, err)
		}
	})
}
