package consensus

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// raftLog writes raft's lines to slog. Its key/value pairs are passed on with hclog's lazy values expanded.
type raftLog struct {
	to   *slog.Logger
	name string
	args []any
}

// NewRaftLogger returns a logger for raft's transports and stores that writes to l; nil is silence.
func NewRaftLogger(l *slog.Logger) hclog.Logger { return newRaftLog(l) }

func newRaftLog(l *slog.Logger) raftLog {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return raftLog{to: l, name: "raft"}
}

var levels = map[hclog.Level]slog.Level{
	hclog.Trace: slog.LevelDebug - 4,
	hclog.Debug: slog.LevelDebug,
	hclog.Info:  slog.LevelInfo,
	hclog.Warn:  slog.LevelWarn,
	hclog.Error: slog.LevelError,
}

func (r raftLog) Log(l hclog.Level, msg string, args ...any) {
	level, ok := levels[l]
	if !ok || !r.to.Enabled(context.Background(), level) {
		return
	}
	r.to.Log(context.Background(), level, "raft", append([]any{"event", msg, "logger", r.name}, expand(append(r.args[:len(r.args):len(r.args)], args...))...)...)
}

// expand renders hclog's lazy values and drops nothing: an odd last value gets a key of its own.
func expand(args []any) []any {
	out := make([]any, 0, len(args)+1)
	for i, a := range args {
		if i%2 == 0 {
			if i == len(args)-1 {
				out = append(out, "extra")
			} else {
				out = append(out, fmt.Sprint(a))
				continue
			}
		}
		switch v := a.(type) {
		case hclog.Format:
			a = fmt.Sprintf(fmt.Sprint(v[0]), v[1:]...)
		case hclog.Quote:
			a = fmt.Sprintf("%q", string(v))
		case hclog.Hex:
			a = fmt.Sprintf("%#x", int(v))
		case hclog.Octal:
			a = fmt.Sprintf("%#o", int(v))
		case hclog.Binary:
			a = fmt.Sprintf("%#b", int(v))
		case fmt.Stringer, error:
			a = fmt.Sprint(v)
		}
		out = append(out, a)
	}
	return out
}

func (r raftLog) Trace(msg string, args ...any) { r.Log(hclog.Trace, msg, args...) }
func (r raftLog) Debug(msg string, args ...any) { r.Log(hclog.Debug, msg, args...) }
func (r raftLog) Info(msg string, args ...any)  { r.Log(hclog.Info, msg, args...) }
func (r raftLog) Warn(msg string, args ...any)  { r.Log(hclog.Warn, msg, args...) }
func (r raftLog) Error(msg string, args ...any) { r.Log(hclog.Error, msg, args...) }

func (r raftLog) enabled(l hclog.Level) bool {
	return r.to.Enabled(context.Background(), levels[l])
}

func (r raftLog) IsTrace() bool { return r.enabled(hclog.Trace) }
func (r raftLog) IsDebug() bool { return r.enabled(hclog.Debug) }
func (r raftLog) IsInfo() bool  { return r.enabled(hclog.Info) }
func (r raftLog) IsWarn() bool  { return r.enabled(hclog.Warn) }
func (r raftLog) IsError() bool { return r.enabled(hclog.Error) }

func (r raftLog) ImpliedArgs() []any { return r.args }
func (r raftLog) Name() string       { return r.name }

func (r raftLog) With(args ...any) hclog.Logger {
	r.args = append(r.args[:len(r.args):len(r.args)], args...)
	return r
}

func (r raftLog) Named(name string) hclog.Logger { return r.ResetNamed(r.name + "." + name) }

func (r raftLog) ResetNamed(name string) hclog.Logger {
	r.name = name
	return r
}

// SetLevel does nothing: slog's handler decides.
func (r raftLog) SetLevel(hclog.Level) {}

func (r raftLog) GetLevel() hclog.Level {
	for _, l := range []hclog.Level{hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn} {
		if r.enabled(l) {
			return l
		}
	}
	return hclog.Error
}

func (r raftLog) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(r.StandardWriter(o), "", 0)
}

func (r raftLog) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return lineWriter{r} }

// lineWriter logs each write as one line.
type lineWriter struct{ log raftLog }

func (w lineWriter) Write(b []byte) (int, error) {
	w.log.Info(strings.TrimSpace(string(b)))
	return len(b), nil
}
