package health

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"polso/config"
)

// shell is a check that runs a script as nobody, or as who runs the tests if that is not root.
func shell(script string, args ...string) config.Check {
	c := config.Check{Kind: config.CheckScript, Command: append([]string{"/bin/sh", "-c", script, "sh"}, args...)}
	if os.Geteuid() != 0 {
		c.User = os.Getenv("USER")
	}
	return c
}

func TestScript(t *testing.T) {
	at := netip.MustParseAddrPort("192.0.2.1:80")
	six := netip.MustParseAddrPort("[2001:db8::1]:443")
	limit := func(c config.Check) config.Check { c.Timeout = 300 * time.Millisecond; return c }
	expect := func(c config.Check, words string) config.Check { c.Expect = words; return c }
	for _, tt := range []asked{
		{"up", at, shell("exit 0"), true, `script: exit 0` + inTime},
		{"up with words", at, shell("echo all is well; echo more"), true, `script: exit 0, all is well` + inTime},
		{"words on stderr", at, shell("echo bad >&2; exit 1"), false, `script: exit 1, bad` + inTime},
		{"down", at, shell("exit 1"), false, `script: exit 1` + inTime},
		{"arguments", at, shell(`echo "$1 $2 $3"`, "%h", "%p", "http://%h:%p/"), true, `script: exit 0, 192.0.2.1 80 http://192.0.2.1:80/` + inTime},
		{"arguments of IPv6", six, shell(`echo "$1 $2"`, "%h", "%p"), true, `script: exit 0, 2001:db8::1 443` + inTime},
		{"ended by a signal", at, shell("kill -TERM $$; sleep 5"), false, `script: ended by signal terminated` + inTime},
		{"hangs", at, limit(shell("echo begun; sleep 60")), false, `script: no answer within 300ms`},
		{"reads nothing", at, shell(`read x && exit 1; exit 0`), true, `script: exit 0` + inTime},
		{"floods", at, limit(shell("while :; do echo spam; done")), false, `script: no answer within 300ms`},
		{"prints much and ends", at, shell("head -c 300000 /dev/zero | tr '\\0' x"), true, `script: exit 0, x{120}…` + inTime},
		{"garbage", at, shell(`printf '\377\000\001'`), true, `script: exit 0, .*` + inTime},
		{"environment", at, shell(`env | grep -v -e ^PATH= -e ^LANG=C$ -e ^PWD= -e ^_= -e ^SHLVL= && exit 1; exit 0`), true, `script: exit 0` + inTime},
		{"directory", at, shell("pwd"), true, `script: exit 0, /` + inTime},
		{"no such program", at, config.Check{Kind: config.CheckScript, Command: []string{"/no/such/program"}, User: shell("").User}, false, `script: on this router: /no/such/program: no such file or directory` + inTime},
		{"no command", at, config.Check{Kind: config.CheckScript}, false, `script: the check has no command` + inTime},
		{"no such user", at, config.Check{Kind: config.CheckScript, Command: []string{"/bin/true"}, User: "no-such-user"}, false, `script: on this router: there is no user "no-such-user"` + inTime},
		{"expected", at, expect(shell("echo OK"), `OK`), true, `script: printed "OK"` + inTime},
		{"expected to the end", at, expect(shell("echo OKAY"), `OK`), false, `script: printed "OKAY", which is not expected` + inTime},
		{"expected by an expression", at, expect(shell("echo OKAY"), `~^OK`), true, `script: printed "OKAY"` + inTime},
		{"expected, but the status", at, expect(shell("echo OK; exit 2"), `OK`), false, `script: exit 2, printed "OK"` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.ask(t) })
	}
}

// Exit statuses are those of keepalived's MISC_CHECK.
func TestScriptWeight(t *testing.T) {
	for code, want := range map[int]Advice{0: {}, 1: {}, 2: {Absolute, 0}, 3: {Absolute, 1}, 255: {Absolute, 253}} {
		got := Probe(t.Context(), Target{Addr: netip.MustParseAddrPort("192.0.2.1:80"), Check: func() config.Check {
			c := shell("exit " + strconv.Itoa(code))
			c.Timeout = 5 * time.Second
			return c
		}()})
		if got.OK != (code != 1) || got.Advice != want {
			t.Errorf("exit %d: %+v, want %+v", code, got, want)
		}
	}
}

// Who runs a script is nobody, in no group but its own, and never root by mistake.
func TestScriptUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run a script as somebody else")
	}
	at := netip.MustParseAddrPort("192.0.2.1:80")
	asked{addr: at, check: shell("id -un; id -G"), ok: true, want: `script: exit 0, nobody` + inTime}.ask(t)
	groups := shell("id -G")
	asked{addr: at, check: groups, ok: true, want: `script: exit 0, \d+` + inTime}.ask(t)
	groups.User = "root"
	asked{addr: at, check: groups, ok: true, want: `script: exit 0, 0` + inTime}.ask(t)
}

// The whole group goes: at the limit, and when the script ends and leaves somebody behind.
func TestScriptLeavesNobody(t *testing.T) {
	at := netip.MustParseAddrPort("192.0.2.1:80")
	for name, script := range map[string]string{
		"at the limit":          `sh -c 'sleep 300 & echo $! >"$0"; wait' "$1" & wait`,
		"at its end":            `sleep 300 & echo $! >"$1"; exit 0`,
		"deaf to other signals": `sh -c 'trap "" TERM HUP INT; sleep 300 & echo $! >"$0"; wait' "$1" & wait`,
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "script") // not t.TempDir, which nobody can look into
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "pid")
			c := shell(script, file)
			c.Timeout = time.Second
			got := Probe(t.Context(), Target{Addr: at, Check: c})
			if got.Took > 5*time.Second {
				t.Errorf("took %s", got.Took)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(5 * time.Second); lives(pid); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("process %d lives after the probe (%+v)", pid, got)
				}
			}
		})
	}
}

// lives tells whether a process runs; one that nobody has reaped does not.
func lives(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
