package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// ConnectionsRequest chooses from a router's connection table.
type ConnectionsRequest struct {
	On      string `query:"on" json:"-" maxLength:"128" doc:"the router whose table it is; default: the one that is asked"`
	Virtual string `query:"virtual" json:"virtual,omitempty" doc:"the name of a virtual"`
	Server  string `query:"server" json:"server,omitempty" doc:"the name of a server of that virtual"`
	Client  string `query:"client" json:"client,omitempty" doc:"an address, or a network: 198.51.100.0/24"`
	State   string `query:"state" json:"state,omitempty" doc:"the kernel's word, in whatever case: ESTABLISHED"`
	Limit   int    `query:"limit" json:"limit,omitempty" minimum:"1" maximum:"10000" default:"100" doc:"the first so many that are found; the rest of the table is not read"`
	Count   bool   `query:"count" json:"count,omitempty" doc:"numbers instead of connections, of the whole table"`
	Engine  bool   `query:"engine" json:"engine,omitempty" doc:"with what persistence engines keep, and then without the origin: the kernel has no listing of both"`
}

// ConnectionTable is what was found in a router's connection table.
type ConnectionTable struct {
	Schema      string            `json:"schema"`
	Node        string            `json:"node"`
	Connections []Connection      `json:"connections" nullable:"false" doc:"in no order"`
	More        bool              `json:"more" doc:"the limit, or half a minute, was over before the end of the table"`
	Counts      []ConnectionCount `json:"counts,omitempty" doc:"when they were asked for, by virtual and server"`
	Total       int               `json:"total" doc:"how many connections these are"`
	Read        int               `json:"read" doc:"how many entries of the table were looked at"`
}

// Connection is one entry of the connection table: a connection, or a persistence template, whose client has port 0.
type Connection struct {
	Protocol string  `json:"protocol" doc:"tcp, udp, sctp, or a number; ip for the persistence template of a firewall mark"`
	Client   string  `json:"client" doc:"its address and port"`
	Service  string  `json:"service" doc:"the address and port that it came to; fwmark 7 for the persistence template of that mark"`
	Address  string  `json:"address" doc:"the server's, and its port"`
	Virtual  string  `json:"virtual" doc:"its name; empty where the document has none for it"`
	Server   string  `json:"server" doc:"its name; empty where the virtual has none at that address"`
	State    string  `json:"state" doc:"the kernel's word"`
	Expires  float64 `json:"expires_seconds" doc:"until the kernel forgets it, unless a packet comes"`
	Origin   string  `json:"origin,omitempty" enum:"local,sync" doc:"sync: another router's sync daemon told of it"`
	Engine   string  `json:"engine,omitempty" doc:"the persistence engine"`
	Data     string  `json:"data,omitempty" doc:"what that keeps: a client's own bytes"`
}

// ConnectionCount is how many connections one server has.
type ConnectionCount struct {
	Virtual string         `json:"virtual"`
	Server  string         `json:"server"`
	Address string         `json:"address"`
	States  map[string]int `json:"states" doc:"how many are in each state"`
	Total   int            `json:"total"`
}

func (s *server) connectionRoutes(a huma.API) {
	get(a, "connections", "/v1/connections", "A router's connection table", func(ctx context.Context, r *ConnectionsRequest) (ConnectionTable, error) {
		return s.Connections(ctx, *r)
	})
}

// Connections is what is found in a router's connection table.
func (c *Client) Connections(ctx context.Context, r ConnectionsRequest) (ConnectionTable, error) {
	q := url.Values{}
	for name, value := range map[string]string{"on": r.On, "virtual": r.Virtual, "server": r.Server, "client": r.Client, "state": r.State} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, wanted := range map[string]bool{"count": r.Count, "engine": r.Engine} {
		if wanted {
			q.Set(name, "true")
		}
	}
	if r.Limit != 0 {
		q.Set("limit", strconv.Itoa(r.Limit))
	}
	return ask[ConnectionTable](ctx, c, http.MethodGet, "/v1/connections?"+q.Encode(), nil)
}
