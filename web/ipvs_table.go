package web

import (
	"net/http"

	"polso/api"
)

// tablePage is a router's kernel table.
type tablePage struct {
	Routers []string
	On      string
	Layout  string
	Table   api.IPVS
	Problem *api.Error // why there is none
}

// Layouts are those that the page offers, with what they are.
func (tablePage) Layouts() []choice {
	return []choice{
		{"list", "connections (ipvsadm -Ln)"}, {"stats", "totals (ipvsadm -Ln --stats)"},
		{"rate", "rates (ipvsadm -Ln --rate)"}, {"save", "to keep (ipvsadm -Sn)"},
	}
}

// choice is a value to choose, and its words.
type choice struct{ Value, Words string }

func (s *site) ipvsTable(w http.ResponseWriter, r *http.Request) {
	st, err := lookOf(r.Context()).seen()
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	p := tablePage{Routers: routerNames(st), On: r.FormValue("router"), Layout: r.FormValue("layout")}
	if p.On == "" {
		p.On = st.Active
	}
	if p.On == "" {
		p.On = st.Node
	}
	if p.Layout == "" {
		p.Layout = "list"
	}
	if p.Table, err = s.api.IPVS(r.Context(), api.IPVSRequest{On: p.On, Layout: p.Layout}); err != nil {
		p.Problem = problemOf(err)
	}
	s.show(w, r, "monitoring-ipvs", "monitoring", "IPVS table", p)
}
