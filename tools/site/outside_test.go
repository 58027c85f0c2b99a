package main

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// outside are the beginnings of what is not of the site.
const outside = `(?:(?:https?|wss?):)?//`

// What asks for something of elsewhere: as the value of an attribute, among the rules of a style, among the words of a script. A style imports nothing at
// all; in a script no text may begin with a place elsewhere, whatever it is then given to.
var (
	outsideLink   = regexp.MustCompile(`(?i)(?:^|,)\s*` + outside)
	outsideStyle  = regexp.MustCompile(`(?i)@import\b|url\(\s*["']?\s*` + outside)
	outsideScript = regexp.MustCompile("(?i)[\"'`]\\s*" + outside)
)

// fetching are the attributes whose value a browser asks for by itself.
var fetching = map[string]bool{"href": true, "xlink:href": true, "src": true, "srcset": true, "poster": true, "data": true, "action": true, "formaction": true}

// fetches is the first that a browser which shows a file of the site would ask somebody else for, "" if there is nothing. Where <a href> leads is
// asked for only by who follows it.
func fetches(name string, text []byte) string {
	switch {
	case path.Ext(name) == ".css":
		return string(outsideStyle.Find(text))
	case path.Base(name) == "index.js": // the texts of the pages: nothing that runs
		list, _ := bytes.CutPrefix(bytes.TrimSpace(text), []byte("polsoIndex("))
		if list, ended := bytes.CutSuffix(list, []byte(")")); !ended || !json.Valid(list) {
			return "more than a list"
		}
		return ""
	case path.Ext(name) == ".js":
		return string(outsideScript.Find(text))
	case path.Ext(name) != ".html" && path.Ext(name) != ".svg":
		return ""
	}
	within := ""
	for z := html.NewTokenizer(bytes.NewReader(text)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.EndTagToken:
			within = ""
		case html.TextToken:
			rules := map[string]*regexp.Regexp{"style": outsideStyle, "script": outsideScript}[within]
			if rules == nil {
				continue
			}
			if m := rules.Find(z.Raw()); m != nil {
				return string(m)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			within = tag.Data
			for _, a := range tag.Attr {
				if asks(tag.Data, a) {
					return "<" + tag.Data + " " + a.Key + "=" + a.Val
				}
			}
		}
	}
}

// asks says whether an attribute of an element has something fetched from elsewhere.
func asks(element string, a html.Attribute) bool {
	switch {
	case element == "a" && a.Key == "href":
		return false
	case strings.HasPrefix(a.Key, "on"):
		return outsideScript.MatchString(a.Val)
	case fetching[a.Key]:
		return outsideLink.MatchString(a.Val)
	}
	return a.Key == "style" && outsideStyle.MatchString(a.Val)
}

// Each way to fetch something from elsewhere is found, and nothing else is taken for one.
func TestFetches(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a.html", `<link rel="stylesheet" href="https://x/a.css">`, "<link href=https://x/a.css"},
		{"a.html", `<link rel="icon" href="//x/a.svg">`, "<link href=//x/a.svg"},
		{"a.html", `<script src="http://x/a.js"></script>`, "<script src=http://x/a.js"},
		{"a.html", `<IMG SRC='//x/a.png' alt="a">`, "<img src=//x/a.png"},
		{"a.html", `<img srcset="a.png, https://x/a.png 2x" alt="a">`, "<img srcset=a.png, https://x/a.png 2x"},
		{"a.html", `<p style="background: url(//x/a.png)">a</p>`, "<p style=background: url(//x/a.png)"},
		{"a.html", `<style>@import "a.css"</style>`, "@import"},
		{"a.html", `<script>fetch("https://x/")</script>`, `"https://`},
		{"a.html", `<body onload="fetch('//x/')">`, "<body onload=fetch('//x/')"},
		{"a.svg", `<svg><image href="https://x/a.png"/></svg>`, "<image href=https://x/a.png"},
		{"a.svg", `<svg><style>text { src: url(http://x/a.woff) }</style></svg>`, "url(http://"},
		{"a.css", `a { background: url("https://x/a.png") }`, `url("https://`},
		{"a.css", `a { background: url(//x/a.png) }`, "url(//"},
		{"a.css", `@import url(a.css);`, "@import"},
		{"a.js", `fetch("https://x/")`, `"https://`},
		{"a.js", `import("//x/a.js")`, `"//`},
		{"a.js", `import a from 'https://x/a.js'`, `'https://`},
		{"a.js", "const r = new XMLHttpRequest();\nr.open(\"GET\", `http://x/`)", "`http://"},
		{"a.js", `new WebSocket("wss://x/")`, `"wss://`},
		{"static/index.js", `polsoIndex([]); fetch(1)`, "more than a list"},

		{"a.html", `<a href="https://x/">fetch("https://x/"), url(//x), @import</a><a href="//x/">x</a><img src="a.png" alt="https://x/">`, ""},
		{"a.svg", `<svg xmlns="http://www.w3.org/2000/svg"><style>a { fill: url(#a) }</style></svg>`, ""},
		{"a.css", `a { background: url("data:image/svg+xml,a") }`, ""},
		{"a.js", "// as https://x/ has it\nfetch(root + \"static/index.js\")", ""},
		{"static/index.js", "polsoIndex([[\"fetch('https://x/')\"]])\n", ""},
	} {
		if got := fetches(tt.name, []byte(tt.text)); got != tt.want {
			t.Errorf("%s: %s: %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}
