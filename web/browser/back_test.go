package browser

import (
	"testing"

	"polso/lab"
)

// A router dies and comes back while somebody watches at it: their page says so, and after that is as live as before, without a reload;
// it has learned what it missed.
func TestRouterComesBack(t *testing.T) {
	c := newCluster(t)
	c.furnish(t)
	director, err := c.Active(t.Context())
	must(t, err)
	var r *lab.Router
	for _, other := range c.Routers[:3] {
		if other != director { // the cluster goes on meanwhile
			r = other
		}
	}
	b := newTab(t, newBrowser(t, c))
	b.width(1280)
	b.open(at(r, "/monitoring"))
	b.signIn("viewer", password)
	b.sees("directs ") // the lead may have moved since, on a busy machine
	b.state("v/shop/state", "UP")
	script[bool](b, "window.mine = true")
	// What the line says of its end stands for a moment only: it is written down.
	script[bool](b, `(window.said = [], new MutationObserver(() => window.said.push(document.getElementById("live").innerText))
		.observe(document.getElementById("live"), {childList: true}), true)`)

	b.step("it dies", func() {
		must(b.T, r.Kill())
		must(b.T, r.Wait(b.Context()))
		b.until("the page says that the connection is lost", `document.getElementById("live").innerText.includes("is lost")`)
		b.complaints("net::ERR") // it goes on trying
	})
	c.Servers["na"].Down() // the other one is down already
	b.step("it comes back", func() {
		must(b.T, r.Start(b.Context()))
		b.until("the connection is back", `!document.getElementById("live").innerText.includes("is lost")`)
		b.until("it is said", `window.said.includes("The connection is back.")`)
		b.complaints("net::ERR") // until now
		b.complaints("status of 50")
	})
	b.step("what it missed", func() { b.state("v/shop/state", "DOWN") })
	b.step("what comes next", func() {
		must(b.T, c.Servers["na"].Up())
		b.state("v/shop/state", "UP")
	})
	if !script[bool](b, "window.mine === true") {
		t.Error("the page was loaded again")
	}
}
