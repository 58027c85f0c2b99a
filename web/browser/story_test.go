package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"polso/lab"
)

// What an operator does in a week, by hand.
func TestStory(t *testing.T) {
	c := newCluster(t)
	first, second := c.Routers[0], c.Routers[1]
	b := newTab(t, newBrowser(t, c))
	b.width(1280)

	b.step("a wrong password is told", func() {
		b.open(at(second, "/virtuals"))
		b.signIn("admin", "a wrong one")
		b.complaints("401")
		b.sees("wrong")
		b.signIn("admin", password)
		b.sees("Virtual servers") // where one wanted to go
	})
	b.step("an empty cluster says what to do", func() { b.goes("Add the first one") })
	b.step("add a virtual with two servers", func() {
		b.fill("name", "web")
		b.fill("address", lab.WebVIP.String())
		b.fill("port", "80")
		b.fill("scheduler", "wlc")
		b.fill("real servers", fmt.Sprintf("a %s\nb %s 3", c.Servers["a"].Addr(lab.Outside), c.Servers["b"].Addr(lab.Outside)))
		b.goes("Show the plan")
		b.sees("added")
		b.sees("What each router would do")
		b.fill("message", "a first one")
		b.goes("Apply")
		b.sees("Revision 2 runs")
	})
	b.step("see it balance", func() {
		b.open(at(second, "/virtuals/web"))
		b.state("s/web/a/state", "UP")
		b.state("s/web/b/state", "UP")
		must(b.T, lab.Eventually(b.ctx, patience, func(ctx context.Context) error {
			for _, r := range c.Routers[:3] {
				text := c.table(b.T, r)
				if !strings.Contains(text, "10.9.0.21") || !strings.Contains(text, "10.9.0.22") {
					return fmt.Errorf("%s's table:\n%s", r.Name, text)
				}
			}
			return nil
		}))
	})
	b.step("a server dies and comes back, live", func() {
		script[bool](b, "window.mine = true")
		c.Servers["b"].Down()
		b.state("s/web/b/state", "DOWN")
		must(b.T, c.Servers["b"].Up())
		b.state("s/web/b/state", "UP")
		if !script[bool](b, "window.mine === true") {
			b.Error("the page was loaded again")
		}
	})
	b.step("drain and enable a server", func() {
		b.goes("a", "10.9.0.21")
		b.goes("Drain")
		b.state("s/web/a/state", "DRAIN")
		drained(b.T, c, "a")
		b.goes("Undrain, or enable")
		b.state("s/web/a/state", "UP")
	})
	b.step("a mistake in the text is shown at its place", func() {
		b.open(at(second, "/changes/edit"))
		b.replace("wlc", "wlx")
		b.goes("Plan")
		b.complaints("422") // the console says it too
		b.sees("1 mistake; nothing was changed")
		if place := b.text("#mistakes + ol a"); !strings.HasPrefix(place, "Line ") || b.text("#mistakes + ol mark") != `"wlx"` {
			b.Errorf("the mistake is shown at %q, marked %q", place, b.text("#mistakes + ol mark"))
		}
	})
	b.step("mend it, apply it to be confirmed, let it revert", func() {
		b.replace("wlx", "rr")
		b.goes("Plan")
		b.window(10 * time.Second) // the shortest there is
		b.goes("Apply")
		b.sees("Revision 3 runs")
		b.sees("confirm")
		b.until("the revert", `document.querySelector('[data-k="revision"]')?.innerText.includes("4")`)
		b.open(at(second, "/changes"))
		b.sees("4")
		if s, err := first.Status(b.Context(), lab.Cluster); err != nil || s.Confirm != nil || s.Revision != 4 {
			b.Errorf("revision %d, to be confirmed %v (%v): want 4, reverted", s.Revision, s.Confirm, err)
		}
	})
	b.step("confirm one", func() {
		b.open(at(second, "/changes/edit"))
		b.replace("wlc", "sed")
		b.goes("Plan")
		b.window(time.Minute)
		b.goes("Apply")
		b.goes("Confirm: it stays")
		b.sees("confirmed")
		if s, err := first.Status(b.Context(), lab.Cluster); err != nil || s.Confirm != nil || s.Revision != 5 {
			b.Errorf("revision %d, to be confirmed %v (%v): want 5, which stays", s.Revision, s.Confirm, err)
		}
	})
	b.step("roll back", func() {
		b.open(at(second, "/changes/4"))
		b.goes("Roll back to it…")
		b.sees("sed")
		b.goes("Apply")
		b.sees("Revision 6 runs")
	})
	b.step("import a Piranha file", func() {
		b.open(at(second, "/import"))
		b.fill("Or paste it here", piranha)
		b.goes("Read")
		b.sees("Read as lvs.cf, by the look of it")
		b.sees("1 virtual, 2 servers")
		b.goes("Plan")
		b.sees("virtual http")
		b.sees("virtual web") // would go
	})
	b.step("the keyboard alone drains", func() {
		b.open(at(second, "/virtuals/web"))
		b.tabTo("b")
		b.leaves(func() { b.key(kb.Enter) })
		b.tabTo("Drain")
		b.leaves(func() { b.key(kb.Enter) })
		b.state("s/web/b/state", "DRAIN")
	})
	b.step("sign out, and in by the keyboard alone", func() {
		b.goes("Sign out")
		b.open(at(second, "/sign-in"))
		b.key("viewer" + kb.Tab + password)
		b.leaves(func() { b.key(kb.Enter) })
		b.sees("viewer")
	})
	b.step("a viewer sees no buttons", func() {
		for _, page := range []string{"/virtuals", "/virtuals/web", "/virtuals/web/servers/a", "/virtuals/web/monitoring", "/changes", "/redundancy"} {
			b.open(at(second, page))
			// A link that looks like a button may lead to what a viewer reads, but to nothing that changes.
			if said := script[[]string](b, `[...document.querySelectorAll("main form[method=post] button, main a.button")]
				.filter(e => e.tagName === "BUTTON" || /\/(add|edit|delete|remove|drain|transfer|leave|rotate)\b/.test(e.href)).map(e => e.innerText)`); len(said) > 0 {
				b.Errorf("%s shows a viewer %q", page, said)
			}
		}
	})
}

// piranha is a file as its configuration tool wrote it.
const piranha = `serial_no = 42
primary = 10.9.0.11
service = lvs
backup_active = 1
backup = 10.9.0.12
heartbeat = 1
heartbeat_port = 539
keepalive = 6
deadtime = 18
network = direct
nat_nmask = 255.255.255.255
debug_level = NONE
virtual http {
     active = 1
     address = 10.9.0.60 eth0:1
     vip_nmask = 255.255.255.0
     port = 80
     send = "GET / HTTP/1.0\r\n\r\n"
     expect = "HTTP"
     use_regex = 0
     load_monitor = none
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     quiesce_server = 0
     server one {
         address = 10.9.0.21
         active = 1
         weight = 1
     }
     server two {
         address = 10.9.0.22
         active = 1
         weight = 1
     }
}
`

// The join line of the Redundancy page works as it stands there, pasted on another machine.
func TestJoinLine(t *testing.T) {
	c := newCluster(t)
	r := c.Routers[2]
	b := newTab(t, newBrowser(t, c))
	b.width(1280)
	b.open(at(r, "/redundancy"))
	b.signIn("admin", password)
	line := ""
	b.step("ask for a line", func() {
		b.fill("Its own address", c.spare.Addr4())
		b.goes("Make the line to paste")
		b.sees("polso join ")
		line = script[string](b, `[...document.querySelectorAll("code, pre, input, textarea")].map(e => e.value ?? e.innerText).find(s => s.includes("polso join")).trim()`)
	})
	b.step("paste it", func() {
		words := strings.Fields(line)
		polso(b.T, c.spare, words[1:]...)
		b.open(at(r, "/redundancy"))
		b.sees(c.spare.Addr4())
		b.state("member/"+c.spare.Name+"/state", "UP")
	})
	b.step("the token is shown once", func() {
		words := strings.Fields(line)
		b.lacks(words[slices.Index(words, "--token")+1])
	})
}

// Who guesses passwords has to wait, and so has nobody else.
func TestGuesses(t *testing.T) {
	c := newCluster(t)
	guess, other := newPlain(t, c, c.Routers[0]), newPlain(t, c, c.Routers[0])
	other.signIn("admin", password)
	for i := 0; ; i++ {
		res, text := guess.tries("viewer", fmt.Sprint("guess ", i))
		if res.StatusCode == 429 {
			if !strings.Contains(text, "wait") {
				t.Errorf("it is not said when to try again:\n%s", text)
			}
			break
		}
		if i > 50 {
			t.Fatal("fifty guesses are answered")
		}
	}
	if res, _ := other.get("/monitoring"); res.StatusCode != 200 {
		t.Errorf("who is signed in is answered with status %d", res.StatusCode)
	}
}
