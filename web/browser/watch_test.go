package browser

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"polso/lab"
)

const (
	changesWatched = 7
	// slowestSeen is the median time from somebody's asking for a change at one router until the page of another shows it. A router looks
	// once a second, so it is half a second and what the change itself takes; more than that is what a busy machine may take.
	slowestSeen = 3 * time.Second
)

// What a page that is left open does by itself.
func TestWatch(t *testing.T) {
	c := newCluster(t)
	must(t, c.Apply(t.Context(), c.Routers[0], document(c)))
	asked, shown := c.Routers[0], c.Routers[1]
	browser := newBrowser(t, c)
	b := newTab(t, browser)
	b.width(1280)
	b.open(at(shown, "/virtuals/web"))
	b.signIn("admin", password)
	b.step("changes come at once, without a reload", func() { watchChanges(b, asked) })
	b.step("the chart of one day", func() { watchChart(b) })
	b.step("who has asked for less motion has none", func() { watchMotion(b, at(shown, "/monitoring")) })
	wrong := newTab(t, browser)
	wrong.width(1280)
	wrong.clockAhead(3 * time.Hour)
	wrong.open(at(shown, "/changes/edit"))
	wrong.signIn("admin", password)
	wrong.step("a countdown ticks by the router's clock", func() { watchCountdown(wrong, at(shown, "/changes")) })
}

func watchChanges(b *tab, asked *lab.Router) {
	b.Helper()
	b.state("s/web/a/state", "UP")
	script[bool](b, `(window.mine = true, window.seen = {}, window.look = () => {
		const word = document.querySelector('[data-k="s/web/a/state"]')?.innerText.trim().split(/\s+/).pop();
		if (word && !(word in window.seen)) window.seen[word] = Date.now();
	}, new MutationObserver(window.look).observe(document.body, {childList: true, characterData: true, subtree: true}), true)`)
	var took []time.Duration
	for i := range changesWatched {
		word, method, path, body := "DRAIN", http.MethodPost, "/v1/overrides", any(map[string]string{"target": "server/web/a", "kind": "drain"})
		if i%2 == 1 {
			word, method, path, body = "UP", http.MethodDelete, "/v1/overrides?target=server%2Fweb%2Fa", nil
		}
		script[bool](b, `(window.seen = {}, true)`)
		var began time.Time
		must(b.T, lab.Eventually(b.Context(), 20*time.Second, func(ctx context.Context) error {
			began = time.Now()
			err := asked.Ask(ctx, method, path, body, nil)
			// A lead that was lost on a busy machine leaves open whether it was done.
			if refused, ok := errors.AsType[*lab.Refusal](err); ok && refused.Status == http.StatusNotFound {
				return nil
			}
			return err
		}))
		b.until("the page shows "+word, `word => word in window.seen`, word)
		took = append(took, time.UnixMilli(script[int64](b, `word => window.seen[word]`, word)).Sub(began))
	}
	if !script[bool](b, "window.mine === true") {
		b.Error("the page was loaded again")
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.Logf("from asking at %s to showing: median %v, longest %v", asked.Name, median.Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	if median > slowestSeen {
		b.Errorf("the median of %v is %v, want at most %v", took, median, slowestSeen)
	}
}

func watchChart(b *tab) {
	b.Helper()
	b.drawn()
	asked := `span => performance.getEntriesByType("resource").some(e => e.name.includes("/v1/rates?") && e.name.includes("span=" + span))`
	pressed := `label => [...document.querySelectorAll("figure[data-chart] button[aria-pressed]")].every(e => (e.getAttribute("aria-pressed") === "true") === (e.innerText.trim() === label))`
	b.until("an hour is asked for", asked, "hour")
	if script[bool](b, asked, "day") {
		b.Error("a day is asked for before somebody wants it")
	}
	b.press("One day")
	b.until("a day is chosen", pressed, "One day")
	b.until("a day is asked for", asked, "day")
	b.drawn()
	b.press("The same in figures")
	b.until("the figures are there", `!!document.querySelector("figure[data-chart] details[open] table caption")`)
	b.press("One hour")
	b.until("an hour is chosen", pressed, "One hour")
}

// watchMotion looks whether what would move does not: the pages have little that does, so something is put there.
func watchMotion(b *tab, url string) {
	b.Helper()
	moving := `(() => {
		const e = document.createElement("p");
		e.style.transition = "opacity 9s";
		document.querySelector("main").append(e);
		return getComputedStyle(e).transitionDuration;
	})()`
	all := `[...document.querySelectorAll("*")].flatMap(e => [null, "::before", "::after"].map(p => getComputedStyle(e, p)))
		.filter(s => s.animationName !== "none" || s.transitionDuration.split(",").some(d => parseFloat(d) > 0) || s.scrollBehavior !== "auto").length + document.getAnimations().length`
	b.motion("no-preference")
	b.open(url)
	if got := script[string](b, moving); got != "9s" {
		b.Errorf("what moves takes %s where nobody minds, want 9s", got)
	}
	b.motion("reduce")
	b.open(url)
	b.drawn()
	if got := script[string](b, moving); got != "0s" {
		b.Errorf("what moves takes %s, want 0s", got)
	}
	if n := script[int](b, all); n > 0 {
		b.Errorf("%d things move", n)
	}
}

func watchCountdown(b *tab, changes string) {
	b.Helper()
	b.replace(`"wlc"`, `"rr"`)
	b.goes("Plan")
	b.window(10 * time.Minute)
	b.goes("Apply")
	b.sees("waits to be confirmed")
	b.open(changes)
	left := func() time.Duration {
		b.Helper()
		text := b.text("time[data-until]")
		d, err := time.ParseDuration(text)
		if err != nil {
			b.Fatalf("%q is left", text)
		}
		return d
	}
	// The page came with a time that the router wrote; after that it is the script's.
	b.until("it ticks", `(() => { const now = document.querySelector("time[data-until]").innerText; window.first ??= now; return now !== window.first; })()`)
	first := left()
	if first > 10*time.Minute || first < 5*time.Minute {
		b.Errorf("%v is left of ten minutes", first)
	}
	b.until("it ticks on", `text => document.querySelector("time[data-until]").innerText !== text`, b.text("time[data-until]"))
	if second := left(); second >= first {
		b.Errorf("%v is left, and then %v", first, second)
	}
	b.goes("Confirm: it stays")
	b.sees("confirmed")
}

// motion says whether a person has asked their browser for less of it.
func (b *tab) motion(wish string) {
	b.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: wish}},
		})
		return chromedp.Void{}, err
	})
}

// clockAhead has the pages that are opened after it believe that it is so much later.
func (b *tab) clockAhead(d time.Duration) {
	b.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `{ const ahead = ` + jsNumber(d) + `, real = Date.now; Date.now = () => real.call(Date) + ahead; }`,
		})
		return chromedp.Void{}, err
	})
}

func jsNumber(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
