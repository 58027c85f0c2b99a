package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown makes a page of a source.
func (s *site) markdown(source string) error {
	written, err := fs.ReadFile(s.tree, source)
	if err != nil {
		return err
	}
	p := &page{source: source, path: place(source)}
	if other := s.pages[p.path]; other != nil {
		return fmt.Errorf("%s and %s would both be %s", source, other.source, p.path)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(tables{}, 100))))
	doc := md.Parser().Parse(text.NewReader(written), parser.WithContext(parser.NewContext(parser.WithIDs(make(anchors)))))
	var wrong []error
	err = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 1 && p.title == "" {
				p.title = plainText(n, written)
			}
		case *ast.Link:
			n.Destination = s.led(p, n.Destination, &wrong)
		case *ast.Image:
			n.Destination = s.led(p, n.Destination, &wrong)
		case *ast.HTMLBlock:
			if line := n.Lines().At(0); !strings.HasPrefix(strings.TrimSpace(string(line.Value(written))), "<!--") {
				wrong = append(wrong, fmt.Errorf("%s: HTML in Markdown is not shown: %s", source, line.Value(written)))
			}
		case *ast.RawHTML:
			wrong = append(wrong, fmt.Errorf("%s: HTML in Markdown is not shown", source))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	if p.title == "" {
		wrong = append(wrong, fmt.Errorf("%s: no title: it begins with a line \"# TITLE\"", source))
	}
	var html bytes.Buffer
	if err := md.Renderer().Render(&html, written, doc); err != nil {
		return err
	}
	p.body = usable(html.String())
	s.pages[p.path] = p
	return errors.Join(wrong...)
}

// led is where a link of a page leads in the site. What it leads to comes along.
func (s *site) led(p *page, to []byte, wrong *[]error) []byte {
	u, err := url.Parse(string(to))
	if err != nil || u.IsAbs() || u.Host != "" || u.Path == "" {
		return to
	}
	target := path.Join(path.Dir(p.source), u.Path)
	at, err := s.along(target)
	if err != nil {
		*wrong = append(*wrong, fmt.Errorf("%s: the link %s leads nowhere: %w", p.source, to, err))
		return to
	}
	u.Path = relative(p.path, at)
	return []byte(u.String())
}

// relative is how a page of the site links to something in it.
func relative(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")) + to
}

var (
	emptyHead = regexp.MustCompile(`<th( [^>]*)?></th>`)
	picture   = regexp.MustCompile(`<p>(<img src="([^"]+)"[^>]*>)</p>`)
)

// usable makes of goldmark's HTML what every browser and screen reader can use: what scrolls can be reached by the keyboard, a picture leads
// to itself alone, where a phone can zoom, and a cell without words is no heading.
func usable(html string) string {
	html = strings.ReplaceAll(html, "<pre>", `<pre tabindex="0">`)
	html = picture.ReplaceAllString(html, `<p><a class="picture" href="$2">$1</a></p>`)
	return emptyHead.ReplaceAllString(html, "<td></td>")
}

// tables are rendered within an element that scrolls by itself.
type tables struct{}

func (tables) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	count := 0
	r.Register(east.KindTable, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			_, err := w.WriteString("</table></div>\n")
			return ast.WalkContinue, err
		}
		count++
		_, err := w.WriteString(tableBegin(count))
		return ast.WalkContinue, err
	})
}

// tableBegin begins the nth table of a page; </table></div> ends it.
func tableBegin(n int) string {
	return `<div class="wide" role="region" aria-label="Table ` + strconv.Itoa(n) + `" tabindex="0"><table>` + "\n"
}

// anchors are the IDs of a page's headings, made as forges make them, so that a link works on both.
type anchors map[string]int

// Generate implements parser.IDs.
func (a anchors) Generate(heading []byte, _ ast.NodeKind) []byte {
	return []byte(a.next(string(heading)))
}

// Put implements parser.IDs.
func (a anchors) Put(id []byte) { a[string(id)]++ }

func (a anchors) next(heading string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(heading))
	if id == "" {
		id = "part"
	}
	base := id
	for n := 1; a[id] > 0; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	a[id]++
	return id
}

// plainText is what a node says, without its marks.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Value(source))
			continue
		}
		b.WriteString(plainText(c, source))
	}
	return b.String()
}
