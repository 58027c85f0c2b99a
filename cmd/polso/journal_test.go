package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// In systemd's journal each line has its priority; anywhere else it has none.
func TestJournalPriorities(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	journal := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	for stream, want := range map[string]string{
		journal: `<7>level=DEBUG msg=a part=x|<6>level=INFO msg=b part=x|<4>level=WARN msg=c part=x|<3>level=ERROR msg=d part=x`,
		"1:1":   `level=DEBUG msg=a part=x|level=INFO msg=b part=x|level=WARN msg=c part=x|level=ERROR msg=d part=x`,
		"":      `level=DEBUG msg=a part=x|level=INFO msg=b part=x|level=WARN msg=c part=x|level=ERROR msg=d part=x`,
	} {
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		a := newApp(strings.NewReader(""), f, f, func(name string) string { return map[string]string{"JOURNAL_STREAM": stream}[name] })
		a.journal = filepath.Join(t.TempDir(), "none")
		log, err := newLog(a, "debug", "text")
		if err != nil {
			t.Fatal(err)
		}
		log = log.With("part", "x")
		log.Debug("a")
		log.Info("b")
		log.Warn("c")
		log.Error("d")
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			begin, rest, _ := strings.Cut(line, "time=")
			_, rest, _ = strings.Cut(rest, " ")
			got = append(got, begin+strings.TrimSpace(rest))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("stream %q: %q", stream, got)
		}
	}
}
