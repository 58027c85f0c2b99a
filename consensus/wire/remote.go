package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// What a node can answer to what is forwarded to it. The consensus has errors of its own of these meanings; Encode and
// Decode of the options translate.
var (
	// ErrNotLeader means the node asked does not lead; nothing was done.
	ErrNotLeader = errors.New("not the leader")
	// ErrNoLeader means nobody leads just now; nothing was done.
	ErrNoLeader = errors.New("no leader")
	// ErrUnknownOutcome means it may or may not have been done, and nobody can tell yet.
	ErrUnknownOutcome = errors.New("unknown outcome")
)

// Refused means the other node understood and said no; nothing was done. Text is for people, complete.
type Refused struct{ Text string }

// Error returns Text.
func (r Refused) Error() string { return r.Text }

// The codes that travel. Encode may add others.
const (
	CodeNotLeader      = "not-leader"
	CodeNoLeader       = "no-leader"
	CodeUnknownOutcome = "unknown-outcome"
	CodeRefused        = "refused"
	CodeError          = "error" // anything else
)

// RemoteError is an error that another node answered. errors.Is sees ErrNotLeader, ErrNoLeader and ErrUnknownOutcome in
// it, errors.As sees Refused, by its code.
type RemoteError struct {
	Node string // ID or address of who answered
	Code string
	Text string
}

// Error says who answered what.
func (e *RemoteError) Error() string { return fmt.Sprintf("node %s: %s", e.Node, e.Text) }

// Is tells whether the code stands for target.
func (e *RemoteError) Is(target error) bool {
	switch e.Code {
	case CodeNotLeader:
		return target == ErrNotLeader
	case CodeNoLeader:
		return target == ErrNoLeader
	case CodeUnknownOutcome:
		return target == ErrUnknownOutcome
	default:
		return false
	}
}

// As gives a Refused when the code is one.
func (e *RemoteError) As(target any) bool {
	r, ok := target.(*Refused)
	if ok && e.Code == CodeRefused {
		r.Text = e.Text
		return true
	}
	return false
}

// codeOf finds the code of an error: encode's word first, this package's errors after.
func codeOf(err error, encode func(error) string) string {
	if encode != nil {
		if code := encode(err); code != "" {
			return code
		}
	}
	var remote *RemoteError
	var refused Refused
	switch {
	case errors.As(err, &remote):
		return remote.Code
	case errors.Is(err, ErrNotLeader):
		return CodeNotLeader
	case errors.Is(err, ErrNoLeader):
		return CodeNoLeader
	case errors.Is(err, ErrUnknownOutcome):
		return CodeUnknownOutcome
	case errors.As(err, &refused):
		return CodeRefused
	default:
		return CodeError
	}
}

func statusOf(code string) int {
	switch code {
	case CodeNotLeader:
		return http.StatusMisdirectedRequest
	case CodeNoLeader:
		return http.StatusServiceUnavailable
	case CodeUnknownOutcome:
		return http.StatusGatewayTimeout
	case CodeRefused:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusInternalServerError
	}
}

// answerError is how an error travels.
type answerError struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

func writeError(w http.ResponseWriter, code, text string) {
	writeJSON(w, statusOf(code), answerError{Code: code, Text: text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) // the client notices an answer cut short by its length
}

// readAnswer returns the body of a good answer, or the error that the other end wrote.
func readAnswer(node string, r *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("node %s: %w: answer: %w", node, ErrUnknownOutcome, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("node %s: %w: answer has more than %d bytes", node, ErrUnknownOutcome, limit)
	}
	if r.StatusCode == http.StatusOK {
		return body, nil
	}
	var e answerError
	if json.Unmarshal(body, &e) != nil || e.Code == "" {
		return nil, &RemoteError{Node: node, Code: CodeError, Text: "answers " + r.Status}
	}
	return nil, &RemoteError{Node: node, Code: e.Code, Text: e.Text}
}
