package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// HistoryRequest says whose rates, and of how long.
type HistoryRequest struct {
	Virtual string `query:"virtual" json:"virtual,omitempty" maxLength:"128" doc:"of one virtual; default: of all together"`
	Span    string `query:"span" json:"span" enum:"hour,day" default:"hour"`
	Since   int64  `query:"since" json:"since,omitempty" minimum:"0" doc:"only what is after this, in seconds since 1970"`
	On      string `query:"on" json:"-" maxLength:"128" doc:"the router that counts; default: the director"`
}

// History is what a router's kernel had, in columns of one length. A router remembers its own since its agent runs: another director has
// another history, and who stands by counts little. null stands where nothing is known for more than three steps.
type History struct {
	Schema      string     `json:"schema"`
	Node        string     `json:"node" doc:"the router that counted"`
	Virtual     string     `json:"virtual,omitempty"`
	Span        string     `json:"span"`
	Step        int        `json:"step_seconds" doc:"what one row is the mean of: of an hour 1 s, of a day 60 s; 10 and 300 s of each virtual when there are more than 100"`
	Times       []int64    `json:"times" nullable:"false" doc:"seconds since 1970, where each row begins"`
	Connections []*float64 `json:"connections_per_second"`
	BytesIn     []*float64 `json:"bytes_in_per_second"`
	BytesOut    []*float64 `json:"bytes_out_per_second"`
	Active      []*float64 `json:"active_connections"`
}

func (s *server) historyRoutes(a huma.API) {
	get(a, "rates", "/v1/rates", "The rates of the last hour or day", func(ctx context.Context, r *HistoryRequest) (History, error) {
		return s.History(ctx, *r)
	})
}

// Rates are the rates of the last hour or day; an empty Span is the hour.
func (c *Client) Rates(ctx context.Context, r HistoryRequest) (History, error) {
	q := url.Values{"virtual": {r.Virtual}, "span": {r.Span}, "since": {strconv.FormatInt(r.Since, 10)}, "on": {r.On}}
	return ask[History](ctx, c, http.MethodGet, "/v1/rates?"+q.Encode(), nil)
}
