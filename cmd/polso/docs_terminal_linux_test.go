package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// typingTime bounds every line that is typed.
const typingTime = 2 * time.Minute

// types types a line at a terminal of the machine and answers what is asked for: passwords, and whether it is meant. A line that does not end by
// itself is interrupted once it has printed enough.
func (m *machine) types(t *testing.T, line string, enough *regexp.Regexp) (said string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), typingTime)
	defer cancel()
	here, there := terminal(t)
	defer here.Close()
	cmd := m.inside(ctx, "sh", "-c", line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = there, there, there
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	err := cmd.Start()
	there.Close()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{keys: here, enough: enough}
	_, err = io.Copy(s, here) // until nobody has the terminal open any more
	if err != nil && !errors.Is(err, unix.EIO) {
		t.Error(err)
	}
	cmd.Wait()
	if ctx.Err() != nil {
		t.Fatalf("%s: `%s` does not end\n%s", m.name, line, s.text.String())
	}
	return strings.ReplaceAll(s.text.String(), "\r", ""), cmd.ProcessState.ExitCode()
}

// terminal is a new one: what a reader has before them, and what programs have open. What is typed is not echoed.
func terminal(t *testing.T) (here, there *os.File) {
	t.Helper()
	here, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(here.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0), unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 160}))
	if err != nil {
		t.Fatal(err)
	}
	if there, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	how, err := unix.IoctlGetTermios(int(there.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	how.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(there.Fd()), unix.TCSETS, how); err != nil {
		t.Fatal(err)
	}
	return here, there
}

// screen is what a reader sees, who answers.
type screen struct {
	keys   io.Writer
	enough *regexp.Regexp
	text   bytes.Buffer
	seen   int
}

// typedBack is what is typed when something asks.
var typedBack = []struct {
	to   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\[y/N\] $`), "y\n"},
	{regexp.MustCompile(`(?:Password|The same again)[^:\n]*: $`), "correct horse battery\n"},
	{regexp.MustCompile(`Type the cluster's name to go on: $`), "edge\n"},
}

// Write takes what is printed.
func (s *screen) Write(p []byte) (int, error) {
	s.text.Write(p)
	rest, answer := s.text.Bytes()[s.seen:], ""
	if s.enough != nil && s.enough.Match(rest) {
		s.enough, answer = nil, "\x03"
	}
	for _, a := range typedBack {
		if a.to.Match(rest) {
			answer = a.with
		}
	}
	if answer == "" {
		return len(p), nil
	}
	s.seen = s.text.Len()
	_, err := io.WriteString(s.keys, answer)
	return len(p), err
}
