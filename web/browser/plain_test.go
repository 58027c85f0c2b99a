package browser

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"polso/lab"
)

// plain is a browser without scripts: it follows links and sends forms.
type plain struct {
	*testing.T
	client http.Client
	router *lab.Router
	page   *html.Node // the one that is looked at
	at     *url.URL   // its address
}

func newPlain(t *testing.T, c *cluster, r *lab.Router) *plain {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &plain{T: t, client: http.Client{Transport: c.http.Transport, Timeout: c.http.Timeout, Jar: jar}, router: r}
}

// get opens a page; redirects are followed.
func (p *plain) get(path string) (*http.Response, string) {
	p.Helper()
	res, err := p.client.Get(at(p.router, path))
	must(p.T, err)
	return p.take(res)
}

func (p *plain) take(res *http.Response) (*http.Response, string) {
	p.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(p.T, err)
	p.at = res.Request.URL
	p.page, err = html.Parse(strings.NewReader(string(text)))
	must(p.T, err)
	return res, string(text)
}

// submit sends the form that has a button of that name, with values beside those that stand in it; place, if it is not empty, is a text
// in the form or its row. It returns the page that follows.
func (p *plain) submit(button, place string, values url.Values) string {
	p.Helper()
	action, form := p.form(button, place)
	for name, list := range values {
		form[name] = list
	}
	res, err := p.client.PostForm(action, form)
	must(p.T, err)
	res, text := p.take(res)
	if res.StatusCode >= http.StatusBadRequest {
		p.Fatalf("%s at %s: status %d", button, action, res.StatusCode)
	}
	return text
}

// form is the address and the values of a form as it stands, with the button that is pressed.
func (p *plain) form(button, place string) (action string, values url.Values) {
	p.Helper()
	for f := range p.page.Descendants() {
		if f.DataAtom != atom.Form || !strings.EqualFold(attr(f, "method"), "post") {
			continue
		}
		values := url.Values{}
		pressed := false
		for e := range f.Descendants() {
			name := attr(e, "name")
			switch e.DataAtom {
			case atom.Button:
				if strings.EqualFold(words(e), button) && (!pressed) {
					pressed = true
					if name != "" {
						values.Add(name, attr(e, "value"))
					}
				}
			case atom.Input:
				kind := attr(e, "type")
				if name == "" || kind == "submit" || (kind == "checkbox" || kind == "radio") && !has(e, "checked") {
					continue
				}
				values.Add(name, attr(e, "value"))
			case atom.Textarea:
				values.Add(name, strings.TrimPrefix(words(e), "\n"))
			case atom.Select:
				values.Add(name, selected(e))
			}
		}
		if !pressed || !strings.Contains(around(f), place) && !strings.Contains(attr(f, "action"), place) {
			continue
		}
		to, err := p.at.Parse(attr(f, "action"))
		must(p.T, err)
		return to.String(), values
	}
	p.Fatalf("no form at %s has a button %q near %q", p.at, button, place)
	return "", nil
}

// signIn signs in.
func (p *plain) signIn(user, password string) {
	p.Helper()
	if res, text := p.tries(user, password); res.StatusCode != http.StatusOK {
		p.Fatalf("sign-in: status %d\n%s", res.StatusCode, text)
	}
}

// tries is signIn that may fail.
func (p *plain) tries(user, password string) (*http.Response, string) {
	p.Helper()
	p.get("/sign-in")
	action, form := p.form("Sign in", "")
	form.Set("user", user)
	form.Set("password", password)
	res, err := p.client.PostForm(action, form)
	must(p.T, err)
	return p.take(res)
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// words are the text of an element.
func words(n *html.Node) string {
	var b strings.Builder
	for e := range n.Descendants() {
		if e.Type == html.TextNode {
			b.WriteString(e.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// around is the text of the table row or list item that an element is in, or its own.
func around(n *html.Node) string {
	for p := range n.Ancestors() {
		if p.DataAtom == atom.Tr || p.DataAtom == atom.Li {
			return words(p)
		}
	}
	return words(n)
}

// selected is the value of a list as it stands.
func selected(list *html.Node) string {
	first, found := "", false
	for o := range list.Descendants() {
		if o.DataAtom != atom.Option {
			continue
		}
		value := words(o)
		if has(o, "value") {
			value = attr(o, "value")
		}
		if has(o, "selected") {
			return value
		}
		if !found {
			first, found = value, true
		}
	}
	return first
}
