package main

import (
	"bytes"
	"context"
	"encoding"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// journalSocket is where systemd's journal takes entries with fields.
const journalSocket = "/run/systemd/journal/socket"

// maxFieldName is how long a field's name may be; the journal leaves out a field with a longer one.
const maxFieldName = 64

// native sends each record to the journal's socket as an entry with fields (systemd's Native Journal Protocol), so that journalctl can ask
// for them: POLSO_PART=vip. What the journal does not take at once, or at all, goes to lines: nothing is lost, nothing waits.
type native struct {
	lines slog.Handler
	fd    int // of a datagram socket that is bound to nothing: the journal's may go, and come back
	to    unix.Sockaddr
	with  func(slog.Handler) slog.Handler // repeats WithAttrs and WithGroup
}

// newNative makes a handler that sends to the socket, which need not be there, and hands lines what it cannot send.
func newNative(socket string, lines slog.Handler) slog.Handler {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return lines
	}
	return native{lines: lines, fd: fd, to: &unix.SockaddrUnix{Name: socket}, with: func(h slog.Handler) slog.Handler { return h }}
}

// Enabled implements slog.Handler.
func (n native) Enabled(ctx context.Context, l slog.Level) bool { return n.lines.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (n native) Handle(ctx context.Context, r slog.Record) error {
	b, err := n.entry(ctx, r)
	if err == nil {
		err = unix.Sendto(n.fd, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, n.to)
	}
	if err != nil { // among others a full queue, an entry longer than a datagram, no journal
		return n.lines.Handle(ctx, r)
	}
	return nil
}

// entry is the record as the journal's protocol has it. Its message is the line without what the journal knows itself, time and level.
func (n native) entry(ctx context.Context, r slog.Record) ([]byte, error) {
	var e entry
	e.add("PRIORITY", priority(r.Level))
	e.add("SYSLOG_IDENTIFIER", "polso")
	var line bytes.Buffer
	r.Time = time.Time{} // a handler leaves it out
	// A handler for each record: it is the one that finds the attributes and names their groups, and no record can meet another's fields.
	if err := n.with(slog.NewTextHandler(&line, &slog.HandlerOptions{ReplaceAttr: e.attr})).Handle(ctx, r); err != nil {
		return nil, err
	}
	e.add("MESSAGE", strings.TrimSuffix(line.String(), "\n"))
	return e.b, nil
}

// WithAttrs implements slog.Handler.
func (n native) WithAttrs(attrs []slog.Attr) slog.Handler {
	return n.then(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (n native) WithGroup(name string) slog.Handler {
	return n.then(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (n native) then(do func(slog.Handler) slog.Handler) native {
	before := n.with
	n.lines, n.with = do(n.lines), func(h slog.Handler) slog.Handler { return do(before(h)) }
	return n
}

// entry is an entry in the making.
type entry struct{ b []byte }

// add adds a field. The journal takes a value with a newline only with its length before it.
func (e *entry) add(name, value string) {
	e.b = append(e.b, name...)
	if strings.Contains(value, "\n") {
		e.b = append(e.b, '\n')
		e.b = binary.LittleEndian.AppendUint64(e.b, uint64(len(value)))
	} else {
		e.b = append(e.b, '=')
	}
	e.b = append(append(e.b, value...), '\n')
}

// attr adds an attribute, for ReplaceAttr, and leaves it in the line unless it is the record's level. The record's message is an
// attribute too, POLSO_MSG: it can be asked for as it is, without those that follow it.
func (e *entry) attr(groups []string, a slog.Attr) slog.Attr {
	if _, level := a.Value.Any().(slog.Level); level && a.Key == slog.LevelKey && len(groups) == 0 {
		return slog.Attr{}
	}
	if !a.Equal(slog.Attr{}) {
		e.add(fieldName(groups, a.Key), fieldValue(a.Value))
	}
	return a
}

func fieldName(groups []string, key string) string {
	name := "POLSO"
	for _, g := range groups {
		name += "_" + g
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name+"_"+key)
	return name[:min(len(name), maxFieldName)]
}

// fieldValue is the value as a line has it, without quotes.
func fieldValue(v slog.Value) (text string) {
	defer func() {
		if p := recover(); p != nil { // a nil pointer's method, mostly: the line says so, too
			text = fmt.Sprintf("!PANIC: %v", p)
		}
	}()
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format("2006-01-02T15:04:05.000Z07:00")
	case slog.KindAny:
		switch x := v.Any().(type) {
		case encoding.TextMarshaler:
			b, err := x.MarshalText()
			if err != nil {
				return "!ERROR:" + err.Error()
			}
			return string(b)
		case []byte:
			return string(x)
		}
	}
	return v.String()
}
