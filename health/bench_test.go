package health

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"polso/config"
)

// BenchmarkProbe asks a server that is another process, so that the CPU time of this one (cpu-ns/op, user and system) is the
// prober's own.
func BenchmarkProbe(b *testing.B) {
	at, ca := servers(b)
	for _, bench := range []struct {
		name  string
		at    netip.AddrPort
		check config.Check
	}{
		{"tcp", at[0], config.Check{Kind: config.CheckTCP}},
		{"http", at[1], config.Check{Kind: config.CheckHTTP}},
		{"http body", at[1], config.Check{Kind: config.CheckHTTP, Contains: "ok", Matches: `:\d}$`}},
		{"http json", at[1], config.Check{Kind: config.CheckHTTP, JSON: "body.queue < 10"}},
		{"http 2", at[1], config.Check{Kind: config.CheckHTTP, Version: "2"}},
		{"tls", at[2], config.Check{Kind: config.CheckTLS, CA: ca}},
		{"https", at[2], config.Check{Kind: config.CheckHTTP, TLS: true, CA: ca, Version: "1.1"}},
		{"https 2", at[2], config.Check{Kind: config.CheckHTTP, TLS: true, CA: ca, Version: "2"}},
	} {
		bench.check.Timeout = 10 * time.Second
		b.Run(bench.name, func(b *testing.B) {
			ask := ProbeFrom(func(netip.Addr) netip.Addr { return bench.at.Addr() }, nil)
			t := Target{Addr: bench.at, Check: bench.check}
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if r := ask(b.Context(), t); !r.OK {
					b.Fatal(r.Reason)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// servers starts this test's binary again as a server of tcp, http and https, until the benchmark ends. The certificate is of ca.
func servers(b *testing.B) (at [3]netip.AddrPort, ca string) {
	b.Helper()
	child := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServeBenchmark$")
	child.Env = append(os.Environ(), "POLSO_SERVE=1")
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	lines := bufio.NewScanner(out)
	for i := range at {
		if !lines.Scan() {
			b.Fatal("the server did not say where it listens")
		}
		at[i] = netip.MustParseAddrPort(lines.Text())
	}
	for lines.Scan() && lines.Text() != "" {
		ca += lines.Text() + "\n"
	}
	return at, ca
}

// TestServeBenchmark is the server of BenchmarkProbe.
func TestServeBenchmark(t *testing.T) {
	if os.Getenv("POLSO_SERVE") == "" {
		t.Skip("only as a process of BenchmarkProbe")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"state":"ok","queue":7}`)) }
	ca := newAuthority(t, "CA")
	fmt.Printf("%s\n%s\n%s\n%s\n", l.Addr(), serveWith(t, nil, both, ok), serveWith(t, shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1")), both, ok), ca.pem)
	for { // until killed
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}
