package main

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// index is what search.js looks in: a script that sets one constant, since a page that is opened as a file may fetch nothing. Each entry is
// a part of a page, below a heading: the page's title, the heading, where it is, and its text. The pages of the menu come first: of
// parts that answer equally well the first is shown first.
func (s *site) index(groups []group) ([]byte, error) {
	var inOrder []*page
	for _, g := range groups {
		inOrder = append(inOrder, g.Pages...)
	}
	for _, p := range s.sorted() {
		if !slices.Contains(inOrder, p) {
			inOrder = append(inOrder, p)
		}
	}
	var entries [][4]string
	for _, p := range inOrder {
		if strings.HasPrefix(p.path, "tree/") || p.source == "" && path.Base(p.path) == "index.html" {
			continue
		}
		doc, err := html.Parse(strings.NewReader(p.body))
		if err != nil {
			return nil, err
		}
		part, text := [4]string{p.title, p.title, p.path}, new(strings.Builder)
		end := func() {
			part[3] = strings.TrimPrefix(strings.Join(strings.Fields(text.String()), " "), part[1])
			entries = append(entries, part)
			text.Reset()
		}
		for n := range doc.Descendants() {
			heading := n.Type == html.ElementNode && (n.Data == "h2" || n.Data == "h3") && attribute(n, "id") != ""
			switch {
			case heading:
				end()
				part = [4]string{p.title, words(n), p.path + "#" + attribute(n, "id")}
			case n.Type == html.TextNode:
				text.WriteString(n.Data + " ")
			}
		}
		end()
	}
	list, err := json.Marshal(entries)
	return append(append([]byte("polsoIndex("), list...), ")\n"...), err
}
