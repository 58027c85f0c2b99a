package browser

import (
	"testing"
	"time"

	"polso/lab"
)

// The director is killed while two people watch: one at another router sees the new one come, without a reload; one at the director's
// own page is told that it is lost, and is led to the others.
func TestDirectorDies(t *testing.T) {
	c := newCluster(t)
	c.furnish(t)
	director, err := c.Active(t.Context())
	must(t, err)
	var other *lab.Router
	for _, r := range c.Routers[:3] {
		if r != director {
			other = r
		}
	}
	browser := newBrowser(t, c)
	there, here := newTab(t, browser), newTab(t, browser)
	for b, r := range map[*tab]*lab.Router{there: director, here: other} {
		b.width(1280)
		b.open(at(r, "/monitoring"))
		b.signIn("viewer", password)
		b.sees("directs")
		script[bool](b, "window.mine = true")
	}
	there.until("its router has told it of the others", `sessionStorage.getItem("polso.routers") !== null`)

	here.step("kill", func() { must(here.T, director.Kill()) })
	killed := time.Now()
	here.step("the others", func() {
		here.until("another director", `old => {
			const active = document.querySelector('[data-k="active"]')?.innerText ?? "";
			return window.mine && ["r1", "r2", "r3"].some(r => r !== old && active.includes(r));
		}`, director.Name)
		here.complaints("status of 50") // what the page asked for while nobody led
		here.Logf("the page at %s shows the new director %v after the kill", other.Name, time.Since(killed).Round(100*time.Millisecond))
		here.sees("failover")
		here.complaints("status of 50")
	})
	there.step("the lost", func() {
		there.sees("lost")
		if !script[bool](there, "window.mine === true") {
			there.Error("the page was loaded again")
		}
		there.leaves(func() { there.press(other.Name, "is lost") })
		there.complaints("net::ERR") // it went on trying
		there.signIn("viewer", password)
		there.sees("directs")
		there.lacks("directs " + director.Name)
	})
}
