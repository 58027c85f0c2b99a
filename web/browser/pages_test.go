package browser

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"polso/lab"
)

// document is what the cluster runs where a test says nothing else: four servers that answer, and one that does not.
func document(c *cluster) string {
	web := lab.Virtual{Name: "web", Address: lab.WebVIP, Port: 80, Protocol: "tcp", Scheduler: "wlc", Servers: []string{"a", "b", "c"}, Weights: map[string]int{"a": 2}}
	nat := lab.Virtual{Name: "shop", Address: lab.NATVIP, Port: 80, Protocol: "tcp", Servers: []string{"na", "nb"}}
	return c.Document(web, nat)
}

// pages are the pages of the interface, for the cluster that runs document.
func pages() []string {
	return []string{
		"/monitoring", "/monitoring/ipvs", "/monitoring/routers", "/monitoring/timeline",
		"/global", "/redundancy",
		"/virtuals", "/virtuals/add", "/virtuals/web", "/virtuals/web/edit", "/virtuals/web/servers/a", "/virtuals/web/monitoring",
		"/changes", "/changes/edit", "/changes/2", "/changes/compare?from=1&to=2", "/changes/audit",
		"/import", "/account", "/account/users", "/account/tokens",
	}
}

// furnish gives a cluster something to show: two revisions, a server that is down, one that drains.
func (c *cluster) furnish(t *testing.T) {
	t.Helper()
	must(t, c.Apply(t.Context(), c.Routers[0], document(c)))
	c.Servers["nb"].Down()
	polso(t, c.Routers[0], "drain", "server", "web/c")
	must(t, lab.Eventually(t.Context(), patience, func(ctx context.Context) error {
		s, err := c.Routers[0].Status(ctx, lab.Cluster)
		if err == nil && (s.ServerState("web", "a") != "up" || s.ServerState("shop", "nb") != "down") {
			err = fmt.Errorf("a is %s, nb is %s", s.ServerState("web", "a"), s.ServerState("shop", "nb"))
		}
		return err
	}))
}

// Every page is looked at by axe-core, light and dark; none has to be moved sideways at 400 %, none makes the browser complain, and each
// has one heading, titles its tables and names its fields.
func TestPages(t *testing.T) {
	c := newCluster(t)
	c.furnish(t)
	r := c.Routers[0]
	b := newTab(t, newBrowser(t, c))
	b.width(1280)
	look := func() {
		b.Helper()
		if n := script[int](b, `document.querySelectorAll("h1").length`); n != 1 {
			b.Errorf("%d headings of the first rank", n)
		}
		b.axe()
		b.width(320)
		if n := b.overflow(); n > 0 {
			b.Errorf("%d pixels wider than the window at 400 %%: %s", n, b.widest())
		}
		b.width(1280)
	}
	t.Run("/sign-in", func(t *testing.T) {
		b.as(t, func() {
			policy(t, b.open(at(r, "/sign-in")))
			look()
		})
	})
	b.signIn("admin", password)
	for _, page := range pages() {
		t.Run(page, func(t *testing.T) {
			b.as(t, func() {
				res := b.open(at(r, page))
				if res.Status != http.StatusOK {
					t.Fatalf("answered with status %d", res.Status)
				}
				policy(t, res)
				b.drawn()
				look()
			})
		})
	}
	t.Run("plan", func(t *testing.T) {
		b.as(t, func() {
			b.open(at(r, "/virtuals/web/edit"))
			b.fill("scheduler", "rr")
			b.goes("Show the plan")
			b.sees("Apply")
			look()
		})
	})
	t.Run("refused", func(t *testing.T) {
		b.as(t, func() {
			policy(t, b.open(at(r, "/virtuals/nothing")))
			b.complaints("404") // it is said in the console too
			look()
		})
	})
}

// policy looks at what a page may do: nothing of it is unsafe.
func policy(t *testing.T, res *network.Response) {
	t.Helper()
	header := make(http.Header)
	for name, value := range res.Headers {
		header.Set(name, fmt.Sprint(value))
	}
	switch policy := header.Get("Content-Security-Policy"); {
	case !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'"):
		t.Errorf("the policy is %q", policy)
	case strings.Contains(policy, "unsafe-") || strings.Contains(policy, "*") || strings.Contains(policy, "data:"):
		t.Errorf("the policy allows what it should not: %q", policy)
	}
}
