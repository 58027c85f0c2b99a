package browser

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// axe-core 4.14.1 by Deque Systems, under the Mozilla Public License 2.0, unchanged: see LICENSE beside it. It lies here, and not in
// a registry, so that the proof needs no network and is the same tomorrow; it is in no binary but this test's.
//
//go:embed testdata/axe-core/axe.min.js
var axeCore string

// axe fails the test for everything that axe-core finds wrong with the page in light colours, and with the colours of the dark one:
// nothing else differs.
func (b *tab) axe() {
	b.Helper()
	for c, rules := range map[colours]string{light: "{}", dark: `{runOnly: ["color-contrast", "link-in-text-block"]}`} {
		b.prefers(c)
		for _, v := range b.violations(rules) {
			b.Errorf("%s: %s", c, v)
		}
	}
}

// violations are what axe-core finds, with options of its own: rule, what is wrong, where.
func (b *tab) violations(options string) (found []string) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](axeCore))
	type violation struct {
		ID, Help string
		Nodes    []struct {
			Target         []any
			FailureSummary string
		}
	}
	for _, v := range script[[]violation](b, `axe.run(document, `+options+`).then(r => r.violations)`) {
		for _, n := range v.Nodes {
			found = append(found, fmt.Sprintf("%s: %s: %v: %s", v.ID, v.Help, n.Target, strings.ReplaceAll(n.FailureSummary, "\n", " ")))
		}
	}
	return found
}

// overflow is by how many pixels the page is wider than the window: then it has to be moved sideways to be read.
func (b *tab) overflow() int {
	b.Helper()
	return script[int](b, `document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth`)
}

// widest says which elements stick out of the window, for who mends it.
func (b *tab) widest() string {
	b.Helper()
	return script[string](b, `[...document.querySelectorAll("body *")].filter(e => {
		for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return false;
		return e.getBoundingClientRect().right > innerWidth + 1;
	}).slice(0, 5).map(e => e.tagName.toLowerCase() + (e.id && "#" + e.id) + (e.className && "." + e.className)).join(", ")`)
}
