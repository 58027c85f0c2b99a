package main

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// manPage is a page of the manual on its way from man(7)'s language to HTML. It knows what the program's own pages are made of, and
// nothing else: an unknown request is an error.
type manPage struct {
	b       strings.Builder
	titles  map[string]string // of every page of the manual, by file
	ids     anchors
	part    string // the ID of the subsection, for the IDs of what is in it
	section string
	inText  bool // within <p>
	inItem  bool // within <dd>
	inList  bool // within <dl>
	term    bool // the next line is an item's head
	literal bool // within .EX
}

// roff is the body of a page of the manual.
func roff(text, title string, titles map[string]string) (string, error) {
	m := &manPage{titles: titles, ids: make(anchors)}
	fmt.Fprintf(&m.b, "<h1>%s</h1>\n", html.EscapeString(title))
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if err := m.line(line); err != nil {
			return "", err
		}
	}
	m.endList()
	says := saidTwice.FindStringSubmatch(m.b.String())
	if says != nil && says[1] == says[3] {
		return strings.Replace(m.b.String(), says[2], "", 1), nil
	}
	return m.b.String(), nil
}

func (m *manPage) line(line string) error {
	request, rest, _ := strings.Cut(line, " ")
	switch {
	case m.term:
		m.term = false
		id := strings.TrimLeft(unescaped(fonts.ReplaceAllString(line, "")), "-")
		if _, long, ok := strings.Cut(id, ", --"); ok {
			id = long
		}
		id, _, _ = strings.Cut(id, " ")
		fmt.Fprintf(&m.b, "<dt id=\"%s\">%s</dt>\n<dd>", m.ids.next(strings.Trim(m.part+"-"+id, "-")), m.inline(line))
		m.inItem = true
		return nil
	case request == ".EE":
		m.literal = false
		m.b.WriteString("</code></pre>\n")
		return nil
	case m.literal:
		m.b.WriteString(html.EscapeString(unescaped(line)) + "\n")
		return nil
	}
	switch request {
	case ".TH":
	case ".SH", ".SS":
		m.heading(request, unescaped(strings.Trim(rest, `"`)))
	case ".TP":
		m.endItem()
		if !m.inList {
			m.inList = true
			m.b.WriteString("<dl>\n")
		}
		m.term = true
	case ".PP":
		m.endList()
	case ".EX":
		m.endText()
		m.literal = true
		m.b.WriteString(`<pre tabindex="0"><code>`)
	case ".br":
		m.b.WriteString("<br>\n")
	default:
		if strings.HasPrefix(line, ".") {
			return fmt.Errorf("the request %s is not known", request)
		}
		if m.section == "NAME" {
			_, says, _ := strings.Cut(unescaped(line), " - ")
			line = strings.ToUpper(says[:min(1, len(says))]) + says[min(1, len(says)):] + "."
		}
		if !m.inText && !m.inItem {
			m.inText = true
			m.b.WriteString("<p>")
		}
		m.b.WriteString(m.inline(line) + "\n")
	}
	return nil
}

func (m *manPage) heading(request, title string) {
	m.endList()
	if request == ".SS" {
		id := m.ids.next(strings.ReplaceAll(strings.TrimSuffix(title, " LABEL"), ".", "-"))
		m.part = id
		fmt.Fprintf(&m.b, "<h3 id=\"%s\">%s</h3>\n", id, html.EscapeString(title))
		return
	}
	m.section, m.part = title, ""
	if title == "NAME" {
		return // the page's own heading says it
	}
	title = title[:1] + strings.ToLower(title[1:])
	id := m.ids.next(title)
	if title == "Options" {
		m.part = "option"
	}
	fmt.Fprintf(&m.b, "<h2 id=\"%s\">%s</h2>\n", id, html.EscapeString(title))
}

func (m *manPage) endText() {
	if m.inText {
		m.inText = false
		m.b.WriteString("</p>\n")
	}
}

func (m *manPage) endItem() {
	m.endText()
	if m.inItem {
		m.inItem = false
		m.b.WriteString("</dd>\n")
	}
}

func (m *manPage) endList() {
	m.endItem()
	if m.inList {
		m.inList = false
		m.b.WriteString("</dl>\n")
	}
}

var (
	fonts = regexp.MustCompile(`\\f[BIR]`)
	// A command without more to say says its one sentence again as its description.
	saidTwice = regexp.MustCompile(`(?s)^<h1>[^\n]*\n(<p>[^\n]*\n</p>\n).*?(<h2 id="description">Description</h2>\n(<p>[^\n]*\n</p>\n))`)
	others    = regexp.MustCompile(`(?:<strong>)?([a-z][a-z.-]*)(?:</strong>)?\(([15])\)`)
)

// unescaped is a text without roff's escapes.
func unescaped(s string) string {
	return strings.NewReplacer(`\e`, `\`, `\-`, "-", `\(ha`, "^", `\(ti`, "~", `\(ga`, "`", `\(aq`, "'", `\(dq`, `"`, `\&`, "").Replace(s)
}

// inline is a line with its fonts, and with links to the other pages of the manual.
func (m *manPage) inline(line string) string {
	line = html.EscapeString(unescaped(line))
	line = strings.NewReplacer(`\fB`, "<strong>", `\fI`, "<em>").Replace(line)
	for strings.Contains(line, `\fR`) { // ends whichever was begun last
		before, after, _ := strings.Cut(line, `\fR`)
		end := "</strong>"
		if strings.LastIndex(before, "<em>") > strings.LastIndex(before, "<strong>") {
			end = "</em>"
		}
		line = before + end + after
	}
	return others.ReplaceAllStringFunc(line, func(ref string) string {
		found := others.FindStringSubmatch(ref)
		title, ok := m.titles[found[1]+"."+found[2]]
		if !ok {
			return ref
		}
		if found[2] == "5" || found[1] == "polso" {
			title = found[1]
		}
		return fmt.Sprintf("<a href=\"%s.html\">%s</a>", found[1], title)
	})
}
