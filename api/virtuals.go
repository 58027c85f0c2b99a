package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// VirtualsRequest chooses a page of virtuals.
type VirtualsRequest struct {
	Q       string   `query:"q" json:"q,omitempty" maxLength:"200" doc:"only those that have this in their name or address, or in a server's; capital letters do not matter"`
	State   string   `query:"state" json:"state,omitempty" enum:"up,down,panic,unknown,inactive" doc:"only those in this state"`
	Names   []string `query:"name,explode" json:"names,omitempty" nullable:"false" maxItems:"100" doc:"only those of these names"`
	Order   string   `query:"order" json:"order,omitempty" enum:"name,trouble,address,connections,active,in,out" doc:"trouble: first those that are not up, then those with the most new connections; connections (new ones a second), active, in, out: the most first; default: by name"`
	Reverse bool     `query:"reverse" json:"reverse,omitempty" doc:"the other way round"`
	Offset  int      `query:"offset" json:"offset,omitempty" minimum:"0" doc:"so many of them come before the page"`
	Limit   int      `query:"limit" json:"limit" minimum:"1" maximum:"1000" default:"50" doc:"how many a page has"`
	Servers bool     `query:"servers" json:"servers,omitempty" doc:"each with its servers"`
	Local   bool     `query:"local" json:"-" doc:"as this router alone sees them; needs no leader"`
}

// ServersRequest chooses a page of a virtual's servers.
type ServersRequest struct {
	Q      string `query:"q" json:"q,omitempty" maxLength:"200" doc:"only those that have this in their name or address"`
	State  string `query:"state" json:"state,omitempty" enum:"up,down,unknown,drain,disabled,leaving" doc:"only those in this state"`
	Offset int    `query:"offset" json:"offset,omitempty" minimum:"0" doc:"so many of them come before the page"`
	Limit  int    `query:"limit" json:"limit" minimum:"1" maximum:"10000" default:"100" doc:"how many a page has"`
	Local  bool   `query:"local" json:"-" doc:"as this router alone sees them; needs no leader"`
}

// VirtualRequest chooses a virtual and a page of its servers.
type VirtualRequest struct {
	Name string `path:"name" json:"name" maxLength:"128"`
	ServersRequest
}

// The Orders beside "name". ByTrouble has those to look at first: down, panic, unknown, then up and inactive ones, the busiest first.
const (
	ByTrouble     = "trouble"
	ByAddress     = "address"
	ByConnections = "connections"
	ByActive      = "active"
	ByIn          = "in"
	ByOut         = "out"
)

// Virtuals is a page of virtuals.
type Virtuals struct {
	Schema   string          `json:"schema"`
	Node     string          `json:"node" doc:"the router that sees them so"`
	Revision uint64          `json:"revision"`
	All      int             `json:"all" doc:"how many the document has"`
	Total    int             `json:"total" doc:"how many were asked for, on this page and on others"`
	Offset   int             `json:"offset"`
	States   map[string]int  `json:"states" doc:"how many of those that q finds are in each state, whatever state and names were asked for"`
	Virtuals []ListedVirtual `json:"virtuals" nullable:"false"`
}

// ListedVirtual is a virtual with sums of its servers, whether or not they are there.
type ListedVirtual struct {
	Virtual
	States   map[string]int `json:"server_states" doc:"how many servers are in each state, without sorry servers"`
	Active   int            `json:"active_connections"`
	Inactive int            `json:"inactive_connections"`
}

// VirtualPage is one virtual with a page of its servers.
type VirtualPage struct {
	Schema   string        `json:"schema"`
	Node     string        `json:"node" doc:"the router that sees it so"`
	Revision uint64        `json:"revision"`
	Virtual  ListedVirtual `json:"virtual" doc:"its servers are those of the page; its sums are of all"`
	Total    int           `json:"total" doc:"how many servers were asked for, on this page and on others"`
	Offset   int           `json:"offset"`
}

// Listed is a virtual that has all its servers, with their sums.
func Listed(v Virtual) ListedVirtual {
	out := ListedVirtual{Virtual: v, States: make(map[string]int)}
	for _, s := range v.Servers {
		if !s.Sorry {
			out.States[s.State]++
		}
		out.Active, out.Inactive = out.Active+s.Active, out.Inactive+s.Inactive
	}
	return out
}

func (s *server) virtualRoutes(a huma.API) {
	get(a, "virtuals", "/v1/virtuals", "A page of virtuals as the leader sees them, or this router alone", func(ctx context.Context, r *VirtualsRequest) (Virtuals, error) {
		return s.Virtuals(ctx, *r)
	})
	get(a, "virtual", "/v1/virtuals/{name}", "One virtual with a page of its servers", func(ctx context.Context, r *VirtualRequest) (VirtualPage, error) {
		return s.Virtual(ctx, *r)
	})
}

// pageQuery is what both pages are asked with.
func pageQuery(q, state string, offset, limit int, local bool) url.Values {
	out := url.Values{"q": {q}, "state": {state}, "offset": {strconv.Itoa(offset)}, "local": {strconv.FormatBool(local)}}
	if limit > 0 {
		out.Set("limit", strconv.Itoa(limit))
	}
	return out
}

// Virtuals is a page of virtuals; a Limit of 0 is the default.
func (c *Client) Virtuals(ctx context.Context, r VirtualsRequest) (Virtuals, error) {
	q := pageQuery(r.Q, r.State, r.Offset, r.Limit, r.Local)
	q.Set("servers", strconv.FormatBool(r.Servers))
	q["name"] = r.Names
	q.Set("order", cmp.Or(r.Order, "name"))
	q.Set("reverse", strconv.FormatBool(r.Reverse))
	return ask[Virtuals](ctx, c, http.MethodGet, "/v1/virtuals?"+q.Encode(), nil)
}

// Virtual is one virtual with a page of its servers; a Limit of 0 is the default.
func (c *Client) Virtual(ctx context.Context, name string, r ServersRequest) (VirtualPage, error) {
	q := pageQuery(r.Q, r.State, r.Offset, r.Limit, r.Local)
	return ask[VirtualPage](ctx, c, http.MethodGet, "/v1/virtuals/"+url.PathEscape(name)+"?"+q.Encode(), nil)
}
