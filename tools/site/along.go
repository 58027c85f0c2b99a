package main

import (
	"fmt"
	"html"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// along takes what a link leads to into the site, once, and returns where it is: pages are there anyway.
func (s *site) along(target string) (string, error) {
	info, err := fs.Stat(s.tree, target)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return s.folder(target)
	}
	at := place(target)
	if path.Ext(target) == ".md" || s.pages[at] != nil || s.files[at] != nil {
		return at, nil
	}
	text, err := fs.ReadFile(s.tree, target)
	switch {
	case err != nil:
		return "", err
	case path.Ext(at) != ".html":
		s.files[at] = text
	case !utf8.Valid(text):
		return "", fmt.Errorf("%s is no text", target)
	default:
		s.pages[at] = &page{source: target, path: at, title: target,
			body: fmt.Sprintf("<h1>%s</h1>\n<pre tabindex=\"0\"><code>%s</code></pre>\n", html.EscapeString(target), html.EscapeString(string(text)))}
	}
	return at, nil
}

// folder is the page that lists what is in a folder. A folder of pages gets one without being asked for: see folders.
func (s *site) folder(dir string) (string, error) {
	entries, err := fs.ReadDir(s.tree, dir)
	if err != nil {
		return "", err
	}
	pages := false
	for _, e := range entries {
		pages = pages || path.Ext(e.Name()) == ".md"
	}
	if below, ok := strings.CutPrefix(dir, "docs/"); ok && pages {
		return below + "/index.html", nil
	}
	at := "tree/" + dir + "/index.html"
	if s.pages[at] != nil {
		return at, nil
	}
	p := &page{source: dir, path: at, title: dir}
	s.pages[at] = p // before what is in it, which may lead back
	var b strings.Builder
	fmt.Fprintf(&b, "<h1>%s</h1>\n<ul>\n", html.EscapeString(dir))
	for _, e := range entries {
		to, err := s.along(path.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "<li><a href=\"%s\">%s</a></li>\n", relative(at, to), html.EscapeString(e.Name()))
	}
	p.body = b.String() + "</ul>\n"
	return at, nil
}

// folders gives every folder of pages a page that lists them, unless it has one.
func (s *site) folders() {
	lists := make(map[string]*strings.Builder)
	for _, p := range s.sorted() {
		dir := path.Dir(p.path)
		if path.Ext(p.source) != ".md" || dir == "." || s.pages[dir+"/index.html"] != nil {
			continue
		}
		if lists[dir] == nil {
			lists[dir] = new(strings.Builder)
		}
		fmt.Fprintf(lists[dir], "<li><a href=\"%s\">%s</a></li>\n", relative(p.path, p.path), html.EscapeString(p.title))
	}
	for dir, list := range lists {
		name := path.Base(dir)
		title := strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " ")
		at := dir + "/index.html"
		s.pages[at] = &page{path: at, title: title, body: fmt.Sprintf("<h1>%s</h1>\n<ul>\n%s</ul>\n", html.EscapeString(title), list)}
	}
}
