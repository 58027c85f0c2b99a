package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Code is a stable word for what went wrong; scripts and the command line's exit status depend on it.
type Code string

// The codes.
const (
	CodeInvalid     Code = "invalid"     // the request or document is wrong
	CodeEdit        Code = "bad_edit"    // the edit makes no sense, whatever the document
	CodeUnsupported Code = "unsupported" // understood, but not supported yet
	CodeNoLeader    Code = "no_leader"   // no quorum, or no leader just now
	CodeConflict    Code = "conflict"    // the document changed since it was read
	CodeReused      Code = "reused"      // a request ID was used for something else
	CodeNotFound    Code = "not_found"   // what was named is not there
	CodeExists      Code = "exists"      // what was to be made is there already
	CodeNotFormed   Code = "not_formed"  // this router belongs to no cluster
	CodeDenied      Code = "denied"      // the caller, or a token, may not
	CodeTimeout     Code = "timeout"     // the time allowed is up
	CodeUnknown     Code = "unknown"     // the outcome is not known; ask with the same request ID again
	CodeUnreachable Code = "unreachable" // another node, or the agent itself, does not answer
	CodeInternal    Code = "internal"    // a fault of Polso or of this node
	CodeRefused     Code = "refused"     // understood and right, but not now or not here
)

// status maps a code to HTTP.
var status = map[Code]int{
	CodeInvalid: http.StatusUnprocessableEntity, CodeEdit: http.StatusUnprocessableEntity, CodeUnsupported: http.StatusUnprocessableEntity,
	CodeNoLeader: http.StatusServiceUnavailable, CodeConflict: http.StatusConflict, CodeReused: http.StatusConflict, CodeNotFound: http.StatusNotFound,
	CodeExists: http.StatusConflict, CodeNotFormed: http.StatusConflict, CodeDenied: http.StatusForbidden,
	CodeTimeout: http.StatusGatewayTimeout, CodeUnknown: http.StatusBadGateway, CodeUnreachable: http.StatusBadGateway,
	CodeInternal: http.StatusInternalServerError, CodeRefused: http.StatusConflict,
}

// Error is what every refusal looks like on the wire (RFC 9457) and in Go: what happened, why, and the next step.
type Error struct {
	Status     int      `json:"status"`
	Code       Code     `json:"code"`
	Title      string   `json:"title" doc:"what happened"`
	Detail     string   `json:"detail,omitempty" doc:"where and why"`
	Hint       string   `json:"hint,omitempty" doc:"the next step"`
	Field      string   `json:"field,omitempty" doc:"the field of the request's body that it is about, where it is about one"`
	Problems   []string `json:"problems,omitempty" doc:"every mistake, with its place, as people read it"`
	Changes    []string `json:"changes,omitempty" doc:"of a conflict over the document: what changed since, as people read it"`
	RetryAfter int      `json:"retry_after_seconds,omitempty" doc:"too many tries: how long to wait"`
	Cause      string   `json:"cause,omitempty" doc:"the error behind it in a program's words, for whoever looks for a fault"`
}

// Errorf makes an Error whose title is formatted.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Status: status[code], Code: code, Title: fmt.Sprintf(format, args...)}
}

// WithDetail sets the detail and returns e.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// WithHint sets the next step and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithField names the field of the request that it is about, and returns e.
func (e *Error) WithField(name string) *Error {
	e.Field = name
	return e
}

// WithReason takes the detail from what err comes from, keeps all of err as the cause, and returns e.
func (e *Error) WithReason(err error) *Error {
	e.Detail, e.Cause = reason(err), err.Error()
	return e
}

// reason is the innermost error of err in an operator's words.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer in time"
	}
	for {
		var inner error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			inner = e.Unwrap()
		case interface{ Unwrap() []error }:
			if list := e.Unwrap(); len(list) > 0 {
				inner = list[len(list)-1]
			}
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// Error implements error: title and detail in one line.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Title
	}
	return e.Title + ": " + e.Detail
}

// GetStatus is the HTTP status, for the HTTP framework.
func (e *Error) GetStatus() int { return e.Status }

// ContentType is the media type of RFC 9457, for the HTTP framework.
func (e *Error) ContentType(string) string { return problemJSON }

// CodeOf returns the code of err, CodeInternal for an error that has none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
