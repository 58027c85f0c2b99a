package api

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/events"
)

// Events is what happened in the cluster, oldest first.
type Events struct {
	Schema string         `json:"schema"`
	Node   string         `json:"node" doc:"the router that asked the others"`
	Events []events.Event `json:"events" nullable:"false"`
	Next   string         `json:"next" doc:"as after, or Last-Event-ID: what happens from here on, whichever router is asked"`
	Silent []Silent       `json:"silent" nullable:"false" doc:"members whose own events are not among them, as they cannot be asked"`
}

// Silent is a member that could not be asked.
type Silent struct {
	Router string `json:"router"`
	Reason string `json:"reason"`
}

// EventsWanted is what a Backend is asked for.
type EventsWanted struct {
	Since time.Time // of this time or later, by the clock of who saw it
	After events.Cursor
}

// EventsRequest chooses from the events, which each router keeps 1,000 of in memory, and the cluster as many in its audit.
type EventsRequest struct {
	Since string   `query:"since" maxLength:"64" doc:"of this time (RFC 3339) or later, or no older than so long: 90m"`
	After string   `query:"after" maxLength:"2048" doc:"those behind an answer's next"`
	Kinds []string `query:"kind" maxItems:"64" doc:"of these kinds only, with commas between them"`

	Last   string `header:"Last-Event-ID" maxLength:"2048" doc:"of a stream: those behind that event"`
	Accept string `header:"Accept" doc:"text/event-stream follows what happens; anything else is answered with what has happened"`
}

// wanted reads the request.
func (r EventsRequest) wanted(now time.Time) (EventsWanted, error) {
	var w EventsWanted
	if r.Since != "" {
		at, err := time.Parse(time.RFC3339, r.Since)
		if err != nil {
			back, failed := time.ParseDuration(r.Since)
			if failed != nil || back < 0 {
				return w, Errorf(CodeInvalid, "since %q is no time", r.Since).WithHint("say how long ago, as in 90m or 24h, or a time as in 2026-11-22T10:00:00Z")
			}
			at = now.Add(-back)
		}
		w.Since = at
	}
	place := r.After
	if r.Last != "" {
		place = r.Last
	}
	var err error
	if w.After, err = events.ParseCursor(place); err != nil {
		return w, Errorf(CodeInvalid, "%v", err).WithHint("give what an answer has as next, or the id of an event of the stream")
	}
	for _, k := range r.Kinds {
		if !slices.Contains(events.Kinds(), events.Kind(k)) {
			return w, Errorf(CodeInvalid, "there are no events of the kind %q", k).WithHint("there are %s", kindWords())
		}
	}
	return w, nil
}

func kindWords() string {
	var words []string
	for _, k := range events.Kinds() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

// of tells whether the request is for that event.
func (r EventsRequest) of(e events.Event) bool {
	return len(r.Kinds) == 0 || slices.Contains(r.Kinds, string(e.Kind))
}

// follows tells whether a stream is asked for.
func (r EventsRequest) follows() bool {
	for kind := range strings.SplitSeq(r.Accept, ",") {
		if media, _, err := mime.ParseMediaType(kind); err == nil && media == eventStream {
			return true
		}
	}
	return false
}

const eventStream = "text/event-stream"

// streamed is an answer that writes itself.
type streamed struct {
	Body func(huma.Context)
}

func (s *server) eventRoutes(a huma.API) {
	op := operation(a, http.MethodGet, "events", "/v1/events", "What happened in the cluster, as a list or, if text/event-stream is accepted, as it happens")
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Events](), true, "")
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: schema},
		eventStream: {Schema: &huma.Schema{
			Type: huma.TypeString, Description: "Server-sent events (HTML Standard, section 9.2): each has an event of the list as data and a place to go on from as id, sent again as Last-Event-ID; " +
				"one of the name silent has the members that cannot be asked, when these change. A comment comes every ten seconds. Without since and Last-Event-ID it begins now.",
		}},
	}}
	huma.Register(a, op, func(ctx context.Context, r *EventsRequest) (*streamed, error) {
		w, err := r.wanted(time.Now())
		if err != nil {
			return nil, wireError(err)
		}
		list, err := s.Events(ctx, w)
		if err != nil {
			return nil, wireError(err)
		}
		if !r.follows() {
			list.Events = slices.DeleteFunc(list.Events, func(e events.Event) bool { return !r.of(e) })
			return &streamed{func(c huma.Context) {
				c.SetHeader("Content-Type", "application/json")
				_ = json.NewEncoder(c.BodyWriter()).Encode(list) // who asked has gone; there is nobody to tell
			}}, nil
		}
		leave, err := s.streams.enter()
		if err != nil {
			return nil, wireError(err)
		}
		return &streamed{func(c huma.Context) {
			defer leave()
			s.follow(c, *r, w, list)
		}}, nil
	})
}

// Events is what happened in the cluster.
func (c *Client) Events(ctx context.Context, r EventsRequest) (Events, error) {
	return ask[Events](ctx, c, http.MethodGet, r.path(), nil)
}

func (r EventsRequest) path() string {
	q := url.Values{}
	for name, value := range map[string]string{"since": r.Since, "after": r.After, "kind": strings.Join(r.Kinds, ",")} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/v1/events?" + q.Encode()
}
