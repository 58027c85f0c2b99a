package agent

import (
	"bytes"
	"log/slog"
	"sync"
)

// kept is how much of the log is remembered, in bytes: some two thousand lines.
const kept = 256 << 10

// recent remembers the end of the log.
type recent struct {
	mu   sync.Mutex // guards below
	text []byte
}

// remembering is log, and what it says from now on.
func remembering(log *slog.Logger) (*slog.Logger, *recent) {
	r := new(recent)
	return slog.New(slog.NewMultiHandler(log.Handler(), slog.NewTextHandler(r, nil))), r
}

// Write takes whole lines, as a handler writes them.
func (r *recent) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.text)+len(line) > 2*kept { // seldom, so that a line is not moved for each that comes
		r.text = append(r.text[:0], r.end()...)
	}
	r.text = append(r.text, line...)
	return len(line), nil
}

// lines are the last of them.
func (r *recent) lines() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.end())
}

// end is as much of the text as is kept, from the beginning of a line.
func (r *recent) end() []byte {
	if len(r.text) <= kept {
		return r.text
	}
	_, rest, _ := bytes.Cut(r.text[len(r.text)-kept:], []byte("\n"))
	return rest
}
