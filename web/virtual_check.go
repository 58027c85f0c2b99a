package web

import (
	"net/http"
	"slices"
	"strings"

	"polso/api"
	"polso/config"
)

// checkRoutes lead to Piranha's monitoring scripts: how servers are probed.
func (s *site) checkRoutes(mux routes) {
	for _, at := range []string{"/virtuals/{name}", "/virtuals/{name}/servers/{server}", "/virtuals/{name}/sorry/{sorry}"} {
		mux.HandleFunc("GET "+at+"/monitoring", s.check)
		mux.HandleFunc("POST "+at+"/monitoring", s.check)
	}
	mux.HandleFunc("POST /virtuals/{name}/monitoring/try", s.tryCheck)
}

// checkKinds are the kinds of check as people choose them.
func checkKinds() []config.CheckKind {
	all := config.CheckKinds()
	i := slices.Index(all, config.CheckHTTP) + 1
	return slices.Insert(all, i, "https")
}

// checkPage is the check of a virtual or of a server, and what a try of it got.
type checkPage struct {
	ofDocument
	Kind    string // that the form is for; "": none
	Now     string // that runs; "": none
	Does    string // what a check of the kind does
	Shelves []shelf
	Other   []config.Problem
	Text    string       // the check as it is written, or one to begin with
	Owns    []ofDocument // servers with a check of their own
	Servers []string
	Routers []string
	On, Of  string
	Tried   *api.CheckRun
	Refused *api.Error
}

// Kinds are what can be chosen.
func (checkPage) Kinds() []config.CheckKind { return checkKinds() }

// Combines tells whether the kind combines other checks, which are edited as text.
func (p checkPage) Combines() bool { return p.Kind != "" && combines(p.Kind) }

func combines(kind string) bool {
	return slices.Contains([]config.CheckKind{config.CheckAll, config.CheckAny, config.CheckSome}, config.CheckKind(kind))
}

// checkForm is the form of a check of that kind. What the document says that a check of the kind cannot have is not in it.
func checkForm(kind string, said map[string]string) (*form, config.Topic, error) {
	topic, err := config.Explain("virtual.check." + kind)
	if kind == "" || err != nil || topic.Label != kind {
		return nil, topic, api.Errorf(api.CodeInvalid, "there is no check of kind %q", kind)
	}
	f := &form{}
	f.add("check", topic, said)
	return f, topic, nil
}

func (s *site) check(w http.ResponseWriter, r *http.Request) {
	p := asked(r)
	d, err := s.running(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	said, err := d.written(p)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	kind := said["check"]
	if r.FormValue("kind") != "" {
		kind = r.FormValue("kind")
	}
	var f *form
	if kind != "" {
		if f, _, err = checkForm(kind, said); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	page := checkPage{ofDocument: p, Kind: kind, Now: said["check"]}
	if page.Text, err = config.CheckText(config.Editable(d.source, d.doc), p.Kind, p.edited()); err != nil {
		s.refuse(w, r, notWritten(err))
		return
	}
	if r.Method == http.MethodPost {
		var values []string
		switch do := r.PostFormValue("do"); {
		case do == "text":
			page.Text = lines(r.PostFormValue("text"))
			values = []string{"check=" + page.Text}
		case do == "none" && page.Now != "":
			values = []string{"check="}
		case f != nil && do != "none":
			values = f.read(r.PostForm)
			if combines(page.Now) && kind != page.Now { // the block goes with what it combines, and is made anew
				values = f.whole()
			}
			values = checkValues(kind, said, values)
		}
		if len(values) > 0 {
			err = s.proposeEdits(w, r, d, []config.Edit{{Verb: config.Set, Kind: p.Kind, Name: p.edited(), Values: values}})
		} else {
			err = api.Errorf(api.CodeInvalid, "nothing was changed in the form").WithHint("the document says all of it already")
		}
		if err == nil {
			return
		}
	}
	s.showCheck(w, r, d, f, page, err)
}

// checkValues are the Values of the Edit that makes the check one of that kind, with the values that its form has for it.
func checkValues(kind string, said map[string]string, values []string) []string {
	var out []string
	now := said["check"]
	switch {
	case combines(now) && kind != now: // what it combines goes too
		out = append(out, "check=")
		fallthrough
	case now == "":
		out = append(out, "check="+kind)
	case kind != now:
		out = append(out, "check="+kind)
		topic, _ := config.Explain("virtual.check." + kind) // the form is made from it
		for path := range said {
			name, of := strings.CutPrefix(path, "check.")
			if of && !slices.ContainsFunc(topic.Topics, func(t config.Topic) bool { return t.Name == name }) {
				out = append(out, "check."+kind+"."+name+"=")
			}
		}
		slices.Sort(out[1:])
	}
	for _, v := range values { // with the kind: tls is a kind too
		out = append(out, "check."+kind+"."+strings.TrimPrefix(v, "check."))
	}
	return out
}

// whole are the Values of an Edit that says all that stands in the fields, of a block that said nothing before.
func (f *form) whole() []string {
	var values []string
	for field := range f.all {
		values = append(values, config.Assign(field.Path, field.Form, "", field.Value)...)
	}
	return values
}

// showCheck shows the page, with what is wrong with what was sent.
func (s *site) showCheck(w http.ResponseWriter, r *http.Request, d running, f *form, page checkPage, err error) {
	if f == nil {
		f = &form{}
	}
	code := f.blame(page.place(), err, &page.Refused)
	page.Other, page.Shelves = f.Other, f.shelves("check.", ofCheck)
	if topic, err := config.Explain("virtual.check." + page.Kind); err == nil && page.Kind != "" {
		page.Does = topic.Text
	}
	if page.Combines() && !combines(page.Now) && page.Refused == nil {
		page.Text = combined(page.Kind, page.Text)
	}
	if v, err := d.virtual(page.Virtual); err == nil {
		for _, x := range v.Servers {
			page.Servers = append(page.Servers, x.Name)
			if x.Check != nil {
				page.Owns = append(page.Owns, ofDocument{config.KindServer, page.Virtual, x.Name})
			}
		}
	}
	if st, err := lookOf(r.Context()).cluster(); err == nil { // else the router that is asked asks
		for _, m := range st.Members {
			if m.Kind == "router" {
				page.Routers = append(page.Routers, m.Name)
			}
		}
	}
	s.render(w, r, code, "check", "virtuals", "Monitoring of "+page.edited(), page)
}

// combined is a check to begin with that combines the one that there is with another.
func combined(kind, text string) string {
	need := ""
	if kind == string(config.CheckSome) {
		need = "  need = 1\n"
	}
	if text == "" {
		text = "check \"http\" {\n  path = \"/\"\n}"
	}
	return "check \"" + kind + "\" {\n" + need + "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n  check \"tcp\" {\n  }\n}"
}

// tryCheck probes one server of a virtual once, as the check that runs does, from the router that is chosen.
func (s *site) tryCheck(w http.ResponseWriter, r *http.Request) {
	p := ofDocument{Kind: config.KindVirtual, Virtual: r.PathValue("name")}
	req := api.CheckRequest{Virtual: p.Virtual, Server: r.PostFormValue("server"), On: r.PostFormValue("on"), Steps: true}
	d, err := s.running(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	said, err := d.written(p)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	page := checkPage{ofDocument: p, Kind: said["check"], Now: said["check"], On: req.On, Of: req.Server}
	page.Text, _ = config.CheckText(config.Editable(d.source, d.doc), p.Kind, p.edited()) // it was read just now
	var f *form
	if page.Kind != "" {
		f, _, _ = checkForm(page.Kind, said) // the document's kinds are the manual's
	}
	run, err := s.api.RunCheck(r.Context(), req)
	if err == nil {
		page.Tried = &run
	}
	s.showCheck(w, r, d, f, page, err)
}
