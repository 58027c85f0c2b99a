package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"polso/api"
)

// BenchmarkScrape is a scrape of as much as is told at all.
func BenchmarkScrape(b *testing.B) {
	var p Picture
	for i := range maxVirtuals {
		v := api.Virtual{Name: fmt.Sprint("virtual-", i), State: "up"}
		for n := range maxServers / maxVirtuals {
			v.Servers = append(v.Servers, api.Server{Name: fmt.Sprint("s", n), Address: "192.0.2.7", Port: uint16(i), State: "up"})
		}
		p.Status.Virtuals = append(p.Status.Virtuals, v)
		p.Status.VIPs = append(p.Status.VIPs, api.VIP{Name: v.Name, Address: "2001:db8::7"})
	}
	r := New(func() Picture { return p }, api.Version{})
	size := 0
	for b.Loop() {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size)/1e6, "MB/scrape")
}
