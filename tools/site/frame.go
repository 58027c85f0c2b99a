package main

import (
	"bytes"
	"html/template"
	"path"
	"strings"

	"golang.org/x/net/html"
)

// head is a heading of a page.
type head struct{ ID, Text string }

// frame puts every page into the site's frame: menu, what is on the page, what comes before and after it.
func (s *site) frame(groups []group) error {
	t, err := template.ParseFS(own, "templates/page.html")
	if err != nil {
		return err
	}
	var inOrder []*page
	for _, g := range groups {
		inOrder = append(inOrder, g.Pages...)
	}
	for _, p := range s.sorted() {
		heads, err := headings(p.body)
		if err != nil {
			return err
		}
		view := pageView{Title: p.title, Body: template.HTML(p.body), Root: relative(p.path, ""), Heads: heads}
		near := make(map[*page]bool) // what it stands below
		for up := s.above(p); up != nil; up = s.above(up) {
			near[up] = true
			view.Above = append([]menuLink{{Href: relative(p.path, up.path), Title: up.title}}, view.Above...)
		}
		for _, g := range groups {
			menu := menuGroup{Title: g.Title}
			for _, x := range g.Pages {
				menu.Links = append(menu.Links, menuLink{Href: relative(p.path, x.path), Title: x.title, Here: x == p, Near: near[x]})
			}
			view.Menu = append(view.Menu, menu)
		}
		for i, x := range inOrder {
			if x != p {
				continue
			}
			if i > 0 {
				view.Before = &menuLink{Href: relative(p.path, inOrder[i-1].path), Title: inOrder[i-1].title}
			}
			if i+1 < len(inOrder) {
				view.After = &menuLink{Href: relative(p.path, inOrder[i+1].path), Title: inOrder[i+1].title}
			}
		}
		var out bytes.Buffer
		if err := t.Execute(&out, view); err != nil {
			return err
		}
		s.files[p.path] = out.Bytes()
	}
	return nil
}

// above is the page that one stands below: a command's is the command that it belongs to, another's is its folder's. nil: none.
func (s *site) above(p *page) *page {
	dir, stem := path.Dir(p.path), strings.TrimSuffix(p.path, ".html")
	for i := strings.LastIndex(stem, "-"); dir == "reference" && i > 0; i = strings.LastIndex(stem, "-") {
		stem = stem[:i]
		if up := s.pages[stem+".html"]; up != nil {
			return up
		}
	}
	if up := s.pages[dir+"/index.html"]; dir != "." && up != p {
		return up
	}
	return nil
}

// pageView is what page.html shows.
type pageView struct {
	Title, Root   string
	Body          template.HTML
	Heads         []head
	Menu          []menuGroup
	Above         []menuLink // outermost first
	Before, After *menuLink
}

type menuGroup struct {
	Title string
	Links []menuLink
}

type menuLink struct {
	Href, Title string
	Here, Near  bool // it is the page; the page stands below it
}

// headings are a page's of the second rank, and those of the third where the second alone are few; none where all are.
func headings(body string) ([]head, error) {
	var second, both []head
	err := each(body, func(n *html.Node) {
		h := head{attribute(n, "id"), words(n)}
		switch n.Data {
		case "h2":
			second, both = append(second, h), append(both, h)
		case "h3":
			both = append(both, h)
		}
	})
	switch {
	case len(second) > 6:
		return second, err
	case len(both) > 3:
		return both, err
	}
	return nil, err
}

// each visits the elements of HTML in their order.
func each(text string, visit func(*html.Node)) error {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			visit(n)
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text of an element.
func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
