package browser

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
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

// others are the pages that are led to from pages, for the cluster that runs document and what enrich adds.
func others() []string {
	return []string{
		"/monitoring?addresses=all",
		"/global/vip/add", "/global/vip/edit/gateway", "/global/notify/add", "/global/notify/edit/log", "/global/router_check/add",
		"/redundancy/certificates", "/redundancy/certificates/rotate?what=ca", "/redundancy/profile?profile=wan", "/redundancy/leave",
		"/redundancy/routers/r2/drain", "/redundancy/routers/r2/transfer", "/redundancy/routers/r2/remove",
		"/virtuals/shop", "/virtuals/web/servers/add", "/virtuals/web/servers/a/edit", "/virtuals/web/servers/a/monitoring", "/virtuals/web/servers/c",
		"/virtuals/web/sorry/add", "/virtuals/web/sorry/later/edit", "/virtuals/web/monitoring?kind=all", "/virtuals/web/monitoring?kind=send",
		"/changes/export", "/account/users/viewer", "/account/users/viewer/remove",
	}
}

// enrich has the cluster run what the pictures of the documentation do without: a sorry server, and somebody who is told.
func (c *cluster) enrich(t *testing.T) {
	t.Helper()
	text := strings.Replace(document(c), "  server ", "  sorry_server \"later\" {\n    address = \"10.9.0.29\"\n  }\n  server ", 1)
	must(t, c.Apply(t.Context(), c.Routers[0], text+"notify \"log\" {\n  command = [\"/bin/echo\", \"told\"]\n}\n"))
}

// Every page is looked at by axe-core, light and dark; none has to be moved sideways at 400 %, none makes the browser complain, and each
// has one heading, titles its tables and names its fields. No page is forgotten: each template is among them.
func TestPages(t *testing.T) {
	c := newCluster(t)
	r := c.Routers[0]
	browser := newBrowser(t, c)
	b := newTab(t, browser)
	b.width(1280)
	views := make(map[string]bool)
	look := func(b *tab) {
		b.Helper()
		b.drawn()
		b.look()
		views[script[string](b, `document.body.dataset.view ?? ""`)] = true
	}
	see := func(s state) {
		t.Run(s.name, func(t *testing.T) {
			b.as(t, func() {
				s.reach(b)
				look(b)
				if s.refused && len(b.complaints("status of 4")) == 0 { // it is said in the console too
					t.Error("nothing was refused")
				}
			})
		})
	}
	page := func(name, path string) {
		see(state{name: name, reach: func(b *tab) {
			res := b.open(at(r, path))
			if res.Status != http.StatusOK {
				b.Fatalf("answered with status %d", res.Status)
			}
			policy(b.T, res)
		}})
	}
	page("/sign-in", "/sign-in")
	see(state{"wrong password", true, func(b *tab) {
		b.open(at(r, "/sign-in"))
		b.signIn("admin", "a wrong one")
	}})
	b.signIn("admin", password)
	for _, path := range []string{"/monitoring", "/virtuals", "/changes"} {
		page("empty "+path, path)
	}
	c.furnish(t)
	c.enrich(t)
	for _, path := range slices.Concat(pages(), others()) {
		page(path, path)
	}
	for _, s := range states(r) {
		see(s)
	}
	t.Run("closed", func(t *testing.T) {
		b := newTab(t, browser)
		b.width(1280)
		b.strange()
		b.open(at(c.spare, "/monitoring"))
		b.sees("polso init")
		look(b)
		b.complaints("status of 503")
	})
	t.Run("no leader", func(t *testing.T) {
		b := newTab(t, browser)
		b.width(1280)
		b.open(at(r, "/monitoring"))
		b.signIn("admin", password)
		b.until("the page remembers the other routers", `(sessionStorage.getItem("polso.routers") ?? "").includes("r2")`)
		for _, r := range c.Routers[:3] {
			must(t, r.Kill())
			must(t, r.Wait(t.Context()))
		}
		must(t, r.Start(t.Context()))
		b.waitFor(c, at(r, "/livez"))
		if res := b.open(at(r, "/monitoring")); res.Status != http.StatusServiceUnavailable {
			t.Fatalf("answered with status %d", res.Status)
		}
		b.sees("The cluster has no leader now")
		b.sees("The other routers: r2")
		look(b)
		for _, r := range c.Routers[1:3] {
			must(t, r.Start(t.Context()))
		}
		b.until("the page that was wanted", `document.body.dataset.view === "monitoring"`) // by itself
		b.sees("directs")
		b.complaints("status of 50") // until then
		b.complaints("net::ERR")
	})
	t.Run("each template", func(t *testing.T) {
		files, err := filepath.Glob("../templates/[^_]*.html")
		must(t, err)
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".html")
			if name != "layout" && !views[name] { // layout is around each
				t.Errorf("no page of %s was looked at", file)
			}
		}
	})
}

// waitFor waits until somebody answers at an address.
func (b *tab) waitFor(c *cluster, url string) {
	b.Helper()
	must(b.T, lab.Eventually(b.Context(), patience, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := c.http.Do(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}))
}

// look fails the test for what is wrong with the page, whatever it is about.
func (b *tab) look() {
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
