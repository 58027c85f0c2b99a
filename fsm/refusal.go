package fsm

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Code says what kind of refusal an answer is. It travels between nodes and releases: never rename one.
type Code string

// The codes.
const (
	CodeConflict   Code = "conflict"
	CodeNotFound   Code = "not_found"
	CodeExists     Code = "exists"
	CodeInvalid    Code = "invalid"
	CodeTooLarge   Code = "too_large"
	CodeExpired    Code = "expired"
	CodeNotFounded Code = "not_founded"
	CodeStopped    Code = "stopped"
	CodeDenied     Code = "denied"
	CodeReused     Code = "reused"
)

// What a Refusal is to errors.Is, and what decoding answers.
var (
	// ErrConflict means the document changed since the writer read it.
	ErrConflict = errors.New("the document changed meanwhile")
	// ErrReused means that the request's ID was used for something else.
	ErrReused = errors.New("the request ID was used for something else")
	// ErrNotFound means that what the command names is not there.
	ErrNotFound = errors.New("not found")
	// ErrExists means that what the command would make is there already.
	ErrExists = errors.New("exists already")
	// ErrInvalid means that the command contradicts itself or the rules, whatever the state.
	ErrInvalid = errors.New("invalid")
	// ErrTooLarge means more than 1 MiB compressed, 16 MiB plain, or too many of a kind.
	ErrTooLarge = errors.New("too large")
	// ErrExpired means a token whose time or uses are over.
	ErrExpired = errors.New("expired")
	// ErrNotFounded means that there is no cluster yet: `polso init` comes first.
	ErrNotFounded = errors.New("no cluster yet")
	// ErrStopped means that this node met an entry that it cannot read and applies nothing any more (see Options.Fatal).
	// It is this node's own answer, not the cluster's: another node may have done what was asked.
	ErrStopped = errors.New("this router stopped applying changes")

	// ErrDenied means that whoever asked may no longer give or take rights.
	ErrDenied = errors.New("not permitted")

	// ErrCorrupt means bytes that are not what was written: checksum, framing or content is wrong.
	ErrCorrupt = errors.New("damaged")
	// ErrUnknown means bytes that a newer release wrote: their format, command, version or schema is unknown here.
	ErrUnknown = errors.New("written by a newer release")
)

// Refusal is a write that was understood and not done, with the same words on every node. errors.Is tells it by the
// sentinel of its code.
type Refusal struct {
	Code Code   `json:"code"`
	Text string `json:"text"`          // what and why
	Fix  string `json:"fix,omitempty"` // the next step, "" when there is none to name
}

// Error returns the text without the fix.
func (r *Refusal) Error() string { return r.Text }

// Is reports whether target is the sentinel of r's code.
func (r *Refusal) Is(target error) bool { return target != nil && r.Code.sentinel() == target }

// sentinel returns nil for a code of a newer release.
func (c Code) sentinel() error {
	switch c {
	case CodeConflict:
		return ErrConflict
	case CodeNotFound:
		return ErrNotFound
	case CodeExists:
		return ErrExists
	case CodeInvalid:
		return ErrInvalid
	case CodeTooLarge:
		return ErrTooLarge
	case CodeExpired:
		return ErrExpired
	case CodeNotFounded:
		return ErrNotFounded
	case CodeStopped:
		return ErrStopped
	case CodeDenied:
		return ErrDenied
	case CodeReused:
		return ErrReused
	default:
		return nil
	}
}

func refuse(code Code, fix, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...), Fix: fix}
}

// Result is the answer to a command. Apply returns it as JSON; DecodeResult reads it.
type Result struct {
	Index     uint64   `json:"index"`               // of the entry that was answered first; reads that wait for it see the change
	Revision  uint64   `json:"revision"`            // the running document's after the command
	Unchanged bool     `json:"unchanged,omitempty"` // it was so already
	Refusal   *Refusal `json:"refusal,omitempty"`   // nil: done
}

// Err returns the refusal as an error, nil when the command was done.
func (r Result) Err() error {
	if r.Refusal == nil {
		return nil
	}
	return r.Refusal
}

// encode is what Apply hands to raft.
func (r Result) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("fsm: encode result: " + err.Error()) // numbers and strings always encode
	}
	return b
}

// DecodeResult reads what Apply returned, here or on another node. Fields of a newer release are passed over: the answer
// must be readable during an upgrade.
func DecodeResult(b []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(b, &r); err != nil {
		return Result{}, fmt.Errorf("result: %w: %w", ErrCorrupt, err)
	}
	return r, nil
}
