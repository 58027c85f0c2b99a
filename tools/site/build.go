package main

import (
	"embed"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed static templates
var own embed.FS

// page is one of the site's.
type page struct {
	source string // its path in the tree; "": made of the code
	path   string // in the site
	title  string
	body   string // HTML
}

// site is a site being made of a tree.
type site struct {
	tree  fs.FS
	pages map[string]*page  // by path in the site
	files map[string][]byte // everything else, likewise
}

// build makes the site: its files by their path. The manual is what `polso man` writes. An error names everything that is wrong.
func build(tree fs.FS, manual map[string]string) (map[string][]byte, error) {
	s := &site{tree: tree, pages: make(map[string]*page), files: make(map[string][]byte)}
	sources, err := s.sources()
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, source := range sources {
		wrong = append(wrong, s.markdown(source))
	}
	wrong = append(wrong, s.reference(manual))
	s.folders()
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	s.named()
	groups, err := s.groups()
	if err != nil {
		return nil, err
	}
	if err := s.styles(); err != nil {
		return nil, err
	}
	index, err := s.index(groups)
	if err != nil {
		return nil, err
	}
	s.files["static/index.js"] = index
	if err := s.frame(groups); err != nil {
		return nil, err
	}
	return s.files, s.check()
}

// sources are the tree's pages.
func (s *site) sources() ([]string, error) {
	found := []string{"README.md", "CHANGELOG.md"}
	err := fs.WalkDir(s.tree, "docs", func(p string, _ fs.DirEntry, err error) error {
		if path.Ext(p) == ".md" {
			found = append(found, p)
		}
		return err
	})
	return found, err
}

var toPage = regexp.MustCompile(`<a href="([^"#]+)">[^<>]*\.md</a>`)

// named writes a page's title where a link shows the name of its file, which is no name on a site.
func (s *site) named() {
	for _, p := range s.pages {
		p.body = toPage.ReplaceAllStringFunc(p.body, func(link string) string {
			href := toPage.FindStringSubmatch(link)[1]
			if to := s.pages[path.Join(path.Dir(p.path), href)]; to != nil && path.Ext(to.source) == ".md" {
				return fmt.Sprintf("<a href=\"%s\">%s</a>", href, html.EscapeString(to.title))
			}
			return link
		})
	}
}

// place is where something of the tree is in the site: pages and pictures at the same path below docs, a folder's README.md as its index,
// everything else, which is shown as it is written, below tree.
func place(source string) string {
	below, inDocs := strings.CutPrefix(source, "docs/")
	switch {
	case path.Base(source) == "README.md":
		return strings.TrimSuffix(below, "README.md") + "index.html"
	case path.Ext(source) == ".md":
		return strings.ToLower(strings.TrimSuffix(below, ".md")) + ".html"
	case inDocs && (path.Ext(source) == ".png" || path.Ext(source) == ".svg"):
		return below
	}
	return "tree/" + source + ".html"
}

// styles are the web interface's own, and what a site needs besides.
func (s *site) styles() error {
	for _, name := range []string{"polso.css", "tables.css", "polso.svg"} {
		text, err := fs.ReadFile(s.tree, "web/static/"+name)
		if err != nil {
			return err
		}
		s.files["static/"+name] = text
	}
	for _, name := range []string{"site.css", "search.js"} {
		text, err := own.ReadFile("static/" + name)
		if err != nil {
			return err
		}
		s.files["static/"+name] = text
	}
	return nil
}

// group is a heading of the menu and the pages below it.
type group struct {
	Title string
	Pages []*page
}

// groups are the menu: what docs/ORDER lists, and below it under "More" the pages and folders of pages that it does not know. What is in a
// folder is reached by the folder's page.
func (s *site) groups() ([]group, error) {
	text, err := fs.ReadFile(s.tree, "docs/ORDER")
	if err != nil {
		return nil, err
	}
	var groups []group
	listed := make(map[*page]bool)
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "# "); ok {
			groups = append(groups, group{Title: title})
			continue
		}
		if line == "" {
			continue
		}
		p := s.pages[listing(line)]
		if p == nil || len(groups) == 0 {
			return nil, fmt.Errorf("docs/ORDER:%d: there is no page %s", n+1, line)
		}
		listed[p] = true
		last := &groups[len(groups)-1]
		last.Pages = append(last.Pages, p)
	}
	more := group{Title: "More"}
	for _, p := range s.sorted() {
		folder := path.Base(p.path) == "index.html" && !strings.HasPrefix(p.path, "tree/")
		if (path.Dir(p.path) == "." || folder) && !listed[p] {
			more.Pages = append(more.Pages, p)
		}
	}
	if len(more.Pages) > 0 {
		groups = append(groups, more)
	}
	return groups, nil
}

// listing is the page of a line of docs/ORDER: a file of the tree, a folder of docs, or a page that is made of the code.
func listing(line string) string {
	switch path.Ext(line) {
	case ".md":
		return place(line)
	case ".html":
		return line
	}
	return strings.TrimPrefix(line, "docs/") + "/index.html"
}

// sorted are all pages, by their path.
func (s *site) sorted() []*page {
	var all []*page
	for _, p := range s.pages {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *page) int { return strings.Compare(a.path, b.path) })
	return all
}
