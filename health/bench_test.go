package health

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
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
	at := servers(b)
	for _, bench := range []struct {
		name  string
		at    netip.AddrPort
		check config.Check
	}{
		{"tcp", at[0], config.Check{Kind: config.CheckTCP}},
		{"http", at[1], config.Check{Kind: config.CheckHTTP}},
		{"https", at[2], config.Check{Kind: config.CheckHTTP, TLS: true}},
	} {
		bench.check.Timeout = 10 * time.Second
		b.Run(bench.name, func(b *testing.B) {
			ask := ProbeFrom(func(netip.Addr) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) })
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

// servers starts this test's binary again as a server of tcp, http and https, until the benchmark ends.
func servers(b *testing.B) (at [3]netip.AddrPort) {
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
	return at
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
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	fmt.Printf("%s\n%s\n%s\n", l.Addr(), httptest.NewServer(h).Listener.Addr(), httptest.NewTLSServer(h).Listener.Addr())
	for { // until killed
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}
