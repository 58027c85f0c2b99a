package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// reference makes the pages that are made of the code.
func (s *site) reference(manual map[string]string) error {
	return errors.Join(s.manual(manual), s.api(), s.metrics())
}

// manual makes a page of every page of the manual.
func (s *site) manual(manual map[string]string) error {
	if manual["polso.1"] == "" || manual["polso.hcl.5"] == "" || manual["node.hcl.5"] == "" {
		return errors.New("the manual is not whole: no polso(1), polso.hcl(5) or node.hcl(5)")
	}
	titles := make(map[string]string)
	for file, text := range manual {
		titles[file] = titleOf(file, text)
	}
	var wrong []error
	for file, text := range manual {
		body, err := roff(text, titles[file], titles)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", file, err))
		}
		name := strings.TrimSuffix(strings.TrimSuffix(file, ".1"), ".5")
		s.pages["reference/"+name+".html"] = &page{path: "reference/" + name + ".html", title: titles[file], body: body}
	}
	return errors.Join(wrong...)
}

// titleOf is the title of a page of the manual: a command as it is typed, or what a file is for.
func titleOf(file, text string) string {
	switch file {
	case "polso.1":
		return "Every command"
	case "polso.hcl.5":
		return "The document, every attribute"
	case "node.hcl.5":
		return "A router's settings"
	}
	_, after, _ := strings.Cut(text, ".SH \"SYNOPSIS\"\n\\fB")
	title, _, _ := strings.Cut(after, `\fR`)
	return unescaped(title)
}

// api makes the pages of the HTTP interface, of the description that is also served.
func (s *site) api() error {
	text, err := fs.ReadFile(s.tree, "api/openapi.yaml")
	if err != nil {
		return err
	}
	d, err := parseAPI(text)
	if err != nil {
		return err
	}
	for _, p := range []*page{
		{path: "reference/api.html", title: "HTTP API"},
		{path: "reference/api-types.html", title: "HTTP API: types"},
	} {
		if p.body, err = d.render(p.path); err != nil {
			return err
		}
		s.pages[p.path] = p
	}
	return nil
}

// metrics makes the page of the metrics.
func (s *site) metrics() error {
	body, err := metricsPage()
	s.pages["reference/metrics.html"] = &page{path: "reference/metrics.html", title: "Every metric", body: body}
	return err
}
