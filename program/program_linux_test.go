package program

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// output takes what a program prints.
type output struct{ strings.Builder }

// shell is a script that runs as nobody, or as who runs the tests if that is not root.
func shell(t *testing.T, script string, args ...string) Program {
	t.Helper()
	p := Program{Command: append([]string{"/bin/sh", "-c", script, "sh"}, args...), Output: new(output)}
	if os.Geteuid() != 0 {
		me, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		p.User = me.Username
	}
	return p
}

// open is a directory that everybody may write to.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "program") // not t.TempDir, which nobody can look into
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What a program gets, and how it ends.
func TestRun(t *testing.T) {
	t.Setenv("POLSO_SECRET", "of the router")
	fed := func(p Program, input string, env ...string) Program { p.Input, p.Env = []byte(input), env; return p }
	mute := func(p Program) Program { p.Output = nil; return p }
	for _, tt := range []struct {
		name        string
		p           Program
		ended, said string // said: the whole of it, an expression
	}{
		{"success", shell(t, "echo well"), "exit status 0", "well\n"},
		{"failure", shell(t, "echo bad >&2; exit 3"), "exit status 3", "bad\n"},
		{"signal", shell(t, "kill -TERM $$; sleep 5"), "signal: terminated", ""},
		{"arguments", shell(t, `echo "$1 $2"`, "a b", "$HOME"), "exit status 0", `a b \$HOME` + "\n"},
		{"input", fed(shell(t, "cat"), "an event"), "exit status 0", "an event"},
		{"input that nobody reads", fed(shell(t, "exit 0"), strings.Repeat("x", 1<<20)), "exit status 0", ""},
		{"no input", shell(t, "read x && exit 1; exit 0"), "exit status 0", ""},
		{"environment", fed(shell(t, `env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=`), "", "POLSO_EVENT=active"), "exit status 0", "LANG=C\nPATH=/.*:/bin\nPOLSO_EVENT=active\n"},
		{"directory and group", shell(t, `pwd; test "$(cut -d" " -f5 /proc/$$/stat)" = $$`), "exit status 0", "/\n"},
		{"nobody listens", mute(shell(t, "echo well")), "exit status 0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended, err := tt.p.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			if out, ok := tt.p.Output.(*output); ok {
				said = out.String()
			}
			if ended.String() != tt.ended || !regexp.MustCompile(`^`+tt.said+`$`).MatchString(said) {
				t.Errorf("%s, said %q; want %s, %q", ended, said, tt.ended, tt.said)
			}
		})
	}
}

func TestCannotStart(t *testing.T) {
	me := shell(t, "").User
	for _, tt := range []struct {
		p    Program
		want string
	}{
		{Program{}, "there is no command"},
		{Program{Command: []string{"/no/such/program"}, User: me}, "/no/such/program: no such file or directory"},
		{Program{Command: []string{"/bin/true"}, User: "no-such-user"}, `there is no user "no-such-user"`},
	} {
		if ended, err := tt.p.Run(t.Context()); err == nil || err.Error() != tt.want {
			t.Errorf("%v, %v; want %s", ended, err, tt.want)
		}
	}
}

// Who runs it is nobody, in no group but its own, and never root by mistake.
func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run a program as somebody else")
	}
	for name, want := range map[string]string{"": `nobody \d+`, "nobody": `nobody \d+`, "root": "root 0"} {
		p := shell(t, `echo "$(id -un) $(id -G)"`)
		p.User = name
		if _, err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if said := p.Output.(*output).String(); !regexp.MustCompile(`^` + want + "\n$").MatchString(said) {
			t.Errorf("%q runs as %q, want %s", name, said, want)
		}
	}
}

// The whole group goes: when its time ends, and when the program ends and leaves somebody behind.
func TestLeavesNobody(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"at the limit", `sh -c 'sleep 300 & echo $! >"$0"; wait' "$1" & wait`},
		{"at its end", `sleep 300 & echo $! >"$1"; exit 0`},
		{"deaf to other signals", `sh -c 'trap "" TERM HUP INT; sleep 300 & echo $! >"$0"; wait' "$1" & wait`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(open(t), "pid")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			_, err := shell(t, tt.script, file).Run(ctx)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if late := tt.name != "at its end"; errors.Is(err, context.DeadlineExceeded) != late || err != nil && !late {
				t.Errorf("late %v: %v", late, err)
			}
			pid := written(t, file)
			for end := time.Now().Add(5 * time.Second); lives(pid); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("process %d lives on", pid)
				}
			}
		})
	}
}

// Who leaves the group lives on, and is not waited for though it has the output open.
func TestDoesNotWaitForWhoLeft(t *testing.T) {
	file := filepath.Join(open(t), "pid")
	began := time.Now()
	p := shell(t, `setsid sh -c 'echo $$ >"$0"; exec sleep 60' "$1" & while ! test -s "$1"; do sleep 0.01; done; echo gone`, file)
	ended, err := p.Run(t.Context())
	if err != nil || !ended.Success() || p.Output.(*output).String() != "gone\n" {
		t.Errorf("%v, %v, said %q", ended, err, p.Output)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if err := syscall.Kill(written(t, file), syscall.SIGKILL); err != nil {
		t.Errorf("setsid does not escape any more (%v): say so in Run's contract and in docs/checks.md", err)
	}
}

// written is the process that a script wrote down.
func written(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// lives tells whether a process runs; one that nobody has reaped does not.
func lives(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
