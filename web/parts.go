package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"polso/api"
	"polso/config"
)

// partRoutes lead to the forms of what a virtual consists of.
func (s *site) partRoutes(mux routes) {
	for _, method := range []string{"GET ", "POST "} {
		mux.HandleFunc(method+"/virtuals/{name}/edit", s.editPart)
		mux.HandleFunc(method+"/virtuals/{name}/servers/{server}/edit", s.editPart)
		mux.HandleFunc(method+"/virtuals/{name}/sorry/{sorry}/edit", s.editPart)
		mux.HandleFunc(method+"/virtuals/{name}/servers/add", s.addPart)
		mux.HandleFunc(method+"/virtuals/{name}/sorry/add", s.addPart)
	}
	mux.HandleFunc("POST /virtuals/{name}/servers/{server}/delete", s.deletePart)
	mux.HandleFunc("POST /virtuals/{name}/sorry/{sorry}/delete", s.deletePart)
}

// running is the running document, and its text.
type running struct {
	revision uint64
	source   []byte
	doc      config.Document
}

func (s *site) running(ctx context.Context) (running, error) {
	r, err := s.api.BareDocument(ctx)
	if err != nil {
		return running{}, err
	}
	doc, err := documentOf(r)
	return running{r.Number, []byte(r.Source), doc}, err
}

// virtual is the virtual of that name.
func (d running) virtual(name string) (config.Virtual, error) {
	for _, v := range d.doc.Virtuals {
		if v.Name == name {
			return v, nil
		}
	}
	return config.Virtual{}, api.Errorf(api.CodeNotFound, "the document has no virtual server %q", name).WithHint("the list under Virtual servers has every one")
}

// ofDocument is one part of the document: a virtual, or a server of one.
type ofDocument struct {
	Kind    config.Kind
	Virtual string
	Name    string // of the server; "" of a virtual
}

// asked is the part that a request is about.
func asked(r *http.Request) ofDocument {
	p := ofDocument{Kind: config.KindVirtual, Virtual: r.PathValue("name")}
	switch {
	case strings.Contains(r.Pattern, "/servers/"):
		p.Kind, p.Name = config.KindServer, r.PathValue("server")
	case strings.Contains(r.Pattern, "/sorry/"):
		p.Kind, p.Name = config.KindSorryServer, r.PathValue("sorry")
	}
	return p
}

// edited is the part's name in an Edit.
func (p ofDocument) edited() string {
	if p.Kind == config.KindVirtual {
		return p.Virtual
	}
	return p.Virtual + "/" + p.Name
}

// place is the part in config's problems.
func (p ofDocument) place() string {
	at := fmt.Sprintf("virtual %q", p.Virtual)
	if p.Kind != config.KindVirtual {
		at += fmt.Sprintf(" %s %q", p.Kind, p.Name)
	}
	return at
}

// Word is what the part is called.
func (p ofDocument) Word() string {
	return map[config.Kind]string{config.KindVirtual: "virtual server", config.KindServer: "real server", config.KindSorryServer: "sorry server"}[p.Kind]
}

// Path is the address of the part's page.
func (p ofDocument) Path() string {
	switch p.Kind {
	case config.KindServer:
		return pathTo("virtuals", p.Virtual, "servers", p.Name)
	case config.KindSorryServer:
		return pathTo("virtuals", p.Virtual, "sorry", p.Name)
	}
	return pathTo("virtuals", p.Virtual)
}

// AddPath is the address of the form that adds one of its kind.
func (p ofDocument) AddPath() string {
	if p.Kind == config.KindSorryServer {
		return p.Home() + "/sorry/add"
	}
	return p.Home() + "/servers/add"
}

// Home is the address of the page of its virtual.
func (p ofDocument) Home() string { return pathTo("virtuals", p.Virtual) }

// partPage is the form of a part.
type partPage struct {
	ofDocument
	Adds    bool
	Shelves []shelf
	Other   []config.Problem
	Refused *api.Error
}

// orders is how the part's fields stand.
func (p ofDocument) orders() []order {
	if p.Kind == config.KindVirtual {
		return ofVirtual
	}
	return ofServer
}

// formOf is the form of the part as the document says it.
func (d running) formOf(p ofDocument) (*form, error) {
	said, err := d.written(p)
	if err != nil {
		return nil, err
	}
	return newForm(partTopic(p.Kind), said), nil
}

// written is what the document says of a part, as it is written.
func (d running) written(p ofDocument) (map[string]string, error) {
	said, err := config.Written(d.source, d.doc, p.Kind, p.edited())
	if err != nil {
		return nil, notWritten(err)
	}
	return said, nil
}

// notWritten is err, which config says of an edit, as pages tell it.
func notWritten(err error) error {
	switch {
	case errors.Is(err, config.ErrNotThere):
		return api.Errorf(api.CodeNotFound, "%v", err).WithHint("it may have been removed meanwhile: Changes has the history")
	case errors.Is(err, config.ErrThere):
		return api.Errorf(api.CodeExists, "%v", err).WithHint("choose another name, or edit the one that is there")
	case errors.Is(err, config.ErrEdit), errors.Is(err, config.ErrNoTopic):
		return api.Errorf(api.CodeInvalid, "%v", err)
	}
	return api.DocumentError(err)
}

func (s *site) editPart(w http.ResponseWriter, r *http.Request) {
	p := asked(r)
	d, err := s.running(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f, err := d.formOf(p)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if r.Method == http.MethodPost {
		_ = r.ParseForm() // what cannot be read is not there
		if values := f.read(r.PostForm); len(values) > 0 {
			err = s.proposeEdits(w, r, d, []config.Edit{{Verb: config.Set, Kind: p.Kind, Name: p.edited(), Values: values}})
		} else {
			err = api.Errorf(api.CodeInvalid, "nothing was changed in the form").WithHint("the document says all of it already")
		}
		if err == nil {
			return
		}
	}
	s.showPart(w, r, p, f, err)
}

// showPart shows the form of a part, and what is wrong with what was sent, if it is.
func (s *site) showPart(w http.ResponseWriter, r *http.Request, p ofDocument, f *form, err error) {
	page := partPage{ofDocument: p, Adds: strings.HasSuffix(r.Pattern, "/add")}
	code := f.blame(p.place(), err, &page.Refused)
	page.Other, page.Shelves = f.Other, f.shelves("", p.orders())
	title := "Edit " + p.Word() + " " + p.edited()
	if page.Adds {
		title = "Add a " + p.Word() + " to " + p.Virtual
	}
	s.render(w, r, code, "part", "virtuals", title, page)
}

// blame puts an error to the fields that it is about, the rest of it into refused, and returns the answer's status.
func (f *form) blame(place string, err error, refused **api.Error) int {
	if err == nil {
		return http.StatusOK
	}
	e := problemOf(err)
	if list, ok := errors.AsType[config.Errors](err); ok {
		e = problemOf(api.DocumentError(err))
		if rest := f.mark(place, list); len(rest) > 0 {
			e = problemOf(api.DocumentError(rest))
		} else {
			e.Problems = nil // they stand beside their fields
		}
	}
	*refused = e
	return e.Status
}

// proposeEdits makes the edits in the running document's text and goes on to its plan. An error is what the document has against
// them (config.Errors, with places), or an *api.Error; nothing has been written then.
func (s *site) proposeEdits(w http.ResponseWriter, r *http.Request, d running, edits []config.Edit) error {
	text, err := s.texts.Revise(d.source, d.doc, edits[0])
	for _, e := range edits[1:] {
		if err != nil {
			break
		}
		text, err = config.Rewrite(text, e)
	}
	if err != nil {
		if _, ok := errors.AsType[config.Errors](err); ok {
			return err
		}
		return notWritten(err)
	}
	if _, err := s.texts.Load(config.File{Name: textName, Text: text}); err != nil {
		return err
	}
	return s.proposeText(w, r, d.revision, string(text), edits[0].String())
}

func (s *site) addPart(w http.ResponseWriter, r *http.Request) {
	p := asked(r)
	d, err := s.running(r.Context())
	if err == nil {
		_, err = d.virtual(p.Virtual)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f := newForm(partTopic(p.Kind), nil)
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		p.Name = strings.TrimSpace(r.PostForm.Get("name"))
		err = s.proposeEdits(w, r, d, []config.Edit{{Verb: config.Add, Kind: p.Kind, Name: p.edited(), Values: f.read(r.PostForm)}})
		if err == nil {
			return
		}
	}
	s.showPart(w, r, p, f, err)
}

// activate proposes a document in which the virtual serves, or, if the button says off, serves nothing and stays.
func (s *site) activate(w http.ResponseWriter, r *http.Request) {
	p := asked(r)
	value := "active="
	if r.PostFormValue("do") == "off" {
		value = "active=false"
	}
	d, err := s.running(r.Context())
	if err == nil {
		err = s.proposeEdits(w, r, d, []config.Edit{{Verb: config.Set, Kind: p.Kind, Name: p.edited(), Values: []string{value}}})
	}
	if err != nil {
		s.refuse(w, r, api.DocumentError(err))
	}
}

// deletePart proposes a document without the part; the plan says what it cuts, and asks.
func (s *site) deletePart(w http.ResponseWriter, r *http.Request) {
	p := asked(r)
	d, err := s.running(r.Context())
	if err == nil {
		edits := []config.Edit{{Verb: config.Del, Kind: p.Kind, Name: p.edited()}}
		if p.Kind == config.KindVirtual { // a document that names nothing says so with a cluster block
			edits = append(edits, config.Edit{Verb: config.Set, Kind: config.KindCluster})
		}
		err = s.proposeEdits(w, r, d, edits)
	}
	if err != nil {
		s.refuse(w, r, api.DocumentError(err))
	}
}
