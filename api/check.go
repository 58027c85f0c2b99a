package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// CheckRequest asks for one probe of a server, or of every server of a virtual, now.
type CheckRequest struct {
	On      string `json:"on,omitempty" maxLength:"128" doc:"the router that asks; default: the one that is asked for it"`
	Virtual string `json:"virtual" maxLength:"128"`
	Server  string `json:"server,omitempty" maxLength:"128" doc:"default: every one of the virtual"`
	Steps   bool   `json:"steps,omitempty" doc:"with each step and what was sent and received"`
}

// CheckRun is what the probes got. Nothing else learns of it: what the servers count as does not change.
type CheckRun struct {
	Schema  string       `json:"schema"`
	Node    string       `json:"node" doc:"the router that asked"`
	Results []CheckProbe `json:"results" nullable:"false"`
}

// CheckProbe is one probe.
type CheckProbe struct {
	Virtual string      `json:"virtual"`
	Server  string      `json:"server"`
	Address string      `json:"address" doc:"where the probe went"`
	State   string      `json:"state" enum:"up,down,unchecked" doc:"what this one probe says; unchecked: there is no check to ask by"`
	Seconds float64     `json:"seconds" doc:"how long it took"`
	Reason  string      `json:"reason" doc:"the answer, as the status shows it"`
	Steps   []CheckStep `json:"steps,omitempty"`
	Cut     bool        `json:"cut,omitempty" doc:"there were more steps, or more bytes, than are told"`
}

// CheckStep is one thing that happened during a probe.
type CheckStep struct {
	At    float64 `json:"at_seconds" doc:"since the probe began"`
	What  string  `json:"what" doc:"connected, sent, received, closed, ..."`
	Bytes []byte  `json:"bytes,omitempty" doc:"what was sent or received, base64; in clear where the connection is encrypted. The values of headers that are secrets are masked"`
}

func (s *server) checkRoutes(a huma.API) {
	post(a, "run-check", "/v1/checks/run", "Probe a server once, now", func(ctx context.Context, i *in[CheckRequest]) (CheckRun, error) {
		return s.RunCheck(ctx, i.Body)
	})
}

// RunCheck probes a server once, now.
func (c *Client) RunCheck(ctx context.Context, r CheckRequest) (CheckRun, error) {
	return ask[CheckRun](ctx, c, http.MethodPost, "/v1/checks/run", r)
}
