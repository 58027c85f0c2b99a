package director

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// throng is a document with so many virtuals and servers of each, all of them checked; a hundred virtuals share an address.
func throng(virtuals, servers int) config.Document {
	doc := document()
	check := &config.Check{Kind: config.CheckTCP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3}
	for i := range virtuals {
		v := web()
		v.Name, v.Address, v.Ports, v.Check = fmt.Sprintf("v%d", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i / 100)}), []uint16{uint16(1000 + i%100)}, check
		for j := range servers {
			n := i*servers + j
			at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(n / 200), byte(n%200 + 1)}), v.Ports[0])
			v.Servers = append(v.Servers, config.Server{Name: fmt.Sprintf("s%d", j), Address: at, Forward: v.Forward, Weight: 1})
		}
		doc.Virtuals = append(doc.Virtuals, v)
	}
	return doc
}

// still is a node on which nothing happens: a link with every subnet, and nobody who would take an address.
type still struct{}

func (still) Links() (vip.Links, error) {
	return vip.Links{{Name: "eth0", Index: 2, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}, nil
}
func (still) LetGo([]vip.Held) error { return nil }
func (still) Hold([]vip.Held) error  { return nil }
func (still) Report() []vip.Report   { return nil }

// settled probes nobody, and every verdict stands.
type settled struct {
	set  *health.Set
	view health.View
}

func (s settled) Set(targets []health.Target) { s.set.Set(targets) }
func (s settled) View() health.View           { return s.view }

// BenchmarkPass is a pass in which nothing has changed, on a router that stands by, without what the kernel takes: all are up, or one
// is down, which has the other routers asked.
func BenchmarkPass(b *testing.B) {
	for _, size := range [][2]int{{100, 10}, {1000, 10}, {2284, 16}} {
		for _, down := range []int{0, 1} {
			b.Run(fmt.Sprintf("%dx%d/%d down", size[0], size[1], down), func(b *testing.B) {
				d := large(b, size, down, still{}, func() Mandate { return Mandate{} })
				b.ReportAllocs()
				began := processor(b)
				for b.Loop() {
					d.round(d.o.Mandate, d.o.State)
				}
				b.ReportMetric(float64(processor(b)-began)/1e6/float64(b.N), "cpu-ms/op")
				for _, f := range d.Status().Failures {
					b.Log(f)
				}
			})
		}
	}
}

// large is a director that has made its first pass over so many virtuals and servers, so many of them down.
func large(b *testing.B, size [2]int, down int, addresses VIP, mandate func() Mandate) *Director {
	b.Helper()
	doc := throng(size[0], size[1])
	view := make(health.View)
	for _, t := range askedOf(nil, doc).probes {
		view[t.Key()] = health.Status{State: health.Up}
	}
	for n, s := range doc.Virtuals[0].Servers[:down] {
		t, _ := TargetOf(doc.Virtuals[0], s)
		view[t.Key()] = health.Status{State: health.Down, Reason: fmt.Sprint(n)}
	}
	table := new(ipvs.Fake)
	d := New(Options{
		IPVS: table, VIP: addresses, Sysctls: newProc(&diary{}), Health: settled{health.New(health.Options{}), view}, Mandate: mandate,
		State: func() State { return State{Known: true, Revision: 2, Document: doc} },
	})
	in := Inputs{State: d.o.State(), Health: view, Links: vip.Links{{Name: "eth0", Up: true}}, Observed: new(ipvs.Table)}
	if err := errors.Join(table.Batch(ipvs.Plan(Decide(in).Table, ipvs.Table{}))...); err != nil {
		b.Fatal(err)
	}
	d.round(d.o.Mandate, d.o.State)
	return d
}

// waiting notes when addresses are first held.
type waiting struct {
	still
	held time.Time
}

func (w *waiting) Hold([]vip.Held) error {
	if w.held.IsZero() {
		w.held = time.Now()
	}
	return nil
}

// BenchmarkTakeOver is how long the addresses wait in the pass that finds a new mandate on a router that stands by warm, without what the
// kernel takes (wait-ms); the rest of the pass comes after them.
func BenchmarkTakeOver(b *testing.B) {
	for _, size := range [][2]int{{100, 10}, {1000, 10}, {2284, 16}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			var addresses waiting
			var m Mandate
			d := large(b, size, 0, &addresses, func() Mandate { return m })
			var waited []time.Duration
			for epoch := uint64(1); b.Loop(); epoch++ {
				m = mandate(epoch, time.Duration(vip.Boottime())+time.Hour)
				addresses.held = time.Time{}
				began := time.Now()
				d.round(d.o.Mandate, d.o.State)
				waited = append(waited, addresses.held.Sub(began))
				m = Mandate{}
				d.round(d.o.Mandate, d.o.State)
			}
			slices.Sort(waited)
			b.ReportMetric(float64(waited[len(waited)/2].Microseconds())/1000, "wait-ms")
		})
	}
}

// processor is how much of the processor's time this process has had: the clock also counts what others take.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
