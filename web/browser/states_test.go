package browser

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"polso/lab"
)

// state is a page that comes of what somebody did on another.
type state struct {
	name    string
	refused bool // what was done is: the browser complains about the answer's status
	reach   func(b *tab)
}

// states are the pages that no address leads to, for an admin who is signed in on a router of the cluster of others. The later ones
// change the cluster: the last but one has a revision wait, the last signs out.
func states(r *lab.Router) []state {
	do := func(page, button string, fields ...string) func(b *tab) {
		return func(b *tab) {
			b.open(at(r, page))
			for i := 0; i < len(fields); i += 2 {
				b.fill(fields[i], fields[i+1])
			}
			b.goes(button)
		}
	}
	written := func(old, with, button string) func(b *tab) {
		return func(b *tab) {
			b.open(at(r, "/changes/edit"))
			b.replace(old, with)
			b.goes(button)
		}
	}
	then := func(first func(b *tab), text string) func(b *tab) {
		return func(b *tab) {
			first(b)
			b.sees(text)
		}
	}
	read := then(do("/import", "Read", "Or paste it here", piranha), "Read as lvs.cf")
	return []state{
		{"nothing there", true, func(b *tab) { policy(b.T, b.open(at(r, "/virtuals/nothing"))) }},
		{"plan", false, then(do("/virtuals/web/edit", "Show the plan", "scheduler", "rr"), "Apply")},
		{"plan of nothing", false, then(written(`"wlc"`, `"wlc" # as it was`, "Plan"), "Nothing to change")},
		{"form with a mistake", true, do("/virtuals/web/edit", "Show the plan", "port", "http")},
		{"new virtual with mistakes", true, do("/virtuals/add", "Show the plan", "name", "a b", "address", "nowhere", "port", "80", "real servers", "x y z")},
		{"new block with a mistake", true, do("/global/notify/add", "Plan", "name", "somebody")},
		{"drain with a mistake", true, do("/redundancy/routers/r2/drain", "Drain r2", "Ends by itself after", "soon")},
		{"join line with a mistake", true, do("/redundancy", "Make the line to paste", "Its own address", "nowhere")},
		{"join line", false, then(do("/redundancy", "Make the line to paste", "Its own address", "10.9.0.14"), "polso join")},
		{"access token", false, then(do("/account/tokens", "Make it", "What for", "a program"), "POLSO-A-")},
		{"test of who is told", false, then(do("/global", "Test log now"), "What came of it")},
		{"try of a check", false, then(do("/virtuals/web/monitoring", "Try it"), "web/a from r1")},
		{"text with a mistake", true, written("wlc", "wlx", "Plan")},
		{"text without a mistake", false, then(written("wlc", "rr", "Check"), "No mistakes")},
		{"import that is not understood", true, do("/import", "Read", "Or paste it here", "what is this")},
		{"import", false, read},
		{"plan of an import", false, func(b *tab) {
			read(b)
			b.goes("Plan")
			b.sees("virtual web") // it would go
		}},
		{"revision that waits", false, func(b *tab) {
			written("wlc", "rr", "Plan")(b)
			b.window(10 * time.Minute)
			b.goes("Apply")
			b.sees("waits to be confirmed")
		}},
		{"session that has ended", true, func(b *tab) {
			b.open(at(r, "/virtuals/web/edit"))
			b.fill("scheduler", "sed")
			script[bool](b, `fetch("/sign-out", {method: "POST"}).then(answer => answer.ok)`)
			b.goes("Show the plan")
			b.sees("Your session has ended")
		}},
	}
}

// strange makes the tab go on where nobody vouches for who answers: a router that belongs to no cluster has nobody who could.
func (b *tab) strange() {
	b.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
		return chromedp.Void{}, err
	})
}
