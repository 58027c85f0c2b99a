package web

import (
	"fmt"
	"net/http"

	"polso/api"
	"polso/config"
	"polso/convert"
)

// exportRoutes hand out a document to take along.
func (s *site) exportRoutes(mux routes) {
	mux.HandleFunc("GET /changes/export", s.exports)
	mux.HandleFunc("GET /changes/export/{format}", s.download)
}

// exported is a document in one format.
type exported struct {
	Name, Of string
	Text     []byte
	Notes    []convert.Note // what the format cannot say
}

// exportsOf is the document of a revision in every format.
func exportsOf(rev api.Revision) ([]exported, error) {
	doc, err := documentOf(rev)
	if err != nil {
		return nil, err
	}
	canonical, err := config.Canonical(doc)
	if err != nil {
		return nil, err
	}
	list := []exported{
		{Name: "hcl", Of: "the document as it is written", Text: config.Editable([]byte(rev.Source), doc)},
		{Name: "json", Of: "the document in its canonical form", Text: append(canonical, '\n')},
	}
	for _, x := range convert.Exporters() {
		text, notes := x.Write(doc)
		list = append(list, exported{x.Name, x.Of, text, notes})
	}
	return list, nil
}

// exportsView is the page of what can be taken along.
type exportsView struct {
	Revision uint64
	Formats  []exported
}

func (s *site) exports(w http.ResponseWriter, r *http.Request) {
	rev, list, err := s.exportsIn(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, "export", "changes", "Export", exportsView{rev.Number, list})
}

// exportsIn are those of the revision that a request names, or of the running one.
func (s *site) exportsIn(r *http.Request) (rev api.Revision, list []exported, err error) {
	if n := r.FormValue("revision"); n != "" {
		rev, err = s.revisionIn(r.Context(), n)
	} else {
		rev, err = s.api.BareDocument(r.Context())
	}
	if err == nil {
		list, err = exportsOf(rev)
	}
	return rev, list, err
}

func (s *site) download(w http.ResponseWriter, r *http.Request) {
	rev, list, err := s.exportsIn(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	for _, x := range list {
		if x.Name != r.PathValue("format") {
			continue
		}
		ending := map[string]string{"hcl": "hcl", "json": "json", "lvs.cf": "lvs.cf"}[x.Name]
		if ending == "" {
			ending = x.Name + ".txt"
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="revision-%d.%s"`, rev.Number, ending))
		_, _ = w.Write(x.Text) // who asked may have gone
		return
	}
	s.refuse(w, r, api.Errorf(api.CodeNotFound, "there is no format %q", r.PathValue("format")).WithHint("the page Export lists what there is"))
}
