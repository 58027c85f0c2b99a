package top

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gdamore/tcell/v2"
	"golang.org/x/sys/unix"

	"polso/api"
)

// A terminal is given back as it was when what asks panics, and the panic is told.
func TestPanicLeavesTheTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal here:", err)
	}
	defer ours.Close()
	defer theirs.Close()
	if err := pty.Setsize(ours, &pty.Winsize{Cols: 80, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	written := make(chan string, 1)
	go func() {
		var all strings.Builder
		b := make([]byte, 4096)
		for !strings.Contains(all.String(), "\x1b[?1049l") { // out of the other screen
			n, err := ours.Read(b)
			if err != nil {
				break
			}
			all.Write(b[:n])
		}
		written <- all.String()
	}()
	before := settings(t, theirs)
	tty, err := tcell.NewDevTtyFromDev(theirs.Name())
	if err != nil {
		t.Fatal(err)
	}
	s, err := tcell.NewTerminfoScreenFromTty(tty)
	if err != nil {
		t.Fatal(err)
	}
	var during unix.Termios
	asked := func(context.Context) (api.Status, error) {
		during = settings(t, theirs)
		panic("that was not expected")
	}
	var told any
	func() {
		defer func() { told = recover() }()
		_ = run(t.Context(), s, Options{Ask: asked, Every: time.Second, Model: model(t, 80, 24)})
	}()
	if text := fmt.Sprint(told); !strings.Contains(text, "that was not expected") || !strings.Contains(text, "run_test.go") {
		t.Errorf("told: %v", told)
	}
	if during == before {
		t.Error("it never had the terminal")
	}
	if after := settings(t, theirs); after != before {
		t.Errorf("settings %+v, were %+v", after, before)
	}
	select {
	case <-written:
	case <-time.After(time.Minute):
		t.Error("the other screen was not left")
	}
}

func settings(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *s
}
