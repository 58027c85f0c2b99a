package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/events"
	"polso/fsm"
)

// watchedRing has a ring of r1's, and r2 whose events nobody can ask for while it is silent.
type watchedRing struct {
	ring *events.Ring

	mu     sync.Mutex // guards below
	silent []Silent
}

func (w *watchedRing) saw(want EventsWanted) Events {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, now := w.ring.After(want.After["r1"])
	return Events{Schema: Schema, Node: "r1", Events: list, Next: events.Cursor{"r1": now}.String(), Silent: w.silent}
}

func (w *watchedRing) quiet(who ...Silent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = who
}

// following is a stream of a backend under way, in virtual time.
type following struct {
	text  *lockedRecorder
	end   context.CancelFunc
	ended chan struct{}
}

// lockedRecorder is a recorder that may be looked at while it is written to.
type lockedRecorder struct {
	*httptest.ResponseRecorder
	mu sync.Mutex // guards what is embedded
}

func (l *lockedRecorder) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ResponseRecorder.Write(b)
}

func (l *lockedRecorder) WriteString(s string) (int, error) { return l.Write([]byte(s)) }

func (l *lockedRecorder) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ResponseRecorder.Flush()
}

func (l *lockedRecorder) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.Body.Reset()
	return l.Body.String()
}

func follow(h http.Handler, path, last string) *following {
	ctx, cancel := context.WithCancel(WithCaller(context.Background(), Caller{Role: fsm.Viewer}))
	r := httptest.NewRequest("GET", path, nil).WithContext(ctx)
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	f := &following{text: &lockedRecorder{ResponseRecorder: httptest.NewRecorder()}, end: cancel, ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		h.ServeHTTP(f.text, r)
	}()
	return f
}

// since is what the stream says within a time, IDs and times left out.
func (f *following) since(d time.Duration) []string {
	time.Sleep(d)
	synctest.Wait()
	var out []string
	for line := range strings.SplitSeq(f.text.said(), "\n") {
		if _, what, ok := strings.Cut(line, `"what":`); ok {
			line = "data: " + strings.TrimSuffix(what, "}")
		}
		if line != "" && !strings.HasPrefix(line, "id: ") {
			out = append(out, line)
		}
	}
	return out
}

func TestEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := formed(t)
		b.ending = make(chan struct{})
		w := &watchedRing{ring: events.NewRing("r1")}
		b.saw = w.saw
		h := New(b, Version{})
		add := func(kind events.Kind, what string) { w.ring.Add(events.Event{Kind: kind, What: what}) }
		heard := func(f *following, d time.Duration, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, f.since(d)); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
		}
		add(events.Role, "before")
		_, place := w.ring.After(events.Position{})
		f := follow(h, "/v1/events", "")
		heard(f, 0, "retry: 1000")
		add(events.Role, "one")
		add(events.ServerDown, "two")
		heard(f, streamTick, `data: "one"`, `data: "two"`)
		w.quiet(Silent{"r2", "it is down"})
		heard(f, streamTick, "event: silent", `data: [{"router":"r2","reason":"it is down"}]`)
		heard(f, streamTick)
		heard(f, streamBeat, ": still there")
		w.quiet()
		heard(f, streamTick, "event: silent", "data: []")

		// Who was cut off goes on where they were; who says since when is told what was before.
		again := follow(h, "/v1/events?kind=server_down", events.Cursor{"r1": place}.String())
		heard(again, 0, "retry: 1000", `data: "two"`)
		all := follow(h, "/v1/events?since=1h&kind=role", "")
		heard(all, 0, "retry: 1000", `data: "before"`, `data: "one"`)
		all.end()
		<-all.ended

		close(b.ending) // the agent stops
		<-f.ended
		<-again.ended
	})
}

// Each event's id is a place behind it, whatever else came in the same look.
func TestEventStreamPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := formed(t)
		b.ending = make(chan struct{})
		w := &watchedRing{ring: events.NewRing("r1")}
		b.saw = w.saw
		for i := range 3 {
			w.ring.Add(events.Event{Kind: events.Role, What: fmt.Sprint(i)})
		}
		f := follow(New(b, Version{}), "/v1/events?since=1h", "")
		time.Sleep(0)
		synctest.Wait()
		f.end()
		<-f.ended
		var whats []string
		err := readStream(strings.NewReader(f.text.said()), func() {}, func(told Told) error {
			if told.Event == nil {
				return nil
			}
			c, err := events.ParseCursor(told.Place)
			rest, _ := w.ring.After(c["r1"])
			whats = append(whats, fmt.Sprintf("%s then %d", told.Event.What, len(rest)))
			return err
		})
		if got := strings.Join(whats, ", "); err != nil || got != "0 then 2, 1 then 1, 2 then 0" {
			t.Errorf("%s (%v)", got, err)
		}
	})
}

func TestEventStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := formed(t)
		b.ending = make(chan struct{})
		h := New(b, Version{})
		var all []*following
		for range streamsOpen {
			all = append(all, follow(h, "/v1/events", ""))
		}
		synctest.Wait()
		more := follow(h, "/v1/events", "")
		<-more.ended
		if more.text.Code != http.StatusServiceUnavailable || more.text.Header().Get("Retry-After") == "" {
			t.Errorf("one more: %d %v", more.text.Code, more.text.Header())
		}
		all[0].end()
		<-all[0].ended
		next := follow(h, "/v1/events", "")
		if said := next.since(0); len(said) == 0 {
			t.Error("a place that is free again is not given")
		}
		close(b.ending)
	})
}

func TestEventsList(t *testing.T) {
	b := formed(t)
	w := &watchedRing{ring: events.NewRing("r1"), silent: []Silent{}}
	b.saw = w.saw
	w.ring.Add(events.Event{Kind: events.Role, What: "one"}, events.Event{Kind: events.FailedOver, What: "two", Failover: &events.Takeover{From: "r1", To: "r2", Stages: []events.Stage{}}})
	got, err := serve(t, b).Events(t.Context(), EventsRequest{Kinds: []string{"failover"}})
	if err != nil || len(got.Events) != 1 || got.Events[0].Failover == nil || got.Events[0].ID == "" || got.Next == "" {
		t.Errorf("got %+v, %v", got, err)
	}
	for path, want := range map[string]string{
		"/v1/events?since=yesterday": "since \"yesterday\" is no time",
		"/v1/events?since=-1h":       "since \"-1h\" is no time",
		"/v1/events?after=here":      "\"here\" is no place in the events",
		"/v1/events?kind=roll":       "there are no events of the kind \"roll\"",
		"/v1/events?kinds=role":      "kinds",
	} {
		if got := request(New(b, Version{}), "GET", path, ""); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.text, strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("%s: %d %s", path, got.code, got.text)
		}
	}
}

// A client hears events as they come and the end of the stream, and is refused as for a list.
func TestClientFollows(t *testing.T) {
	b := formed(t)
	b.ending = make(chan struct{})
	w := &watchedRing{ring: events.NewRing("r1"), silent: []Silent{{"r2", "it is down"}}}
	b.saw = w.saw
	w.ring.Add(events.Event{Kind: events.Role, What: "one"})
	c := serve(t, b)
	var heard []string
	err := c.Follow(t.Context(), EventsRequest{Since: "1h"}, func(told Told) error {
		switch {
		case told.Event != nil:
			heard = append(heard, told.Event.What)
		case told.Silent != nil:
			heard = append(heard, told.Silent[0].Router)
			close(b.ending)
		}
		return nil
	})
	if got := strings.Join(heard, " "); err != nil || got != "one r2" {
		t.Errorf("heard %q, %v", got, err)
	}
	if err := c.Follow(t.Context(), EventsRequest{Kinds: []string{"roll"}}, nil); CodeOf(err) != CodeInvalid {
		t.Errorf("a wrong kind: %v", err)
	}
	b.ending = make(chan struct{})
	enough := errors.New("enough")
	if err := c.Follow(t.Context(), EventsRequest{Since: "1h"}, func(Told) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("who has heard enough: %v", err)
	}
}
