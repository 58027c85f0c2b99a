package browser

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"polso/lab"
)

// TestBigPage measures pages of 1,000 virtual servers with 10,000 servers beside the same pages of ten with a hundred, and how smooth
// the large ones stay while they are live: `make webbench` prints the tables of docs/performance.md.
func TestBigPage(t *testing.T) {
	if os.Getenv("POLSO_WEB_BENCH") == "" {
		t.Skip("measures for minutes: run `make webbench`")
	}
	c := newCluster(t)
	r := c.Routers[0]
	sizes := []lab.Crowd{{Virtuals: 10, Servers: 10, First: 1}, {Virtuals: 1000, Servers: 10, First: 1}}
	opens := map[string][]opening{}
	paths := []string{"/virtuals", "/virtuals/v7", "/monitoring"}
	b := newTab(t, newBrowser(t, c))
	b.width(1280)
	b.open(at(r, "/sign-in"))
	b.signIn("operator", password)
	p := newPlain(t, c, r)
	p.signIn("operator", password)
	for _, size := range sizes {
		must(t, c.Apply(t.Context(), r, size.Document()))
		for _, path := range paths { // once, unmeasured: so soon after the change the routers have other things to do
			b.open(at(r, path))
		}
		for _, path := range paths {
			opens[path] = append(opens[path], opening{http: b.fetches(p, path), browser: b.opens(at(r, path))})
		}
	}
	fmt.Printf("\nopening a page, ms, median of %d (least to most)\n\n| page | how | 10 × 10 | 1,000 × 10 | ratio |\n|---|---|---|---|---|\n", rounds)
	for _, path := range paths {
		for _, how := range []struct {
			name string
			of   func(opening) figure
		}{
			{"HTTP", func(o opening) figure { return o.http }},
			{"Chromium", func(o opening) figure { return o.browser }},
		} {
			few, many := how.of(opens[path][0]), how.of(opens[path][1])
			ratio := many.median() / few.median()
			fmt.Printf("| %s | %s | %s | %s | %.2f |\n", path, how.name, few, many, ratio)
			if ratio > 2 && how.name == "Chromium" { // what somebody waits for
				t.Errorf("%s opens in %.2f times the time with 1,000 virtuals, want at most 2", path, ratio)
			}
		}
	}

	fmt.Printf("\nframes in %v of a live page of 1,000 × 10, while a server's weight changes every second, ms\n\n| page | values that changed | frames | median | 99 of 100 | longest | tasks over 50 ms | the longest |\n|---|---|---|---|---|---|---|---|\n", watched)
	for _, path := range paths {
		b.open(at(r, path))
		stop := c.stir(t, r, map[string]string{"/virtuals": "v0/s1", "/virtuals/v7": "v7/s1", "/monitoring": "v0/s1"}[path])
		if path != "/monitoring" { // which shows no weights
			b.until("a weight that changes is shown", `!!window.changed || (new MutationObserver(list => {
				if (list.some(m => m.target.closest?.("[data-k$='/weight']"))) window.changed = true;
			}).observe(document.querySelector("main"), {childList: true, subtree: true}), false)`)
		}
		f := b.watches(watched)
		stop()
		frames, tasks := figure(f.Frames[1:]), figure(f.Tasks)
		fmt.Printf("| %s | %d | %d | %.1f | %.1f | %.1f | %d | %.0f |\n", path, f.Changes, len(frames), frames.median(), frames.at(0.99), frames.at(1), len(tasks), tasks.at(1))
	}
}

const (
	rounds  = 15
	watched = 20 * time.Second
)

// opening is how long it takes to open a page, by one request and in the browser until its load event.
type opening struct{ http, browser figure }

// figure is what was measured, in ms.
type figure []float64

// at is the value that a share of the others does not exceed; 0 of nothing.
func (f figure) at(share float64) float64 {
	if len(f) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(f))
	return s[min(len(s)-1, int(share*float64(len(s))))]
}

func (f figure) median() float64 { return f.at(0.5) }

func (f figure) String() string {
	return fmt.Sprintf("%.0f (%.0f to %.0f)", f.median(), f.at(0), f.at(1))
}

// fetches measures requests for a page.
func (b *tab) fetches(p *plain, path string) (f figure) {
	b.Helper()
	for range rounds {
		began := time.Now()
		res, _ := p.get(path)
		if res.StatusCode != http.StatusOK {
			b.Fatalf("%s: status %d", path, res.StatusCode)
		}
		f = append(f, float64(time.Since(began).Microseconds())/1000)
	}
	return f
}

// opens measures openings of a page in the browser.
func (b *tab) opens(url string) (f figure) {
	b.Helper()
	for range rounds {
		b.open(url)
		b.until("the page is loaded", `performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
		f = append(f, script[float64](b, `performance.getEntriesByType("navigation")[0].loadEventEnd`))
	}
	return f
}

// watchedPage is what a page did while it was watched: times in ms, and how often one of its live values changed.
type watchedPage struct {
	Frames, Tasks []float64
	Changes       int
}

// watches measures the page as it is for so long.
func (b *tab) watches(long time.Duration) watchedPage {
	b.Helper()
	script[bool](b, `ms => {
		const frames = [], tasks = [];
		let changes = 0;
		new PerformanceObserver(list => tasks.push(...list.getEntries().map(e => e.duration))).observe({type: "longtask"});
		new MutationObserver(list => changes += list.filter(m => m.target.closest?.("[data-k]")).length).observe(document.body, {childList: true, subtree: true});
		let last = performance.now();
		const end = last + ms;
		window.watched = undefined;
		requestAnimationFrame(function frame(now) {
			frames.push(now - last);
			last = now;
			if (now < end) requestAnimationFrame(frame); else window.watched = {frames, tasks, changes};
		});
		return true;
	}`, long.Milliseconds())
	time.Sleep(long)
	b.until("it was watched for so long", `!!window.watched`)
	return script[watchedPage](b, `window.watched`)
}

// stir changes a server's weight every second until it is stopped.
func (c *cluster) stir(t *testing.T, r *lab.Router, server string) (stop func()) {
	t.Helper()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			case <-tick.C:
				if _, err := r.Polso(t.Context(), "weight", server, fmt.Sprint(2+i%8)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	return func() { close(end); <-ended }
}
