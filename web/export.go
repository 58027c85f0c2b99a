package web

import (
	"fmt"
	"io"
	"net/http"
	"slices"

	"polso/api"
	"polso/convert"
)

// exportRoutes hand out a document to take along.
func (s *site) exportRoutes(mux routes) {
	mux.HandleFunc("GET /changes/export", s.exports)
	mux.HandleFunc("GET /changes/export/{format}", s.download)
}

// exported is a document in one format.
type exported struct {
	api.Exported
	Name, Of string
}

// formats are what a document can be taken along as.
func formats() []exported {
	list := []exported{{Name: "hcl", Of: "the document as it is written"}, {Name: "json", Of: "the document in its canonical form"}}
	for _, x := range convert.Exporters() {
		list = append(list, exported{Name: x.Name, Of: x.Of})
	}
	return list
}

// exportsView is the page of what can be taken along.
type exportsView struct {
	Revision uint64
	Formats  []exported
}

func (s *site) exports(w http.ResponseWriter, r *http.Request) {
	v := exportsView{Formats: formats()}
	for i := range v.Formats {
		x, err := s.exportIn(r, v.Formats[i].Name, v.Revision)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		v.Formats[i].Exported, v.Revision = x, x.Revision // all of the same
	}
	s.show(w, r, "export", "changes", "Export", v)
}

// exportIn is the revision in a format: the one given or, if that is 0, the one that a request names, or the running one.
func (s *site) exportIn(r *http.Request, format string, revision uint64) (api.Exported, error) {
	if n := r.FormValue("revision"); n != "" && revision == 0 {
		number, err := revisionOf(n)
		if err != nil {
			return api.Exported{}, err
		}
		revision = number
	}
	return s.api.Export(r.Context(), api.ExportRequest{Format: format, Revision: revision})
}

func (s *site) download(w http.ResponseWriter, r *http.Request) {
	format := r.PathValue("format")
	if !slices.ContainsFunc(formats(), func(x exported) bool { return x.Name == format }) {
		s.refuse(w, r, api.Errorf(api.CodeNotFound, "there is no format %q", format).WithHint("the page Export lists what there is"))
		return
	}
	x, err := s.exportIn(r, format, 0)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	ending := map[string]string{"hcl": "hcl", "json": "json", "lvs.cf": "lvs.cf"}[format]
	if ending == "" {
		ending = format + ".txt"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="revision-%d.%s"`, x.Revision, ending))
	_, _ = io.WriteString(w, x.Text) // who asked may have gone
}
