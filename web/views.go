package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"polso/api"
	"polso/config"
	"polso/figures"
	"polso/fsm"
)

//go:embed templates/*.html
var templates embed.FS

// views are the pages' templates by their names: templates/virtuals.html is "virtuals".
type views map[string]*template.Template

// parseViews reads the templates. layout.html is around every page; files that begin with an underscore hold what several share.
func parseViews() (views, error) {
	base, err := template.New("").Funcs(words).ParseFS(templates, "templates/layout.html", "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	out := make(views)
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "_") {
			continue
		}
		own, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		if out[name], err = own.ParseFS(templates, file); err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
	}
	return out, nil
}

// namesShown is how many of what may be many names stand in one cell.
const namesShown = 6

// words are what a template may say beside its data.
var words = template.FuncMap{
	"age":       figures.Age,
	"seconds":   figures.Seconds,
	"si":        figures.SI,
	"bits":      figures.Bits,
	"count":     figures.Count,
	"ago":       func(t time.Time) string { return figures.Since(&t) },
	"now":       time.Now,
	"moment":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"exact":     func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }, // for scripts
	"state":     stateOf,
	"lower":     strings.ToLower,
	"join":      strings.Join,
	"changes":   tableOf,
	"some":      someSteps,
	"head":      func(names []string) []string { return names[:min(len(names), namesShown)] },
	"more":      func(names []string) int { return max(0, len(names)-namesShown) },
	"octets":    figures.Octets,
	"ms":        figures.Milliseconds,
	"printable": config.Printable,
	"summary":   func(s string) string { return strings.TrimPrefix(s, "Plan: ") },
}

// mark is how a state is shown: its word, a symbol before it, and the style of both. It is never told by the colour alone.
type mark struct{ Word, Symbol, Class string }

// stateOf is the mark of a state's word, as the command line has it.
func stateOf(word string) mark {
	m := mark{Word: strings.ToUpper(word), Symbol: "?", Class: "unknown"}
	switch m.Word {
	case "UP", "HEALTHY", "OK", "ACTIVE":
		m.Symbol, m.Class = "●", "good"
	case "DOWN", "FAIL":
		m.Symbol, m.Class = "○", "bad"
	case "DRAIN", "DISABLED", "LEAVING", "INACTIVE":
		m.Symbol, m.Class = "◐", "quiet"
	case "DEGRADED", "PANIC", "WARN", "FORMING":
		m.Symbol, m.Class = "!", "warn"
	}
	return m
}

// page is what layout.html is given.
type page struct {
	View    string // the template's name
	Title   string
	Section string     // the word of the navigation that it belongs to
	Caller  api.Caller // zero on the sign-in page
	Frame   frame
	Done    string // what has just been done; "" for nothing
	Sent    bool   // it answers a form: its address does not lead to it
	Data    any
}

// Operates tells whether who looks may change what runs.
func (p page) Operates() bool { return p.Caller.Role.May(fsm.Operator) }

// Administers tells whether who looks may change who belongs to the cluster.
func (p page) Administers() bool { return p.Caller.Role.May(fsm.Admin) }

// frame is what stands on every page: the cluster in a line.
type frame struct {
	api.Status
	Asked   string // the router that serves the page
	Trouble string // why the cluster cannot be seen just now; Status is then this router's own
}

// show renders a page. section is one of the navigation's words in lower case, "" for a page that belongs to none.
func (s *site) show(w http.ResponseWriter, r *http.Request, view, section, title string, data any) {
	s.render(w, r, http.StatusOK, view, section, title, data)
}

func (s *site) render(w http.ResponseWriter, r *http.Request, code int, view, section, title string, data any) {
	p := page{View: view, Title: title, Section: section, Data: data, Sent: r.Method == http.MethodPost}
	p.Caller, _ = api.CallerOf(r.Context())
	if p.Caller.Role != "" {
		p.Frame = lookOf(r.Context()).frame()
		p.Done = takeDone(w, r)
	}
	t, ok := s.views[view]
	if !ok {
		s.log.Error("page has no template", "view", view)
		http.Error(w, "this page is missing from the build", http.StatusInternalServerError)
		return
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", p); err != nil {
		s.log.Error("page cannot be rendered", "view", view, "err", err)
		http.Error(w, "this page cannot be shown; the agent's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // who asked may have gone
}

// refuse renders a refusal as a page of its own: what, why, and the next step.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := problemOf(err)
	s.render(w, r, e.Status, "refused", "", e.Title, e)
}
