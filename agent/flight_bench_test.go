package agent

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	recording "runtime/trace"
	"syscall"
	"testing"
	"time"

	"polso/api"
	"polso/config"
	"polso/health"
)

// BenchmarkFlight is what the flight recorder costs, as processor time of this process with it and without, in turns, since the machine has
// others: of tcp probes over loopback, the server's part within, which is what an agent does most of; and of a second of an agent in memory
// with 100 virtuals of 10 servers, which does nothing.
func BenchmarkFlight(b *testing.B) {
	b.Run("probes", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		at := l.Addr().(*net.TCPAddr).AddrPort()
		ask := health.ProbeFrom(func(netip.Addr) netip.Addr { return at.Addr() }, nil)
		t := health.Target{Addr: at, Check: config.Check{Kind: config.CheckTCP, Timeout: 10 * time.Second}}
		const turn = 500
		with, without := inTurns(b, func() {
			for range turn {
				if r := ask(b.Context(), t); !r.OK {
					b.Fatal(r.Reason)
				}
			}
		})
		tellCost(b, with/turn, without/turn)
	})
	b.Run("idle", func(b *testing.B) {
		ctx, cancel := context.WithCancel(b.Context())
		o := Options{Name: "r1", Dev: true, Socket: filepath.Join(b.TempDir(), "s")}
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, o) }()
		defer func() { cancel(); <-ended }()
		cl, err := api.NewClient("unix://" + o.Socket)
		if err != nil {
			b.Fatal(err)
		}
		defer cl.Close()
		text := large(100, 10, 1)
		if err := waitUpTo(ctx, time.Minute, func() bool {
			_, err := cl.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: text}}})
			return err == nil
		}); err != nil {
			b.Fatal(err)
		}
		with, without := inTurns(b, func() { time.Sleep(time.Second) })
		tellCost(b, with, without)
	})
}

// inTurns is the mean processor time of do with the recorder and without, measured alternately.
func inTurns(b *testing.B, do func()) (with, without time.Duration) {
	do() // what is done once
	n := time.Duration(0)
	for b.Loop() {
		begun := processor(b)
		do()
		without += processor(b) - begun
		r := recording.NewFlightRecorder(flightConfig)
		if err := r.Start(); err != nil {
			b.Fatal(err)
		}
		begun = processor(b)
		do()
		with += processor(b) - begun
		r.Stop()
		n++
	}
	return with / n, without / n
}

func tellCost(b *testing.B, with, without time.Duration) {
	b.ReportMetric(float64(without.Microseconds()), "µs-without/op")
	b.ReportMetric(float64(with.Microseconds()), "µs-with/op")
	b.ReportMetric(100*float64(with-without)/float64(without), "%-more")
}

func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
