package web

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"polso/api"
	"polso/config"
	"polso/figures"
)

// textRoutes are the document as a text that can be written on.
func (s *site) textRoutes(mux routes) {
	mux.HandleFunc("GET /changes/edit", s.editText)
}

// textView is the page of the text.
type textView struct {
	proposal
	Mistakes []mistake
	More     int        // mistakes that are not listed
	Good     string     // what there is in a text without mistakes that was checked
	Refused  *api.Error // why it has no plan, if that is no mistake in the text
}

// mistake is one thing wrong with the text, with what stands around it.
type mistake struct {
	config.Problem
	Around []textLine
}

// textLine is one line of the text, cut in three: before the mistake, the mistake, behind it.
type textLine struct {
	Number               int
	Before, Marked, Rest string
}

const (
	mostMistakes = 100 // that are listed
	around       = 2   // lines before and behind one
	longestShown = 200 // of a line beside it, in bytes
)

// editText shows the running text.
func (s *site) editText(w http.ResponseWriter, r *http.Request) {
	d, err := s.running(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, "text", "changes", "Edit the text", textView{proposal: proposal{Base: d.revision, Text: string(config.Editable(d.source, d.doc))}})
}

// editable is the text of a revision: as written if it is HCL, else in the canonical layout.
func editable(rev api.Revision) (string, error) {
	doc, err := documentOf(rev)
	return string(config.Editable([]byte(rev.Source), doc)), err
}

// documentOf is the document of a revision that was asked for alone.
func documentOf(rev api.Revision) (config.Document, error) {
	doc, err := config.FromCanonical(rev.Document)
	if err != nil {
		return doc, fmt.Errorf("revision %d: %w", rev.Number, err)
	}
	return doc, nil
}

// checkText looks a text through, without asking the cluster.
func (s *site) checkText(w http.ResponseWriter, r *http.Request, p proposal) {
	doc, err := s.texts.Load(config.File{Name: textName, Text: []byte(p.Text)})
	if err != nil {
		s.backToText(w, r, p, api.DocumentError(err))
		return
	}
	v := textView{proposal: p, Good: fmt.Sprintf("No mistakes: %s, %s.", figures.Count(len(doc.Virtuals), "virtual"), figures.Count(len(doc.VIPs), "vip"))}
	s.show(w, r, "text", "changes", "Edit the text", v)
}

// backToText shows the text of a proposal again, with what is wrong with it; nil: nothing is. One that rolls back has no text, and is
// refused.
func (s *site) backToText(w http.ResponseWriter, r *http.Request, p proposal, err error) {
	if p.Rollback != 0 || err != nil && p.Text == "" {
		s.refuse(w, r, err)
		return
	}
	v, code := textView{proposal: p}, http.StatusOK
	if err != nil {
		v.Refused = problemOf(err)
		code = v.Refused.Status
		v.list(mistakes(p.Text))
	}
	s.render(w, r, code, "text", "changes", "Edit the text", v)
}

// list takes in what is wrong with the text.
func (v *textView) list(found config.Errors) {
	if len(found) == 0 {
		return
	}
	v.Refused = nil // it says the same
	if len(found) > mostMistakes {
		found, v.More = found[:mostMistakes], len(found)-mostMistakes
	}
	text := strings.Split(v.Text, "\n")
	for _, p := range found {
		v.Mistakes = append(v.Mistakes, mistake{p, excerpt(text, p)})
	}
}

// excerpt is the line of a mistake and those around it; none for a mistake without a place, or in a line that nobody reads.
func excerpt(text []string, p config.Problem) []textLine {
	if p.Line < 1 || p.Line > len(text) || p.Source == "" && text[p.Line-1] != "" {
		return nil
	}
	var out []textLine
	for n := max(1, p.Line-around); n <= min(len(text), p.Line+around); n++ {
		line := textLine{Number: n, Before: text[n-1]}
		if n == p.Line {
			from := bytesOf(line.Before, p.Column-1)
			to := from + bytesOf(line.Before[from:], p.Width)
			line.Before, line.Marked, line.Rest = line.Before[:from], line.Before[from:to], line.Before[to:]
		} else if len(line.Before) > longestShown {
			line.Before = strings.ToValidUTF8(line.Before[:longestShown], "") + "…"
		}
		out = append(out, line)
	}
	return out
}

// bytesOf is how many bytes the first n characters of s have.
func bytesOf(s string, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}
