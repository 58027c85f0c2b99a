package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Debug is what an agent tells of its own inside, for a report of a defect. It has no secrets that the agent knows to be some; what people
// wrote is in it as they wrote it.
type Debug struct {
	Schema string      `json:"schema"`
	Node   string      `json:"node"`
	Parts  []DebugPart `json:"parts" nullable:"false"`
}

// DebugPart is one file of it.
type DebugPart struct {
	Name string `json:"name" doc:"as a file is called"`
	What string `json:"what"`
	Data []byte `json:"data,omitempty" doc:"base64"`
	Why  string `json:"why,omitempty" doc:"why there is no data"`
}

func (s *server) debugRoutes(a huma.API) {
	get(a, "debug", "/v1/debug", "What this agent's process is at, for a report of a defect", func(ctx context.Context, _ *none) (Debug, error) {
		return s.Debug(ctx)
	})
}

// Debug is what the asked agent tells of its own inside.
func (c *Client) Debug(ctx context.Context) (Debug, error) {
	return ask[Debug](ctx, c, http.MethodGet, "/v1/debug", nil)
}

// Metrics are the asked router's numbers, in Prometheus' text.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	return c.exchange(ctx, http.MethodGet, "/metrics", "", nil)
}
