package health

import (
	"net/netip"
	"os"
	"strconv"
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
		{"ended by a signal", at, shell("kill -TERM $$; sleep 5"), false, `script: ended by signal: terminated` + inTime},
		{"hangs", at, limit(shell("echo begun; sleep 60")), false, `script: no answer within 300ms`},
		{"reads nothing", at, shell(`read x && exit 1; exit 0`), true, `script: exit 0` + inTime},
		{"floods", at, limit(shell("while :; do echo spam; done")), false, `script: no answer within 300ms`},
		{"prints much and ends", at, shell("head -c 300000 /dev/zero | tr '\\0' x"), true, `script: exit 0, x{120}…` + inTime},
		{"garbage", at, shell(`printf '\377\000\001'`), true, `script: exit 0, .*` + inTime},
		{"environment", at, shell(`env | grep -v -e ^PATH= -e ^LANG=C$ -e ^PWD= -e ^_= -e ^SHLVL= && exit 1; exit 0`), true, `script: exit 0` + inTime},
		{"directory", at, shell("pwd"), true, `script: exit 0, /` + inTime},
		{"no such program", at, config.Check{Kind: config.CheckScript, Command: []string{"/no/such/program"}, User: shell("").User}, false, `script: on this router: /no/such/program: no such file or directory` + inTime},
		{"no command", at, config.Check{Kind: config.CheckScript}, false, `script: on this router: there is no command` + inTime},
		{"no such user", at, config.Check{Kind: config.CheckScript, Command: []string{"/bin/true"}, User: "no-such-user"}, false, `script: on this router: there is no user "no-such-user"` + inTime},
		{"expected", at, expect(shell("echo OK"), `OK`), true, `script: printed "OK"` + inTime},
		{"expected to the end", at, expect(shell("echo OKAY"), `OK`), false, `script: printed "OKAY", which is not expected` + inTime},
		{"expected by an expression", at, expect(shell("echo OKAY"), `~^OK`), true, `script: printed "OKAY"` + inTime},
		{"anything expected", at, expect(shell("echo OKAY"), `*`), true, `script: printed "OKAY"` + inTime},
		{"anything expected, and nothing said", at, expect(shell("exit 0"), `*`), false, `script: exit 0, printed nothing, which is not expected` + inTime},
		{"anything expected, and an empty line said", at, expect(shell("echo"), `*`), false, `script: exit 0, printed nothing, which is not expected` + inTime},
		{"a text expected, and nothing said", at, expect(shell("exit 0"), `OK`), false, `script: exit 0, printed nothing, which is not expected` + inTime},
		{"whatever it says or not", at, expect(shell("exit 0"), `~`), true, `script: printed ""` + inTime},
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
			c.Timeout = 20 * time.Second
			return c
		}()})
		if got.OK != (code != 1) || got.Advice != want {
			t.Errorf("exit %d: %+v, want %+v", code, got, want)
		}
	}
}
