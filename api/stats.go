package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// StatsRequest says whose counters.
type StatsRequest struct {
	On      string `query:"on" json:"-" maxLength:"128" doc:"the router that counts; default: the one that is asked"`
	Virtual string `query:"virtual" json:"virtual,omitempty" doc:"of one virtual; default: of all"`
	Server  string `query:"server" json:"server,omitempty" doc:"of one server of that virtual, whose totals are the virtual's all the same"`
}

// Stats are a router's counters by virtual and server. The kernel begins them anew with the service or destination, and adds up
// packets and bytes every two seconds. Rates are its own estimates, never differences of totals.
type Stats struct {
	Schema   string         `json:"schema"`
	Node     string         `json:"node"`
	At       time.Time      `json:"at"`
	Virtuals []VirtualStats `json:"virtuals" nullable:"false"`
}

// VirtualStats are the counters of a virtual, from its own, which outlives its servers'.
type VirtualStats struct {
	Name    string        `json:"name"`
	Totals  Totals        `json:"totals"`
	Rates   Rates         `json:"rates"`
	Servers []ServerStats `json:"servers" nullable:"false"`
}

// ServerStats are the counters of one server of a virtual.
type ServerStats struct {
	Name       string `json:"name" doc:"empty for one that the document does not name, as a sorry server"`
	Address    string `json:"address"`
	Active     int    `json:"active_connections"`
	Inactive   int    `json:"inactive_connections"`
	Persistent int    `json:"persistent_connections" doc:"clients that are to come here again"`
	Totals     Totals `json:"totals"`
	Rates      Rates  `json:"rates"`
}

// Totals are what was counted since the kernel's entry was made.
type Totals struct {
	Connections uint64 `json:"connections"`
	PacketsIn   uint64 `json:"packets_in"`
	PacketsOut  uint64 `json:"packets_out" doc:"0 where servers answer past the director"`
	BytesIn     uint64 `json:"bytes_in"`
	BytesOut    uint64 `json:"bytes_out"`
}

// CPUStats are what each processor of a router counted, of all services together.
type CPUStats struct {
	Schema string `json:"schema"`
	Node   string `json:"node"`
	CPUs   []CPU  `json:"cpus" nullable:"false"`
	Totals Totals `json:"totals" doc:"of all; as old as two seconds"`
	Rates  Rates  `json:"rates"`
}

// CPU is one processor.
type CPU struct {
	Number int    `json:"cpu"`
	Totals Totals `json:"totals"`
}

func (s *server) statsRoutes(a huma.API) {
	get(a, "stats", "/v1/stats", "A router's counters by virtual and server", func(ctx context.Context, r *StatsRequest) (Stats, error) {
		return s.Stats(ctx, *r)
	})
	get(a, "cpu-stats", "/v1/stats/cpu", "A router's counters by processor", func(ctx context.Context, r *struct {
		On string `query:"on" maxLength:"128" doc:"as for stats"`
	}) (CPUStats, error) {
		return s.CPUStats(ctx, r.On)
	})
}

// Stats are a router's counters.
func (c *Client) Stats(ctx context.Context, r StatsRequest) (Stats, error) {
	return ask[Stats](ctx, c, http.MethodGet, "/v1/stats?"+url.Values{"on": {r.On}, "virtual": {r.Virtual}, "server": {r.Server}}.Encode(), nil)
}

// CPUStats are a router's counters by processor; on "" is the router that is asked.
func (c *Client) CPUStats(ctx context.Context, on string) (CPUStats, error) {
	return ask[CPUStats](ctx, c, http.MethodGet, "/v1/stats/cpu?"+url.Values{"on": {on}}.Encode(), nil)
}
