package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"

	"polso/api"
)

const topDocument = `virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "dr"
  server "a" {
    address = "10.0.0.1"
  }
  server "b" {
    address = "10.0.0.2"
  }
}
virtual "mail" {
  address = "192.0.2.11"
  port    = 25
  forward = "dr"
  server "m" {
    address = "10.0.0.3"
  }
}
`

// devAgent is an agent of its own at a socket, with a document; the result kills it.
func devAgent(t *testing.T, socket string) (kill func()) {
	t.Helper()
	cmd := exec.Command("polso", "agent", "--dev", "--name", "r1", "--api", "none", "--socket", socket)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(kill)
	cl, err := api.NewClient("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err = cl.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: topDocument}}}); err == nil {
			return kill
		}
		if ctx.Err() != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond) // another process: there is nothing to wait on
	}
}

// viewer is polso top in a terminal of its own.
type viewer struct {
	t      *testing.T
	cmd    *exec.Cmd
	ours   *os.File
	theirs *os.File
	screen vt10x.Terminal
	before term.State // the terminal's settings

	mu  sync.Mutex // guards below
	raw bytes.Buffer
}

func newViewer(t *testing.T, socket string, env ...string) *viewer {
	t.Helper()
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal here:", err)
	}
	v := &viewer{t: t, ours: ours, theirs: theirs, screen: vt10x.New(vt10x.WithSize(80, 24)), cmd: exec.Command("polso", "top", "-d", "100ms")}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	v.resize(80, 24)
	v.before = v.settings()
	v.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "NO_COLOR=") }),
		append([]string{"TERM=xterm-256color", "LC_ALL=C.UTF-8", "POLSO_ADDR=unix://" + socket}, env...)...)
	v.cmd.Stdin, v.cmd.Stdout, v.cmd.Stderr = theirs, theirs, theirs
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := ours.Read(b)
			if err != nil {
				return
			}
			_, _ = v.screen.Write(b[:n])
			v.mu.Lock()
			v.raw.Write(b[:n])
			v.mu.Unlock()
		}
	}()
	return v
}

func (v *viewer) settings() term.State {
	v.t.Helper()
	s, err := term.GetState(int(v.theirs.Fd()))
	if err != nil {
		v.t.Fatal(err)
	}
	return *s
}

func (v *viewer) resize(wide, high int) {
	v.t.Helper()
	v.screen.Resize(wide, high)
	if err := pty.Setsize(v.ours, &pty.Winsize{Cols: uint16(wide), Rows: uint16(high)}); err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) press(keys string) {
	v.t.Helper()
	if _, err := v.ours.WriteString(keys); err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) sent() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.raw.String()
}

// until waits for a screen, which is a matter of another process.
func (v *viewer) until(what string, shown func(string) bool) string {
	v.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if text := v.screen.String(); shown(text) {
			return text
		}
		time.Sleep(10 * time.Millisecond)
	}
	v.t.Fatalf("never seen: %s\n%s", what, v.screen.String())
	return ""
}

func (v *viewer) sees(pattern string) string {
	v.t.Helper()
	return v.until(pattern, regexp.MustCompile(`(?m)`+pattern).MatchString)
}

func (v *viewer) seesNo(text string) {
	v.t.Helper()
	v.until("nothing of "+text, func(s string) bool { return !strings.Contains(s, text) })
}

// gone checks that it has ended well and left the terminal as it was.
func (v *viewer) gone() {
	v.t.Helper()
	if err := v.cmd.Wait(); err != nil {
		v.t.Errorf("it ended by %v", err)
	}
	v.until("the screen of before, with a cursor", func(string) bool {
		return v.screen.Mode()&(vt10x.ModeAltScreen|vt10x.ModeMouseMask|vt10x.ModeAppCursor) == 0 && v.screen.CursorVisible()
	})
	if now := v.settings(); now != v.before {
		v.t.Errorf("the terminal's settings are %+v, and were %+v", now, v.before)
	}
}

// A session with polso top: keys, another size, an agent that goes and comes back, and its end.
func TestTopInATerminal(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "r1.sock")
	kill := devAgent(t, socket)
	v := newViewer(t, socket)
	v.sees(`^dev +. \w+ .*every 100ms`)
	v.sees(`^director r1 +members 1/1 up`)
	v.sees(`^>\+ mail +● UP +1/1`)
	v.sees(`^ \+ web +● UP +2/2`)
	v.press("N")        // mail, web
	v.press("\x1b[B\r") // down, and its servers
	v.sees(`^     b +● UP +w 1 `)
	v.press("\x1b[B")
	v.sees(`^>    a +● UP`)
	v.resize(40, 10)
	v.until("40x10 with its last line", func(s string) bool {
		return strings.Contains(s, "1-4 of 4   ? help   q quit") && !strings.Contains(s, "ACTIVE  ")
	})
	v.resize(120, 30)
	v.sees(`OUTPKT/S`)
	v.press("/MAI")
	v.sees(`^/MAI_`)
	v.seesNo("web")
	v.press("\r?")
	v.sees(`polso top: keys`)
	v.press("x\x1b") // the page, then the filter
	v.sees(`^ - web`)
	v.press("\x1a") // Ctrl-Z: nobody is there to bring it back, so it stays
	v.sees(`^ - web`)

	// Little is sent while little changes: the clock, and the lease that is left.
	clock := regexp.MustCompile(`\d\d:\d\d:\d\d`)
	tick := func() {
		was := clock.FindString(v.screen.String())
		v.until("another second", func(s string) bool { return clock.FindString(s) != was && clock.FindString(s) != "" })
	}
	tick()
	from := len(v.sent())
	for range 3 {
		tick()
	}
	each := (len(v.sent()) - from) / 30
	t.Logf("%d bytes of %d are sent with an answer", each, len(v.screen.String()))
	if each > 200 {
		t.Errorf("%d bytes are sent with each answer, though hardly anything changes", each)
	}

	v.press("p")
	v.sees(`! PAUSED`)
	v.press("p")
	v.seesNo("PAUSED")
	kill()
	v.sees(`^! STALE by .*: the agent at unix:`)
	v.sees(`^ - web`) // as it was
	devAgent(t, socket)
	v.seesNo("STALE")
	v.sees(`^ - web +● UP +2/2`)
	if !regexp.MustCompile(`\x1b\[[0-9;]*3[0-9]`).MatchString(v.sent()) {
		t.Error("there was no colour")
	}
	v.press("q")
	v.gone()
}

// Without colours there are the same words; SIGTERM ends it as q does.
func TestTopEndsByASignal(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "r1.sock")
	devAgent(t, socket)
	v := newViewer(t, socket, "NO_COLOR=1")
	v.sees(`mail +● UP +1/1`)
	if found := regexp.MustCompile(`\x1b\[[0-9;]*[34][0-8][;m]`).FindString(v.sent()); found != "" {
		t.Errorf("a colour: %q", found)
	}
	if err := v.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	v.gone()
}

// A terminal of which nothing is known is refused with what to do instead.
func TestTopInAnUnknownTerminal(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "r1.sock")
	devAgent(t, socket)
	v := newViewer(t, socket, "TERM=no-such-terminal")
	v.sees(`Hint: polso top --once and polso status --watch`)
	if err := v.cmd.Wait(); err == nil {
		t.Error("it ended well")
	}
}
