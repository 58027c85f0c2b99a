package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"polso/events"
)

const (
	streamTick  = time.Second      // between two looks
	streamBeat  = 10 * time.Second // of silence, after which a stream says that it is still there
	streamWrite = 5 * time.Second  // a reader that takes nothing for so long is left
	streamsOpen = 64               // at a time on one router: each asks the others every second

	// streamQuiet is how long a stream may say nothing before its reader takes it for dead.
	streamQuiet = 3 * streamBeat
)

// streams holds a token for each stream that is followed.
type streams chan struct{}

func (s streams) enter() (leave func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	default:
		e := Errorf(CodeRefused, "%d follow the events on this router already", cap(s)).WithHint("ask another router, or without following")
		e.Status, e.RetryAfter = http.StatusServiceUnavailable, 30
		return nil, e
	}
}

// follow writes what happens until the reader goes, may follow no longer, or the agent ends. list is the first look; a reader that named
// neither a time nor a place is told what comes after it.
func (s *server) follow(c huma.Context, r EventsRequest, w EventsWanted, list Events) {
	ctx := c.Context()
	c.SetHeader("Content-Type", eventStream)
	c.SetHeader("Cache-Control", "no-store")
	c.SetHeader("X-Accel-Buffering", "no")
	_, rw := humago.Unwrap(c)
	to := reader{rw, http.NewResponseController(rw)}
	if r.Since == "" && len(w.After) == 0 {
		list.Events = nil
		w.After, _ = events.ParseCursor(list.Next) // it was just made
	}
	if to.write("retry: 1000\nid: "+w.After.String()+"\n\n") != nil {
		return
	}
	tick := time.NewTicker(streamTick)
	defer tick.Stop()
	said, silent := time.Now(), []Silent{}
	for {
		var text strings.Builder
		for _, e := range list.Events {
			w.After = w.After.Of(e)
			if r.of(e) {
				fmt.Fprintf(&text, "id: %s\ndata: %s\n\n", w.After, asJSON(e))
			}
		}
		w.After, _ = events.ParseCursor(list.Next)
		if !slices.Equal(silent, list.Silent) {
			silent = append([]Silent{}, list.Silent...)
			fmt.Fprintf(&text, "event: silent\ndata: %s\n\n", asJSON(silent))
		}
		if text.Len() == 0 && time.Since(said) > streamBeat {
			text.WriteString(": still there\n\n")
		}
		if text.Len() > 0 {
			if to.write(text.String()) != nil {
				return
			}
			said = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-s.Ending():
			return
		case <-tick.C:
		}
		next, err := s.Events(ctx, w)
		if err != nil {
			list.Events = nil
			continue
		}
		list = next
	}
}

// reader is who follows.
type reader struct {
	w       io.Writer
	control *http.ResponseController
}

func (r reader) write(text string) error {
	_ = r.control.SetWriteDeadline(time.Now().Add(streamWrite)) // a test's recorder has none
	if _, err := io.WriteString(r.w, text); err != nil {
		return err
	}
	return r.control.Flush()
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is sent here has a form in JSON
	}
	return string(b)
}

// Told is what a stream brings: an event, or the members that cannot be asked just now.
type Told struct {
	Event  *events.Event
	Silent []Silent
	Place  string // to go on from, as EventsRequest.Last
}

// Follow has tell told what happens, until ctx ends, the stream ends, or tell fails. It returns nil when the agent ended the stream, as it
// does when it stops.
func (c *Client) Follow(ctx context.Context, r EventsRequest, tell func(Told) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+r.path(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", eventStream)
	if r.Last != "" {
		req.Header.Set("Last-Event-ID", r.Last)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(resp.Body, MaxSnapshot))
		if err != nil {
			return err
		}
		return c.nameless(refusal(resp.StatusCode, text))
	}
	quiet := time.AfterFunc(streamQuiet, func() { cancel(errQuiet) })
	defer quiet.Stop()
	err = readStream(resp.Body, func() { quiet.Reset(streamQuiet) }, tell)
	if err != nil && errors.Is(context.Cause(ctx), errQuiet) {
		return Errorf(CodeUnreachable, "the agent at %s says nothing any more", c.addr)
	}
	return err
}

// errQuiet means that a stream has said nothing for too long.
var errQuiet = errors.New("nothing was heard")

// longestLine is more than an event has.
const longestLine = 1 << 20

// readStream reads server-sent events; heard is called for every line.
func readStream(from io.Reader, heard func(), tell func(Told) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longestLine)
	var name, data, place string
	for lines.Scan() {
		heard()
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			told := Told{Place: place}
			var err error
			switch {
			case data == "":
			case name == "silent":
				told.Silent = []Silent{}
				err = json.Unmarshal([]byte(data), &told.Silent)
			case name == "":
				err = json.Unmarshal([]byte(data), &told.Event)
			}
			if err == nil {
				err = tell(told)
			}
			if err != nil {
				return err
			}
			name, data = "", ""
		case field == "event":
			name = value
		case field == "data":
			data = value
		case field == "id":
			place = value
		}
	}
	return lines.Err()
}
