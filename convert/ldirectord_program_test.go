package convert

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs writes a program that notes its arguments and ends with a status, and returns its path and what it noted.
func programs(t *testing.T, status int) (path string, noted func() string) {
	t.Helper()
	dir := t.TempDir()
	path, notes := filepath.Join(dir, "program"), filepath.Join(dir, "notes")
	text := fmt.Sprintf("#!/bin/sh\necho \"$*\" >> %s\nexit %d\n", notes, status)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, func() string {
		got, err := os.ReadFile(notes)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(got))
	}
}

// A checkcommand gets ldirectord's four arguments, and each status but 0 is down, where a check's own 2 to 255 are weights.
func TestLdirectordCheckCommand(t *testing.T) {
	for status, want := range map[int]int{0: 0, 1: 1, 3: 1} {
		path, noted := programs(t, status)
		r, err := Ldirectord(File{Name: "f", Text: []byte("virtual=192.0.2.1:80\n\tchecktype=external\n\tcheckcommand=" + path + "\n\treal=10.0.0.1:81 masq\n")})
		if err != nil {
			t.Fatal(err)
		}
		words := r.Document.Virtuals[0].Check.Command
		run := exec.Command(words[0], words[1:]...)
		_ = run.Run() // its status is what is looked at
		if got := run.ProcessState.ExitCode(); got != want {
			t.Errorf("status %d became %d, not %d", status, got, want)
		}
		if got := noted(); got != "192.0.2.1 80 %h %p" {
			t.Errorf("arguments %q", got)
		}
	}
}

// A fallbackcommand is called as ldirectord called it.
func TestLdirectordFallbackCommand(t *testing.T) {
	path, noted := programs(t, 0)
	r, err := Ldirectord(File{Name: "f", Text: []byte("fallbackcommand=" + path + " -v\nvirtual=192.0.2.1:80\n\treal=10.0.0.1:81 masq\n")})
	if err != nil {
		t.Fatal(err)
	}
	words := r.Document.Notifies[0].Command
	for _, event := range []string{"virtual_down", "virtual_up"} {
		run := exec.Command(words[0], words[1:]...)
		run.Env = []string{"POLSO_EVENT=" + event, "POLSO_ADDRESS=tcp 192.0.2.1:80"} // as ipvs.Key has it
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if got, want := noted(), "-v start 192.0.2.1:80 tcp\n-v stop 192.0.2.1:80 tcp"; got != want {
		t.Errorf("called with %q, want %q", got, want)
	}
}
