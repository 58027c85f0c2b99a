package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// aJournal is a socket like the journal's, a log that goes there, and where that writes lines.
func aJournal(t *testing.T) (*net.UnixConn, *slog.Logger, *bytes.Buffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	journal, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { journal.Close() })
	var lines bytes.Buffer
	o := &slog.HandlerOptions{Level: slog.LevelDebug}
	text := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, o) }
	return journal, slog.New(newNative(path, newPriorities(&lines, text))), &lines
}

// received is the entry that lies there, its fields as the journal reads them.
func received(t *testing.T, journal *net.UnixConn) []string {
	t.Helper()
	if err := journal.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1<<16)
	n, err := journal.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for b = b[:n]; len(b) > 0; {
		field, rest, ended := bytes.Cut(b, []byte("\n"))
		if !bytes.Contains(field, []byte("=")) {
			size := binary.LittleEndian.Uint64(rest)
			field = append(append(slices.Clone(field), '='), rest[8:8+size]...)
			_, rest, ended = bytes.Cut(rest[8+size:], []byte("\n"))
		}
		if !ended {
			t.Fatalf("%q does not end", field)
		}
		list, b = append(list, string(field)), rest
	}
	return list
}

type angry struct{}

func (*angry) MarshalText() ([]byte, error) { panic("no") }

func TestJournalFields(t *testing.T) {
	journal, log, lines := aJournal(t)
	log = log.With("part", "vip")
	vip := netip.MustParseAddr("10.9.0.50")
	var none *angry
	for _, test := range []struct {
		log  func()
		want []string
	}{
		{func() { log.Debug("looked") }, []string{"PRIORITY=7", "POLSO_MSG=looked", "MESSAGE=msg=looked part=vip"}},
		{func() { log.Info("taken up", "vip", vip, "took", 3*time.Second) }, []string{
			"PRIORITY=6", "POLSO_VIP=10.9.0.50", "POLSO_TOOK=3s", "POLSO_MSG=taken up", `MESSAGE=msg="taken up" part=vip vip=10.9.0.50 took=3s`,
		}},
		{func() { log.Warn("odd", "at-last é", 1) }, []string{"PRIORITY=4", "POLSO_AT_LAST__=1", `MESSAGE=msg=odd part=vip "at-last é"=1`}},
		{func() { log.Error("failed", "err", errors.New("a\nb")) }, []string{"PRIORITY=3", "POLSO_ERR=a\nb", `MESSAGE=msg=failed part=vip err="a\nb"`}},
		{func() {
			log.WithGroup("stage").With("n", 1).Info("x", slog.Group("to", "node", "r2"), "level", slog.LevelWarn)
		}, []string{
			"PRIORITY=6", "POLSO_STAGE_N=1", "POLSO_STAGE_TO_NODE=r2", "POLSO_STAGE_LEVEL=WARN",
			"MESSAGE=msg=x part=vip stage.n=1 stage.to.node=r2 stage.level=WARN",
		}},
		{func() { log.Info("x", "bytes", []byte("y"), "at", time.Unix(0, 0).UTC(), "angry", none) }, []string{
			"POLSO_BYTES=y", "POLSO_AT=1970-01-01T00:00:00.000Z", "POLSO_ANGRY=!PANIC: no",
		}},
		{func() { log.Info("x", strings.Repeat("k", 70), 1) }, []string{"POLSO_" + strings.Repeat("K", 58) + "=1"}},
	} {
		test.log()
		got := received(t, journal)
		for _, field := range append(test.want, "POLSO_PART=vip", "SYSLOG_IDENTIFIER=polso") {
			if !slices.Contains(got, field) {
				t.Errorf("no %q in %q", field, got)
			}
		}
	}
	if lines.Len() > 0 {
		t.Errorf("there are lines, too: %s", lines)
	}
}

// What the journal does not take is a line with its priority, and what it takes afterwards is none.
func TestJournalFallsBack(t *testing.T) {
	journal, log, lines := aJournal(t)
	line := func(want string) {
		t.Helper()
		if got := lines.String(); !strings.HasPrefix(got, "<4>time=") || !strings.HasSuffix(got, want+"\n") {
			t.Errorf("%.80q, want …%.80q", got, want)
		}
		lines.Reset()
	}
	long := strings.Repeat("x", 1<<20)
	log.Warn("long", "text", long)
	line("level=WARN msg=long text=" + long)

	sent := 0
	for ; lines.Len() == 0 && sent < 1<<16; sent++ { // nobody reads: the queue is full some time
		log.Warn("many", "n", sent)
	}
	line("level=WARN msg=many n=" + strconv.Itoa(sent-1))
	for range sent - 1 {
		received(t, journal)
	}
	log.Warn("again")
	if got := received(t, journal); !slices.Contains(got, "POLSO_MSG=again") || lines.Len() > 0 {
		t.Errorf("%q, and lines %s", got, lines)
	}

	path := journal.LocalAddr().String()
	journal.Close()
	log.With("part", "vip").WithGroup("g").Warn("gone", "k", 1)
	line("level=WARN msg=gone part=vip g.k=1")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	back, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	log.Warn("back")
	if got := received(t, back); !slices.Contains(got, "POLSO_MSG=back") || lines.Len() > 0 {
		t.Errorf("%q, and lines %s", got, lines)
	}
}
