package ipvs

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

func percpu(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/ip_vs_stats_percpu")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadCPUStats(t *testing.T) {
	got, err := readCPUStats(strings.NewReader(percpu(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := CPUStats{
		CPUs: []CPU{
			{0, Counters{Connections: 31, PacketsIn: 419, PacketsOut: 210, BytesIn: 107187, BytesOut: 4095}},
			{10, Counters{Connections: 1, PacketsIn: 10, BytesIn: 1 << 36}},
		},
		Total: Counters{Connections: 32, PacketsIn: 429, PacketsOut: 210, BytesIn: 1<<36 + 107187, BytesOut: 4095, CPS: 2, PPSIn: 11, BPSIn: 418},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A text that ends anywhere before its last line, or says anything else, is refused.
func TestReadCPUStatsRefuses(t *testing.T) {
	text := percpu(t)
	lines := strings.SplitAfter(text, "\n")
	for n := range len(lines) - 1 {
		if st, err := readCPUStats(strings.NewReader(strings.Join(lines[:n], ""))); err == nil {
			t.Errorf("%d lines are %+v", n, st)
		}
	}
	for _, change := range [][2]string{{"CPU", "Core"}, {"1F", "1G"}, {"FFF\n", "FFF 0\n"}, {"  A ", "  Z "}, {"\n\n", "\nx\n"}, {"Pkts/s", "Pkts"}, {"1000000000", "10000000000000000"}} {
		if st, err := readCPUStats(strings.NewReader(strings.Replace(text, change[0], change[1], 1))); err == nil {
			t.Errorf("with %q for %q it is %+v", change[1], change[0], st)
		}
	}
}

func FuzzCPUStats(f *testing.F) {
	f.Add([]byte(percpu(f)))
	f.Fuzz(func(t *testing.T, text []byte) {
		st, err := readCPUStats(bytes.NewReader(text))
		if err != nil && (len(st.CPUs) > 0 || st.Total != Counters{}) {
			t.Errorf("%v, and yet %+v", err, st)
		}
	})
}
