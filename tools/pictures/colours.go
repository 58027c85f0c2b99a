package main

import (
	"fmt"
	"regexp"
	"strings"
)

// colours are a style sheet's by name, in its light scheme and in its dark one.
type colours struct{ light, dark map[string]string }

var declared = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)

// parseColours reads the declarations of a style sheet, light before dark.
func parseColours(text string) (colours, error) {
	light, dark, ok := strings.Cut(text, "@media (prefers-color-scheme: dark)")
	dark, _, _ = strings.Cut(dark, "\n}\n")
	c := colours{light: map[string]string{}, dark: map[string]string{}}
	for _, m := range declared.FindAllStringSubmatch(light, -1) {
		c.light[m[1]] = m[2]
	}
	for _, m := range declared.FindAllStringSubmatch(dark, -1) {
		c.dark[m[1]] = m[2]
	}
	for _, r := range rules {
		for _, name := range []string{r.fill, r.stroke} {
			if name != "" && (!ok || c.light[name] == "" || c.dark[name] == "") {
				return c, fmt.Errorf("no colour --%s in both schemes", name)
			}
		}
	}
	return c, nil
}

// rule is how a class looks: names of colours; "" is none.
type rule struct {
	class        class
	fill, stroke string
	more         string // CSS that is the same in both schemes
}

// class is how something in a picture looks.
type class string

const (
	ground class = "g"
	plain  class = "p"  // a box
	good   class = "ok" // a box that holds, or serves
	bad    class = "no" // a box that is lost
	warn   class = "w"  // a box that waits
	dim    class = "d"  // a box that is not there, or not yet
	ink    class = "i"  // text
	strong class = "b"
	soft   class = "s"
	small  class = "t"
	thin   class = "l" // lines
	wire   class = "e"
	flow   class = "f"
	answer class = "a"
	lost   class = "x"
	head   class = "h"  // the heads of flow
	headOK class = "ha" // of answer
	headNo class = "hx" // of lost
	headed class = "he" // of wire
)

var rules = []rule{
	{ground, "back", "line", ""},
	{plain, "panel", "edge", ""},
	{good, "good-tint", "good", "stroke-width:1.5"},
	{bad, "bad-tint", "bad", "stroke-width:1.5"},
	{warn, "warn-tint", "warn", "stroke-width:1.5"},
	{dim, "tint", "edge", "stroke-dasharray:4 3"},
	{ink, "ink", "", ""},
	{strong, "ink", "", "font-weight:600"},
	{soft, "soft", "", ""},
	{small, "soft", "", "font-size:12px"},
	{thin, "", "line", ""},
	{wire, "", "edge", "stroke-width:1.5"},
	{flow, "", "link", "stroke-width:2"},
	{answer, "", "good", "stroke-width:2"},
	{lost, "", "bad", "stroke-width:1.5;stroke-dasharray:4 3"},
	{head, "link", "", ""},
	{headOK, "good", "", ""},
	{headNo, "bad", "", ""},
	{headed, "edge", "", ""},
}

// css is the style of a picture: every class in light colours, then what is otherwise in dark ones.
func (c colours) css() string {
	scheme := func(of map[string]string) string {
		var b strings.Builder
		for _, r := range rules {
			paint := func(name string) string {
				if name == "" {
					return "none"
				}
				return of[name]
			}
			fmt.Fprintf(&b, ".%s{fill:%s;stroke:%s}\n", r.class, paint(r.fill), paint(r.stroke))
		}
		return b.String()
	}
	var b strings.Builder
	b.WriteString("text{font:14px system-ui,\"DejaVu Sans\",sans-serif}\n" + scheme(c.light))
	for _, r := range rules {
		if r.more != "" {
			fmt.Fprintf(&b, ".%s{%s}\n", r.class, r.more)
		}
	}
	return b.String() + "@media (prefers-color-scheme:dark){\n" + scheme(c.dark) + "}\n"
}
