package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"polso/lab"
)

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want outcome
	}{
		{nil, done},
		{&lab.Refusal{Code: "conflict"}, conflict},
		{fmt.Errorf("r1: %w", &lab.Refusal{Code: "no_leader"}), refused},
		{&lab.Refusal{Code: "not_formed"}, refused},
		{fmt.Errorf("r1: %w", lab.ErrNotAsked), refused},
		{&lab.Refusal{Code: "unknown"}, unknown},
		{&lab.Refusal{Code: "timeout"}, unknown},
		{&lab.Refusal{Code: "internal"}, unknown},
		{errors.New("connection reset"), unknown},
		{context.DeadlineExceeded, unknown},
	} {
		if got := classify(tt.err); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}

// single is one copy of a document, guarded as the product guards it.
type single struct {
	number  uint64
	message string
	fail    error
	lose    bool // do it, and say nothing
}

func (s *single) Ask(_ context.Context, method, _ string, body, answer any) error {
	if s.fail != nil {
		return s.fail
	}
	if method == http.MethodPost {
		request := body.(map[string]any)
		if request["base_revision"].(uint64) != s.number {
			return &lab.Refusal{Code: "conflict"}
		}
		s.number, s.message = s.number+1, request["message"].(string)
		if s.lose {
			return errors.New("connection reset")
		}
	}
	*answer.(*revision) = revision{s.number, s.message}
	return nil
}

func TestClientsRemember(t *testing.T) {
	var serial atomic.Int64
	c := newClients("t", &serial, func(n int) string { return fmt.Sprint(n) })
	ctx, s := t.Context(), &single{number: 5}
	if got := c.change(ctx, writerOne, "r1", s); got != 6 {
		t.Errorf("made %d, want 6", got)
	}
	s.lose = true
	c.change(ctx, writerTwo, "r1", s)
	s.lose = false
	if _, err := c.read(ctx, reader, "r1", s); err != nil {
		t.Error(err)
	}
	s.fail = lab.ErrNotAsked
	if got := c.change(ctx, writerOne, "r1", s); got != 0 {
		t.Errorf("made %d although nobody was there", got)
	}
	s.fail = nil
	c.change(ctx, closer, "r1", s)
	var got string
	for _, o := range c.all() {
		if o.write {
			got += fmt.Sprintf("%d+%s:%v ", o.base, o.message, o.outcome)
		} else {
			got += fmt.Sprintf("%d=%s ", o.revision, o.message)
		}
	}
	want := "5= 5+t.1:done 6=t.1 6+t.2:unknown 7=t.2 7=t.2 7+t.3:done "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if why := linearizable(5, c.all(), nil); why != "" {
		t.Error(why)
	}
}

func TestClientsStop(t *testing.T) {
	var serial atomic.Int64
	c := newClients("t", &serial, nil)
	asked := make(chan struct{}, 100)
	c.repeat(t.Context(), time.Millisecond, 3, func(context.Context) { asked <- struct{}{} })
	c.repeat(t.Context(), time.Hour, 0, func(context.Context) { asked <- struct{}{} })
	for range 4 {
		<-asked
	}
	c.stop()
	if len(asked) != 0 {
		t.Error("asked more often than it may")
	}
}
