package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"polso/api"
)

// virtualRoutes are the virtual servers with their real ones. What they change of the document goes through proposeText; what
// operators say of servers beside it is done at once.
func (s *site) virtualRoutes(mux routes) {
	mux.HandleFunc("GET /virtuals", s.virtuals)
	mux.HandleFunc("GET /virtuals/add", s.addVirtual)
	mux.HandleFunc("POST /virtuals/add", s.addVirtual)
	mux.HandleFunc("GET /virtuals/{name}", s.virtual)
	mux.HandleFunc("GET /virtuals/{name}/{$}", s.virtual)
	mux.HandleFunc("POST /virtuals/{name}/delete", s.deletePart)
	mux.HandleFunc("POST /virtuals/{name}/active", s.activate)
	s.partRoutes(mux)
	s.handRoutes(mux)
	s.checkRoutes(mux)
}

// How many rows a page has.
const (
	virtualsOnPage = 25
	serversOnPage  = 100
	serversInFold  = 20
	serversFound   = 10_000 // of those that are looked through for one
)

// pages is which part of a long list is shown.
type pages struct {
	Page, Last int // from 1
	Total      int
	query      url.Values
}

// pagesOf is the page that a request asks for.
func pagesOf(r *http.Request, total, size int) pages {
	p := pages{Last: max(1, (total+size-1)/size), Total: total, query: r.URL.Query()}
	n, _ := strconv.Atoi(r.FormValue("page")) // what is no number is the first page
	p.Page = min(max(1, n), p.Last)
	return p
}

// To is the address of another page of the list.
func (p pages) To(page int) string {
	q := url.Values{}
	for k, v := range p.query {
		q[k] = v
	}
	q.Set("page", strconv.Itoa(page))
	return "?" + q.Encode()
}

// Before and After are the neighbouring pages; 0: there is none.
func (p pages) Before() int { return p.Page - 1 }

// After is the page behind this one; 0: there is none.
func (p pages) After() int {
	if p.Page == p.Last {
		return 0
	}
	return p.Page + 1
}

// offset is how many rows come before the page that a request asks for.
func offset(r *http.Request, size int) int {
	n, _ := strconv.Atoi(r.FormValue("page"))
	return min(max(0, n-1), 1<<20) * size
}

// virtualList is the page of all virtual servers.
type virtualList struct {
	pages
	sorting      // by one of the Orders of api
	Query, State string
	All          int // there are, whatever was searched for
	Rows         []virtualRow
}

// States are what can be searched for.
func (virtualList) States() []string { return []string{"up", "down", "panic", "unknown", "inactive"} }

// Chosen tells whether the list is in another order than its own.
func (v virtualList) Chosen() bool { return v.By != "name" || v.Reverse }

// Names are the virtuals shown, for the page's stream, if others may be to be shown when they change; else "".
func (v virtualList) Names() string {
	q := url.Values{}
	for _, row := range v.Rows {
		if v.Chosen() {
			q.Add("name", row.Name)
		}
	}
	return q.Encode()
}

// virtualRow is a virtual server in the list.
type virtualRow struct{ api.ListedVirtual }

func (s *site) virtuals(w http.ResponseWriter, r *http.Request) {
	v := virtualList{Query: strings.TrimSpace(r.FormValue("q")), State: r.FormValue("state")}
	v.sorting = sortedBy(r, "name", api.ByTrouble, api.ByAddress, api.ByConnections, api.ByActive, api.ByIn, api.ByOut)
	ask := api.VirtualsRequest{Q: v.Query, State: v.State, Order: v.By, Reverse: v.Reverse, Offset: offset(r, virtualsOnPage), Limit: virtualsOnPage, Servers: true}
	list, err := virtualsAt(r.Context(), s.api, ask)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	v.All, v.pages = list.All, pagesOf(r, list.Total, virtualsOnPage)
	for _, x := range list.Virtuals {
		v.Rows = append(v.Rows, virtualRow{x})
	}
	s.show(w, r, "virtuals", "virtuals", "Virtual servers", v)
}

// virtualsAt is a page of virtuals, the last one in place of one behind it.
func virtualsAt(ctx context.Context, c *api.Client, ask api.VirtualsRequest) (api.Virtuals, error) {
	list, err := c.Virtuals(ctx, ask)
	if err == nil && len(list.Virtuals) == 0 && list.Total > 0 {
		ask.Offset = (list.Total - 1) / ask.Limit * ask.Limit
		list, err = c.Virtuals(ctx, ask)
	}
	return list, err
}

// virtualAt is a virtual with a page of its servers, the last one in place of one behind it.
func virtualAt(ctx context.Context, c *api.Client, name string, ask api.ServersRequest) (api.VirtualPage, error) {
	v, err := c.Virtual(ctx, name, ask)
	if err == nil && len(v.Virtual.Servers) == 0 && v.Total > 0 {
		ask.Offset = (v.Total - 1) / ask.Limit * ask.Limit
		v, err = c.Virtual(ctx, name, ask)
	}
	return v, err
}

// PortText is the ports as people write them.
func (v virtualRow) PortText() string {
	var words []string
	for _, p := range v.Ports {
		if p == 0 {
			words = append(words, "every")
			continue
		}
		words = append(words, strconv.Itoa(int(p)))
	}
	return strings.Join(append(words, v.Ranges...), ",")
}

// Where is what clients ask.
func (v virtualRow) Where() string {
	if v.FWMark != 0 {
		return fmt.Sprintf("fwmark %d", v.FWMark)
	}
	host := v.Address
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + v.PortText()
}

// ServersText is how many real servers are up, of how many.
func (v virtualRow) ServersText() string { return fmt.Sprintf("%d/%d", v.States["up"], v.Of()) }

// Of is how many real servers there are.
func (v virtualRow) Of() int {
	n := 0
	for _, in := range v.States {
		n += in
	}
	return n
}

// Fold are the servers that fold out, and More how many others there are.
func (v virtualRow) Fold() []serverRow {
	return rowsOf(v.Name, v.Servers[:min(len(v.Servers), serversInFold)])
}

// More is how many servers do not fold out.
func (v virtualRow) More() int { return max(0, len(v.Servers)-serversInFold) }

// serverRow is a real server in a list.
type serverRow struct {
	api.Server
	Virtual string
}

func rowsOf(virtual string, list []api.Server) []serverRow {
	rows := make([]serverRow, len(list))
	for i, x := range list {
		rows[i] = serverRow{x, virtual}
	}
	return rows
}

// Key begins the keys of what is live of it. A sorry server, and one that leaves, may be called as another is.
func (s serverRow) Key() string {
	of := s.Virtual + "/" + s.Name
	switch {
	case s.State == "leaving":
		return "leaving/" + of + "/" + s.At()
	case s.Sorry:
		return "sorry/" + of
	}
	return "s/" + of
}

// At is the server's address as clients of it write it.
func (s serverRow) At() string {
	if s.Port == 0 {
		return s.Address
	}
	if strings.Contains(s.Address, ":") {
		return fmt.Sprintf("[%s]:%d", s.Address, s.Port)
	}
	return fmt.Sprintf("%s:%d", s.Address, s.Port)
}

// WeightText is the weight, and what the kernel has instead.
func (s serverRow) WeightText() string {
	if s.Weight == s.EffectiveWeight {
		return strconv.Itoa(s.Weight)
	}
	return fmt.Sprintf("%d (%d now)", s.Weight, s.EffectiveWeight)
}

// virtualPage is everything of one virtual server.
type virtualPage struct {
	virtualRow
	pages
	Rows  []serverRow
	Sorry []serverRow
	VIP   *api.VIP
}

func (s *site) virtual(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	ask := api.ServersRequest{Offset: offset(r, serversOnPage), Limit: serversOnPage}
	v, err := virtualAt(r.Context(), s.api, name, ask)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	page := virtualPage{virtualRow: virtualRow{v.Virtual}, pages: pagesOf(r, v.Total, serversOnPage)}
	for _, row := range rowsOf(name, v.Virtual.Servers) {
		if row.Sorry {
			page.Sorry = append(page.Sorry, row)
		} else {
			page.Rows = append(page.Rows, row)
		}
	}
	if st, err := lookOf(r.Context()).cluster(); err == nil { // else the page says it already
		for _, x := range st.VIPs {
			if address, _, _ := strings.Cut(x.Address, "/"); address == v.Virtual.Address {
				page.VIP = &x
			}
		}
	}
	s.show(w, r, "virtual", "virtuals", name, page)
}

// pathTo is the address of a page: its words may have any character.
func pathTo(words ...string) string {
	for i, w := range words {
		words[i] = url.PathEscape(w)
	}
	return "/" + strings.Join(words, "/")
}

// Cut is what ends with the virtual.
func (v virtualRow) Cut() string { return plural(v.Active) }

// pageTo is the address of a page that forms to add stand beside: what is called add has a slash behind it.
func pageTo(words ...string) string {
	if words[len(words)-1] == "add" {
		return pathTo(words...) + "/"
	}
	return pathTo(words...)
}

// Page is the address of the virtual's page.
func (v virtualRow) Page() string { return pageTo("virtuals", v.Name) }

// Path begins the addresses of what else there is of the virtual.
func (v virtualRow) Path() string { return pathTo("virtuals", v.Name) }

// SorryPath is the address of a sorry server's pages.
func (s serverRow) SorryPath() string { return pathTo("virtuals", s.Virtual, "sorry", s.Name) }

// Page is the address of the server's page.
func (s serverRow) Page() string { return pageTo("virtuals", s.Virtual, "servers", s.Name) }

// Path begins the addresses of what else there is of the server.
func (s serverRow) Path() string { return pathTo("virtuals", s.Virtual, "servers", s.Name) }

// plural is so many connections, established now.
func plural(n int) string {
	return cmp.Or(map[int]string{0: "no established connection", 1: "1 established connection"}[n], fmt.Sprintf("%d established connections", n))
}
