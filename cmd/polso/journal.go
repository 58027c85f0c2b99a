package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
)

// priorities writes every record through the handler of its level, so that the journal knows how much each weighs
// (journalctl -p warning): sd-daemon(3) has a line begin with its priority.
type priorities struct{ err, warn, info, debug slog.Handler }

// newPriorities makes a handler for each level, all writing to w.
func newPriorities(w io.Writer, handler func(io.Writer) slog.Handler) priorities {
	at := func(priority string) slog.Handler { return handler(begun{w, priority}) }
	return priorities{err: at("<3>"), warn: at("<4>"), info: at("<6>"), debug: at("<7>")}
}

func (p priorities) of(l slog.Level) slog.Handler {
	switch priority(l) {
	case "3":
		return p.err
	case "4":
		return p.warn
	case "6":
		return p.info
	}
	return p.debug
}

// priority is what syslog(3) calls a record of this level.
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "3"
	case l >= slog.LevelWarn:
		return "4"
	case l >= slog.LevelInfo:
		return "6"
	}
	return "7"
}

func (p priorities) each(do func(slog.Handler) slog.Handler) priorities {
	return priorities{do(p.err), do(p.warn), do(p.info), do(p.debug)}
}

// Enabled implements slog.Handler.
func (p priorities) Enabled(ctx context.Context, l slog.Level) bool { return p.info.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (p priorities) Handle(ctx context.Context, r slog.Record) error {
	return p.of(r.Level).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (p priorities) WithAttrs(attrs []slog.Attr) slog.Handler {
	return p.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (p priorities) WithGroup(name string) slog.Handler {
	return p.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

// begun begins each of the writes, which are lines, with a word.
type begun struct {
	w    io.Writer
	word string
}

// Write implements io.Writer.
func (b begun) Write(line []byte) (int, error) {
	n, err := b.w.Write(append([]byte(b.word), line...)) // at once: others write there too
	return max(0, n-len(b.word)), err
}

// toJournal tells whether w is the stream that systemd has given this process for its journal (systemd.exec(5), JOURNAL_STREAM).
func toJournal(w io.Writer, stream string) bool {
	f, ok := w.(*os.File)
	if !ok || stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}
