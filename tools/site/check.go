package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// check looks at the site as it will be written: every page is whole, every link in it leads somewhere.
func (s *site) check() error {
	ids := make(map[string]map[string]bool)
	var wrong []error
	for _, p := range s.sorted() {
		have, err := whole(s.files[p.path])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", p.name(), err))
		}
		ids[p.path] = have
	}
	for _, p := range s.sorted() {
		err := each(string(s.files[p.path]), func(n *html.Node) {
			for _, name := range []string{"href", "src"} {
				if to := attribute(n, name); to != "" {
					wrong = append(wrong, s.leads(p, to, ids))
				}
			}
		})
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// name is what to look at when something is wrong with a page.
func (p *page) name() string {
	if p.source != "" {
		return p.source
	}
	return p.path
}

// leads says whether there is what a link leads to.
func (s *site) leads(p *page, to string, ids map[string]map[string]bool) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("%s: the link %s: %w", p.name(), to, err)
	}
	if u.IsAbs() || u.Host != "" {
		return nil
	}
	target := p.path
	if u.Path != "" {
		target = path.Join(path.Dir(p.path), u.Path)
	}
	if s.files[target] == nil {
		return fmt.Errorf("%s: the link %s leads nowhere", p.name(), to)
	}
	if u.Fragment != "" && !ids[target][u.Fragment] {
		return fmt.Errorf("%s: the link %s leads to no heading of %s", p.name(), to, target)
	}
	return nil
}

// void are the elements of HTML that have no end.
var void = []string{"br", "hr", "img", "input", "link", "meta", "wbr"}

// whole is an error unless every element of a page ends where it must, every ID is there once, and every picture has words. It returns
// the IDs.
func whole(text []byte) (map[string]bool, error) {
	ids := make(map[string]bool)
	var open []string
	z := html.NewTokenizer(bytes.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				return ids, fmt.Errorf("<%s> does not end", open[len(open)-1])
			}
			return ids, nil
		case html.StartTagToken:
			t := z.Token()
			if err := sound(t, ids); err != nil {
				return ids, err
			}
			if !slices.Contains(void, t.Data) {
				open = append(open, t.Data)
			}
		case html.SelfClosingTagToken:
			return ids, fmt.Errorf("<%s/> is no HTML", z.Token().Data)
		case html.EndTagToken:
			t := z.Token()
			if len(open) == 0 || open[len(open)-1] != t.Data {
				return ids, fmt.Errorf("</%s> within <%s>", t.Data, strings.Join(open, "><"))
			}
			open = open[:len(open)-1]
		}
	}
}

// sound looks at one element.
func sound(t html.Token, ids map[string]bool) error {
	words := false
	for _, a := range t.Attr {
		switch {
		case a.Key == "id" && (a.Val == "" || ids[a.Val]):
			return fmt.Errorf("two elements have the ID %q", a.Val)
		case a.Key == "id":
			ids[a.Val] = true
		case a.Key == "alt":
			words = a.Val != ""
		}
	}
	if t.Data == "img" && !words {
		return errors.New("a picture has no words")
	}
	return nil
}
