package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polso/lab"
)

// w3m shows a router's page as a person at its console reads it, with the cookies of a browser that is signed in; a form is sent if there
// is one. It asks for localhost: w3m looks for names alone in a certificate, not for addresses.
func (c *cluster) w3m(t *testing.T, p *plain, r *lab.Router, page string, form url.Values) string {
	t.Helper()
	var cookies []string
	target, err := url.Parse(at(r, page))
	must(t, err)
	for _, cookie := range p.client.Jar.Cookies(target) {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	args := []string{"-dump", "-cols", "120", "-o", "ssl_verify_server=1", "-o", "ssl_ca_file=" + c.caFile,
		"-header", "Cookie: " + strings.Join(cookies, "; ")}
	if form != nil {
		body := filepath.Join(t.TempDir(), "form")
		must(t, os.WriteFile(body, []byte(form.Encode()), 0o600))
		args = append(args, "-post", body)
	}
	target.Host = "localhost:" + target.Port()
	text, err := r.Run(t.Context(), "w3m", append(args, target.String())...)
	must(t, err)
	return text
}

// A console on a router often has a browser of text alone: pages are read there, and forms work.
func TestText(t *testing.T) {
	c := newCluster(t)
	c.furnish(t)
	r := c.Routers[0]
	p := newPlain(t, c, r)
	if text := c.w3m(t, p, r, "/monitoring", nil); !strings.Contains(text, "Password") {
		t.Errorf("who is not signed in is not asked to:\n%s", text)
	}
	p.signIn("operator", password)
	for page, want := range map[string][]string{
		"/monitoring":   {"HEALTHY", "10.9.0.50", "10.9.0.51"},
		"/redundancy":   {"r1", "r2", "r3", "UP"},
		"/virtuals":     {"web", "shop", "10.9.0.50"},
		"/virtuals/web": {"10.9.0.21", "UP", "DRAIN"},
	} {
		text := c.w3m(t, p, r, page, nil)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s in w3m does not say %q:\n%s", page, w, text)
			}
		}
	}

	t.Run("drain with w3m", func(t *testing.T) {
		p.T = t
		p.get("/virtuals/web/servers/b")
		action, form := p.form("Drain", "")
		target, err := url.Parse(action)
		must(t, err)
		c.w3m(t, p, r, target.RequestURI(), form)
		drained(t, c, "b")
	})
	t.Run("drain with forms alone", func(t *testing.T) {
		p.T = t
		p.get("/virtuals/web/servers/a")
		p.submit("Drain", "", nil)
		drained(t, c, "a")
	})
}

// drained waits until every router drains a server of web.
func drained(t *testing.T, c *cluster, server string) {
	t.Helper()
	must(t, lab.Eventually(t.Context(), patience, func(ctx context.Context) error {
		for _, r := range c.Routers[:3] {
			s, err := r.Status(ctx, lab.Own)
			if err != nil {
				return err
			}
			if state := s.ServerState("web", server); state != "drain" {
				return fmt.Errorf("%s: server %s is %s", r.Name, server, state)
			}
		}
		return nil
	}))
}
