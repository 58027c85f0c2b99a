package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"polso/fsm"
)

// NoticeTestRequest has a notify block of the running document tell of a test, once and now.
type NoticeTestRequest struct {
	Notify string `json:"notify" maxLength:"128" doc:"the block's name"`
	Router string `json:"router,omitempty" maxLength:"128" doc:"the router that tells; default: each of them, since any may have to"`
}

// NoticeTest is what came of it.
type NoticeTest struct {
	Schema   string        `json:"schema"`
	Notify   string        `json:"notify"`
	To       string        `json:"to" doc:"the way and whom it leads to: command, webhook or mail"`
	Results  []NoticeTried `json:"results" nullable:"false"`
	Warnings []string      `json:"warnings,omitempty"`
}

// NoticeTried is what one router got.
type NoticeTried struct {
	Router  string  `json:"router"`
	Told    bool    `json:"told"`
	Seconds float64 `json:"seconds" doc:"how long it took"`
	Answer  string  `json:"answer" doc:"what came back: a status of HTTP, an exit status, a mail server's word; or why it was not told"`
	Output  string  `json:"output,omitempty" doc:"the beginning of what a receiver answered, or the end of what a command printed"`
	Hint    string  `json:"hint,omitempty" doc:"what to do about it"`
}

func (s *server) noticeRoutes(a huma.API) {
	post(a, "test-notify", "/v1/notify/test", "Have a notify block tell of a test, once and now", func(ctx context.Context, i *in[NoticeTestRequest]) (NoticeTest, error) {
		return s.testNotice(ctx, i.Body)
	})
}

// testNotice has a block tell of a test, then has the audit say so.
func (s *server) testNotice(ctx context.Context, r NoticeTestRequest) (NoticeTest, error) {
	got, err := s.TestNotice(ctx, actorOf(ctx), r)
	if err != nil {
		return got, err
	}
	tested := &fsm.TestedNotice{Notify: got.Notify}
	for _, one := range got.Results {
		if one.Told {
			tested.Told = append(tested.Told, one.Router)
		} else {
			tested.Failed = append(tested.Failed, one.Router)
		}
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), tested); err != nil { // it is told all the same
		got.Warnings = append(got.Warnings, fmt.Sprintf("the audit does not say that it was tested: %v", err))
	}
	return got, nil
}

// TestNotice has a notify block tell of a test, once and now.
func (c *Client) TestNotice(ctx context.Context, r NoticeTestRequest) (NoticeTest, error) {
	return ask[NoticeTest](ctx, c, http.MethodPost, "/v1/notify/test", r)
}
