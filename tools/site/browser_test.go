package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The pages, opened as files in Chromium: axe-core finds nothing wrong with them in light or in dark colours, a phone need not move them
// sideways, the browser does not complain, and the search finds. It looks at one page of each kind and at those that are much used.
// `make web` runs it.
func TestBrowser(t *testing.T) {
	if os.Getenv("POLSO_WEB") == "" {
		t.Skip("needs Chromium: make web")
	}
	axe, err := os.ReadFile("../../web/browser/testdata/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "site")
	if err := write(dir, real(t)); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	for _, path := range []string{
		"index.html", "concepts.html", "operate.html", "web.html", "document.html", "safety.html", "performance.html", "changelog.html", "decisions/index.html",
		"reference/polso.html", "reference/polso-apply.html", "reference/polso.hcl.html", "reference/api.html", "reference/metrics.html",
		"tree/contrib/metrics/index.html", "tree/contrib/polso.service.html",
	} {
		b.do(chromedp.Navigate("file://" + filepath.Join(dir, path)))
		b.do(chromedp.Evaluate[chromedp.Void](string(axe)))
		for scheme, rules := range map[string]string{"light": "{}", "dark": `{runOnly: ["color-contrast", "link-in-text-block"]}`} {
			b.prefers(scheme)
			type violation struct {
				ID, Help string
				Nodes    []struct{ Target []any }
			}
			for _, v := range value[[]violation](b, `axe.run(document, `+rules+`).then(r => r.violations)`) {
				t.Errorf("%s, %s: %s: %s: %v", path, scheme, v.ID, v.Help, v.Nodes)
			}
		}
		b.do(chromedp.EmulateViewport(320, 640))
		if over := value[int](b, `document.scrollingElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("%s: %d pixels wider than a window of 320", path, over)
		}
		b.do(chromedp.EmulateViewport(1280, 900))
	}
	b.do(chromedp.Navigate("file://" + filepath.Join(dir, "decisions/index.html")))
	b.do(chromedp.Evaluate[chromedp.Void](`const f = document.querySelector("#search"); f.focus(); f.value = "majority gone recover"; f.dispatchEvent(new Event("input"))`))
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		found := value[string](b, `[...document.querySelectorAll(".found a")].map(a => a.href).join(" ")`)
		if strings.Contains(found, "/operate.html#the-majority-is-gone-for-ever") {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the search finds %q", found)
		}
	}
	b.do(chromedp.Evaluate[chromedp.Void](string(axe)))
	if wrong := value[[]any](b, `axe.run(document, {}).then(r => r.violations.map(v => v.id))`); len(wrong) > 0 {
		t.Errorf("what the search found: %v", wrong)
	}
}

// tab is a page of a browser.
type tab struct {
	*testing.T
	ctx context.Context
}

func newTab(t *testing.T) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the browser complains: %s", e.ExceptionDetails.Text)
		}
		if e, ok := event.(*runtime.EventConsoleAPICalled); ok && e.Type == runtime.ConsoleAPICalledTypeError {
			said, _ := json.Marshal(e.Args)
			t.Errorf("the browser complains: %s", said)
		}
	}))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // starts the browser, which lives as long as ctx
		t.Fatal(err)
	}
	return &tab{t, ctx}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// prefers makes the browser ask for light or dark pages.
func (b *tab) prefers(scheme string) {
	b.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
}

// value is that of an expression in the page.
func value[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(fmt.Errorf("%w in %.100s", err, expression))
	}
	return v
}
