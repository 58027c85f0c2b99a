package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"polso/api"
	"polso/config"
)

// globalRoutes are what of the document concerns every router: the cluster block, addresses, who is told, and what routers ask of
// themselves.
func (s *site) globalRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /global", func(w http.ResponseWriter, r *http.Request) { s.global(w, r, nil, nil) })
	mux.HandleFunc("POST /global", s.setCluster)
	mux.HandleFunc("GET /global/{kind}/add", s.askPart)
	mux.HandleFunc("POST /global/{kind}/add", s.setPart)
	mux.HandleFunc("GET /global/{kind}/edit/{name}", s.askPart)
	mux.HandleFunc("POST /global/{kind}/edit/{name}", s.setPart)
	mux.HandleFunc("POST /global/{kind}/remove/{name}", s.removePart)
	mux.HandleFunc("POST /global/notify/test/{name}", s.testNotice)
}

// globalView is the page.
type globalView struct {
	Cluster *form
	Refused *api.Error // why the cluster block was not planned
	Lists   []partList
}

// partList are the parts of a kind.
type partList struct {
	Kind  config.Kind
	Title string // "Virtual addresses"
	One   string // "a virtual address"
	Help  string
	Parts []partRow
}

// partRow is one part in a table.
type partRow struct{ Name, Gist, More string }

func listsOf(d config.Document) []partList {
	vips := partList{Kind: config.KindVIP, Title: "Addresses", One: "an address", Help: topicOf(config.KindVIP).Text}
	for _, v := range d.VIPs {
		vips.Parts = append(vips.Parts, partRow{v.Name, v.Address.String(), said("on ", v.Interface)})
	}
	notifies := partList{Kind: config.KindNotify, Title: "Who is told", One: "somebody", Help: "Whom to tell of what happens, by a command, a webhook or mail."}
	for _, n := range d.Notifies {
		var events []string
		for _, e := range n.Events {
			events = append(events, string(e))
		}
		more := "of everything"
		if len(events) > 0 {
			more = "of " + strings.Join(events, ", ")
		}
		notifies.Parts = append(notifies.Parts, partRow{n.Name, n.Way(), more + said(", virtuals ", strings.Join(n.Virtuals, ", "))})
	}
	checks := partList{Kind: config.KindRouterCheck, Title: "What routers ask of themselves", One: "a check", Help: topicOf(config.KindRouterCheck).Text}
	for _, c := range d.RouterChecks {
		more := fmt.Sprintf("while it fails: penalty %d", c.Penalty)
		if c.Penalty == 0 {
			more = "while it fails: not fit to direct"
		}
		checks.Parts = append(checks.Parts, partRow{c.Name, c.Asks() + " every " + config.Brief(c.Every), more + said("; on ", strings.Join(c.Routers, ", "))})
	}
	return []partList{vips, notifies, checks}
}

// said is text behind a word; "" if there is no text.
func said(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

// topicOf is what the manual says of a kind of part.
func topicOf(kind config.Kind) config.Topic {
	for _, t := range config.Manual().Topics {
		if t.Name == string(kind) {
			return t
		}
	}
	return config.Topic{}
}

// global shows the page; f is the cluster's form as it was sent, with what was wrong, if it was.
func (s *site) global(w http.ResponseWriter, r *http.Request, f *form, refused *api.Error) {
	rev, err := s.api.BareDocument(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	doc, err := documentOf(rev)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if f == nil {
		written, err := config.Written([]byte(rev.Source), doc, config.KindCluster, "")
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		f = newForm(topicOf(config.KindCluster), written)
	}
	code := http.StatusOK
	if refused != nil {
		code = refused.Status
	}
	s.render(w, r, code, "global", "global", "Global settings", globalView{f, refused, listsOf(doc)})
}

func (s *site) setCluster(w http.ResponseWriter, r *http.Request) {
	f, err := s.setByForm(w, r, config.Edit{Verb: config.Set, Kind: config.KindCluster})
	switch {
	case err == nil:
	case f == nil:
		s.refuse(w, r, err)
	default:
		s.global(w, r, f, problemOf(err))
	}
}

// blockView is the page of one block.
type blockView struct {
	config.Edit
	Title   string
	Help    string
	Form    *form
	Refused *api.Error
}

// partOf is the part that a request is about: the edit adds it, or sets it.
func partOf(r *http.Request) (config.Edit, error) {
	e := config.Edit{Verb: config.Set, Kind: config.Kind(r.PathValue("kind")), Name: r.PathValue("name")}
	if e.Name == "" {
		e.Verb, e.Name = config.Add, strings.TrimSpace(r.FormValue("name"))
	}
	switch e.Kind {
	case config.KindVIP, config.KindNotify, config.KindRouterCheck:
		return e, nil
	}
	return e, api.Errorf(api.CodeNotFound, "there is no page for %q here", e.Kind).WithHint("the page Global settings lists what there is")
}

// askPart shows the form of a part.
func (s *site) askPart(w http.ResponseWriter, r *http.Request) {
	e, err := partOf(r)
	var f *form
	if err == nil {
		_, _, f, err = s.formOf(r, e)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.showBlock(w, r, e, f, nil)
}

func (s *site) showBlock(w http.ResponseWriter, r *http.Request, e config.Edit, f *form, refused *api.Error) {
	v := blockView{Edit: e, Title: fmt.Sprintf("%s %s", e.Kind, e.Name), Help: topicOf(e.Kind).Text, Form: f, Refused: refused}
	if e.Verb == config.Add {
		v.Title = fmt.Sprintf("Add a %s", e.Kind)
	}
	code := http.StatusOK
	if refused != nil {
		code = refused.Status
	}
	s.render(w, r, code, "block", "global", v.Title, v)
}

// formOf is the form of a part of the running document, and what it was made from; of one that is to be added an empty one.
func (s *site) formOf(r *http.Request, e config.Edit) (api.Revision, config.Document, *form, error) {
	rev, err := s.api.BareDocument(r.Context())
	if err != nil {
		return rev, config.Document{}, nil, err
	}
	doc, err := documentOf(rev)
	if err != nil {
		return rev, doc, nil, err
	}
	var written map[string]string
	if e.Verb == config.Set {
		if written, err = config.Written([]byte(rev.Source), doc, e.Kind, e.Name); err != nil {
			return rev, doc, nil, refusedEdit(err)
		}
	}
	return rev, doc, newForm(topicOf(e.Kind), written), nil
}

// setByForm has an edit of one part, whose values a form brings, planned. The error is for the page of the form, which is returned with
// what was sent and what is wrong beside the fields; it is nil if there is none to show.
func (s *site) setByForm(w http.ResponseWriter, r *http.Request, e config.Edit) (*form, error) {
	if err := posted(w, r); err != nil {
		return nil, err
	}
	rev, doc, f, err := s.formOf(r, e)
	if err != nil {
		return nil, err
	}
	e.Values = f.read(r.PostForm)
	if e.Verb == config.Set && len(e.Values) == 0 {
		done(w, r, "/global", "Nothing was changed in the form.")
		return nil, nil
	}
	text, err := config.Revise([]byte(rev.Source), doc, e)
	if err != nil {
		return f, refusedEdit(err)
	}
	if err = s.proposeText(w, r, rev.Number, string(text), e.String()); err != nil {
		if wrong := mistakes(string(text)); len(wrong) > 0 {
			err = f.markAll(e, wrong)
		}
	}
	return f, err
}

// markAll puts mistakes to the form's fields; the error tells of those that are elsewhere.
func (f *form) markAll(e config.Edit, wrong config.Errors) error {
	part := string(e.Kind)
	if e.Name != "" {
		part = fmt.Sprintf("%s %q", e.Kind, e.Name)
	}
	refused := api.Errorf(api.CodeInvalid, "it cannot run as it is; nothing was changed")
	for _, p := range f.mark(part, wrong) {
		refused.Problems = append(refused.Problems, p.String())
	}
	return refused
}

// refusedEdit says why an edit is not possible.
func refusedEdit(err error) error {
	switch {
	case errors.Is(err, config.ErrNotThere):
		return api.Errorf(api.CodeNotFound, "%v", err).WithHint("somebody may have removed it; Changes tells")
	case errors.Is(err, config.ErrThere):
		return api.Errorf(api.CodeExists, "%v", err).WithHint("give another name, or edit that one")
	case errors.Is(err, config.ErrEdit), errors.Is(err, config.ErrNoTopic):
		return api.Errorf(api.CodeInvalid, "%v; nothing was changed", err)
	}
	return api.DocumentError(err)
}

func (s *site) setPart(w http.ResponseWriter, r *http.Request) {
	if err := posted(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	e, err := partOf(r)
	var f *form
	if err == nil {
		f, err = s.setByForm(w, r, e)
	}
	switch {
	case err == nil:
	case f == nil:
		s.refuse(w, r, err)
	default:
		s.showBlock(w, r, e, f, problemOf(err))
	}
}

// removePart has the removal of a part planned: the plan is what asks.
func (s *site) removePart(w http.ResponseWriter, r *http.Request) {
	e, err := partOf(r)
	if err == nil {
		e.Verb = config.Del
		err = s.proposeEdit(w, r, e)
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

// proposeEdit has an edit of the running document planned.
func (s *site) proposeEdit(w http.ResponseWriter, r *http.Request, e config.Edit) error {
	rev, err := s.api.BareDocument(r.Context())
	if err != nil {
		return err
	}
	doc, err := documentOf(rev)
	if err != nil {
		return err
	}
	text, err := config.Revise([]byte(rev.Source), doc, e)
	if err != nil {
		return refusedEdit(err)
	}
	return s.proposeText(w, r, rev.Number, string(text), e.String())
}

// testNotice has a notify block tell of a test, and shows what came of it.
func (s *site) testNotice(w http.ResponseWriter, r *http.Request) {
	got, err := s.api.TestNotice(r.Context(), api.NoticeTestRequest{Notify: r.PathValue("name")})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, "notice", "global", "Test of notify "+got.Notify, got)
}
