package web

import (
	"fmt"
	"net/http"
	"strings"

	"polso/api"
	"polso/config"
)

// globalRoutes are what of the document concerns every router: the cluster block, addresses, who is told, and what routers ask of
// themselves.
func (s *site) globalRoutes(mux routes) {
	mux.HandleFunc("GET /global", func(w http.ResponseWriter, r *http.Request) { s.global(w, r, nil, nil) })
	mux.HandleFunc("POST /global", s.setCluster)
	mux.HandleFunc("GET /global/{kind}/add", s.askSetting)
	mux.HandleFunc("POST /global/{kind}/add", s.setSetting)
	mux.HandleFunc("GET /global/{kind}/edit/{name}", s.askSetting)
	mux.HandleFunc("POST /global/{kind}/edit/{name}", s.setSetting)
	mux.HandleFunc("POST /global/{kind}/remove/{name}", s.removeSetting)
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

// global shows the page; f is the cluster's form as it was sent, and err what was wrong with that, if it was.
func (s *site) global(w http.ResponseWriter, r *http.Request, f *form, err error) {
	d, failed := s.running(r.Context())
	if failed == nil && f == nil {
		f, failed = d.settingOf(config.Edit{Verb: config.Set, Kind: config.KindCluster})
	}
	if failed != nil {
		s.refuse(w, r, failed)
		return
	}
	v := globalView{Cluster: f, Lists: listsOf(d.doc)}
	code := f.blame(placeOf(config.Edit{Kind: config.KindCluster}), err, &v.Refused)
	s.render(w, r, code, "global", "global", "Global settings", v)
}

func (s *site) setCluster(w http.ResponseWriter, r *http.Request) {
	var f *form
	err := posted(w, r)
	if err == nil {
		f, err = s.setByForm(w, r, config.Edit{Verb: config.Set, Kind: config.KindCluster})
	}
	switch {
	case err == nil:
	case f == nil:
		s.refuse(w, r, err)
	default:
		s.global(w, r, f, err)
	}
}

// settingView is the page of one part.
type settingView struct {
	config.Edit
	Title   string
	Help    string
	Form    *form
	Refused *api.Error
}

// settingIn is the part that a request is about: the edit adds it, or sets it.
func settingIn(r *http.Request) (config.Edit, error) {
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

// placeOf is the part in config's problems.
func placeOf(e config.Edit) string {
	if e.Kind == config.KindCluster {
		return string(e.Kind)
	}
	return fmt.Sprintf("%s %q", e.Kind, e.Name)
}

// settingOf is the form of a part; of one that is to be added an empty one.
func (d running) settingOf(e config.Edit) (*form, error) {
	if e.Verb == config.Add {
		return newForm(topicOf(e.Kind), nil), nil
	}
	written, err := config.Written(d.source, d.doc, e.Kind, e.Name)
	if err != nil {
		return nil, notWritten(err)
	}
	return newForm(topicOf(e.Kind), written), nil
}

// askSetting shows the form of a part.
func (s *site) askSetting(w http.ResponseWriter, r *http.Request) {
	var f *form
	e, err := settingIn(r)
	if err == nil {
		var d running
		if d, err = s.running(r.Context()); err == nil {
			f, err = d.settingOf(e)
		}
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.showSetting(w, r, e, f, nil)
}

func (s *site) showSetting(w http.ResponseWriter, r *http.Request, e config.Edit, f *form, err error) {
	v := settingView{Edit: e, Title: fmt.Sprintf("%s %s", e.Kind, e.Name), Help: topicOf(e.Kind).Text, Form: f}
	if e.Verb == config.Add {
		v.Title = fmt.Sprintf("Add a %s", e.Kind)
	}
	code := f.blame(placeOf(e), err, &v.Refused)
	s.render(w, r, code, "block", "global", v.Title, v)
}

// setByForm has an edit of one part, whose values a form brings, planned. An error is for the page of the form, which is returned with
// what was sent; it is nil if there is none to show.
func (s *site) setByForm(w http.ResponseWriter, r *http.Request, e config.Edit) (*form, error) {
	d, err := s.running(r.Context())
	if err != nil {
		return nil, err
	}
	f, err := d.settingOf(e)
	if err != nil {
		return nil, err
	}
	e.Values = f.read(r.PostForm)
	if e.Verb == config.Set && len(e.Values) == 0 {
		done(w, r, "/global", "Nothing was changed in the form.")
		return nil, nil
	}
	return f, s.proposeEdits(w, r, d, []config.Edit{e})
}

func (s *site) setSetting(w http.ResponseWriter, r *http.Request) {
	if err := posted(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	var f *form
	e, err := settingIn(r)
	if err == nil {
		f, err = s.setByForm(w, r, e)
	}
	switch {
	case err == nil:
	case f == nil:
		s.refuse(w, r, err)
	default:
		s.showSetting(w, r, e, f, err)
	}
}

// removeSetting has the removal of a part planned: the plan is what asks.
func (s *site) removeSetting(w http.ResponseWriter, r *http.Request) {
	e, err := settingIn(r)
	if err == nil {
		e.Verb = config.Del
		var d running
		if d, err = s.running(r.Context()); err == nil {
			err = s.proposeEdits(w, r, d, []config.Edit{e})
		}
	}
	if err != nil {
		s.refuse(w, r, api.DocumentError(err))
	}
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
