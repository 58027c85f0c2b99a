package agent

import (
	"fmt"
	"net/netip"
	"testing"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/ipvs"
)

// values are a column's, "-" for nothing.
func columnText(times []int64, column []*float64) string {
	out := ""
	for i, at := range times {
		if column[i] == nil {
			out += fmt.Sprintf("%d - ", at)
		} else {
			out += fmt.Sprintf("%d %g ", at, *column[i])
		}
	}
	return out
}

// A ring has the means of its steps, writes over the oldest, and shows a gap where nothing was noted.
func TestRing(t *testing.T) {
	r := newRing(10, 4)
	add := func(at int64, cps float32) { r.add(at, map[string]measured{"web": {cps}}) }
	got := func(since int64) string { c := r.columns("web", since); return columnText(c.Times, c.Connections) }
	if got(0) != "" {
		t.Errorf("empty: %q", got(0))
	}
	add(100, 2)
	add(105, 4)
	add(109, 6)
	add(110, 10)
	if want := "100 4 110 10 "; got(0) != want {
		t.Errorf("got %q, want %q", got(0), want)
	}
	if want := "110 10 "; got(100) != want {
		t.Errorf("since: %q, want %q", got(100), want)
	}
	add(120, 1)
	add(130, 1)
	add(140, 3) // in the first one's place
	if want := "110 10 120 1 130 1 140 3 "; got(0) != want {
		t.Errorf("full: %q, want %q", got(0), want)
	}
	r.add(151, map[string]measured{"web": {1}, "mail": {5}})
	if c := r.columns("mail", 0); columnText(c.Times, c.Connections) != "150 5 " {
		t.Errorf("one that came later: %q", columnText(c.Times, c.Connections))
	}
	add(160, 1)
	if c := r.columns("mail", 0); len(c.Times) != 0 {
		t.Errorf("one that is gone: %v", c.Times)
	}
	add(1000, 8) // nothing of before is within the ring's time
	if want := "1000 8 "; got(0) != want {
		t.Errorf("after long: %q, want %q", got(0), want)
	}
	gap := newRing(1, 20)
	for _, at := range []int64{1, 2, 4, 9} {
		gap.add(at, map[string]measured{"": {float32(at)}})
	}
	if c := gap.columns("", 0); columnText(c.Times, c.Connections) != "1 1 2 2 4 4 5 - 9 9 " {
		t.Errorf("gap: %q", columnText(c.Times, c.Connections))
	}
}

// Many virtuals are kept coarsely, and too many only together.
func TestRatesFit(t *testing.T) {
	var list []config.Virtual
	r := newMemory(func() *director.Status { return new(director.Status) }, func() []config.Virtual { return list })
	for _, test := range []struct{ virtuals, step int }{{1, 1}, {finelyKept, 1}, {finelyKept + 1, 10}, {coarselyFor, 10}, {coarselyFor + 1, 0}, {2, 1}} {
		list = list[:0]
		for i := range test.virtuals {
			list = append(list, config.Virtual{Name: fmt.Sprint(i), FWMark: uint32(i + 1)})
		}
		r.note(1000)
		got, kept := r.columns("0", "hour", 0)
		if kept != (test.step != 0) || got.Step != test.step {
			t.Errorf("%d virtuals: step %d, kept %v; want %d", test.virtuals, got.Step, kept, test.step)
		}
		if total, _ := r.columns("", "day", 0); total.Step != 60 || len(total.Times) != 1 {
			t.Errorf("%d virtuals: total %+v", test.virtuals, total)
		}
	}
}

// Whoever is asked, the rates are the director's, unless another router is named.
func TestRatesOfTheDirector(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	st := w.nodes[0].status("settled", settled(3, 2))
	key := ipvs.AddrKey(ipvs.TCP, netip.AddrPortFrom(webVIP, 80))
	for _, r := range w.nodes {
		cps := uint64(1)
		if r.name == st.Leader {
			cps = 70
		}
		r.table.SetStats(ipvs.Stats{key: {Counters: ipvs.Counters{CPS: cps, BPSIn: 5}}})
	}
	reads := func(ask api.HistoryRequest, node string, cps float64) {
		t.Helper()
		for _, r := range w.nodes {
			var got api.History
			eventually(t, "rates", func() bool {
				var err error
				if got, err = r.client.Rates(t.Context(), ask); err != nil {
					t.Fatal(err)
				}
				n := len(got.Times)
				return n > 0 && got.Connections[n-1] != nil && *got.Connections[n-1] == cps
			})
			if got.Node != node || got.Step != 1 || len(got.Active) != len(got.Times) {
				t.Errorf("%s: %+v", r.name, got)
			}
		}
	}
	reads(api.HistoryRequest{Virtual: "web"}, st.Leader, 70)
	reads(api.HistoryRequest{}, st.Leader, 70)
	for _, r := range w.nodes {
		if r.name != st.Leader {
			reads(api.HistoryRequest{On: r.name}, r.name, 1)
			break
		}
	}
	if _, err := w.nodes[1].client.Rates(t.Context(), api.HistoryRequest{Virtual: "nobody"}); api.CodeOf(err) != api.CodeNotFound {
		t.Errorf("of a virtual that is not there: %v", err)
	}
}

// What a second of noting costs.
func BenchmarkRates(b *testing.B) {
	for _, size := range [][2]int{{10, 10}, {1000, 10}} {
		snap, dir := sized(b, size[0], size[1])
		dir.Stats = make(ipvs.Stats)
		for _, s := range dir.Table.Services {
			st := ipvs.ServiceStats{Destinations: make(map[netip.AddrPort]ipvs.DestinationStats)}
			for _, d := range s.Destinations {
				st.Destinations[d.Addr] = ipvs.DestinationStats{Active: 1}
			}
			dir.Stats[s.Key] = st
		}
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			r := newMemory(func() *director.Status { return dir }, func() []config.Virtual { return snap.Document.Virtuals })
			b.ReportAllocs()
			at := int64(1_800_000_000)
			for b.Loop() {
				at++
				r.note(at)
			}
		})
	}
}
