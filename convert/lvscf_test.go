package convert

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/config"
)

const lvscfSamples = "testdata/lvscf/*.cf"

func TestLVSCF(t *testing.T) { goldens(t, lvscfSamples, LVSCF) }

func FuzzLVSCF(f *testing.F) { fuzz(f, lvscfSamples, LVSCF) }

// What no block of is of an lvs.cf is refused, and so is too much of one.
func TestLVSCFRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":        {"", "a.cf: no virtual and no failover block of an lvs.cf is in it (Is it of another format?)"},
		"comments alone": {"# service = lvs\n\n", "no virtual"},
		"another format": {"<html>\n<body class=\"x\">\n</html>", "no virtual"},
		"ldirectord.cf":  {"checktimeout=5\nservice=tcp\nvirtual=192.0.2.1:80\n\treal=10.0.0.1:80 gate\n\tprotocol=tcp\n", "another format"},
		"haproxy.cfg":    {"backend web\n  server a 10.0.0.1:80\n", "another format"},
		"binary":         {"\x00\xff{}={=}\x00'\"", "no virtual"},
		"too much":       {strings.Repeat("serial_no = 1\n", 5<<20/14), "a.cf: longer than the 4 MiB that an import may have"},
		"too many lines": {strings.Repeat("\n", 1<<17), "a.cf: more than 131072 lines"},
	} {
		_, err := LVSCF(File{Name: "a.cf", Text: []byte(test.text)})
		if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if r, err := LVSCF(File{Name: "a.cf", Text: []byte("virtual idle {\nactive = 0\n}\n")}); err != nil || len(r.Document.Virtuals) > 0 {
		t.Errorf("a virtual that is not active: %v, %v", r.Document.Virtuals, err)
	}
	if _, err := LVSCF(); err == nil {
		t.Error("no file is taken")
	}
	if _, err := LVSCF(File{Name: "a"}, File{Name: "b"}); err == nil {
		t.Error("two files are taken")
	}
}

// The daemons' defaults: an absent directive means what it meant.
func TestLVSCFDefaults(t *testing.T) {
	const text = `virtual v {
active = 1
address = 192.0.2.1 eth0:1
server s {
address = 10.0.0.1
active = 1
}
}`
	r, err := LVSCF(File{Name: "a.cf", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	v := r.Document.Virtuals[0]
	got := string(config.FormatVirtuals([]config.Virtual{v}))
	want := `virtual "v" {
  address   = "192.0.2.1"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "http" {
    path    = "/"
    status  = "100-599"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  server "s" {
    address = "10.0.0.1"
    weight  = 1
  }
}
`
	if got != want {
		t.Error(cmp.Diff(want, got))
	}
	if lost := r.Lost(); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
}

// The status codes of an http check are those whose first line nanny would have taken.
func TestLVSCFStatus(t *testing.T) {
	for _, test := range []struct {
		expect string
		regex  bool
		want   string
	}{
		{"HTTP", false, "[{100 599}]"},
		{"HTTP/1.1 200", false, "[{200 200}]"},
		{"HTTP/1.0 2", false, "[{200 299}]"},
		{"HTTP/1.1 404 Not Found", false, "[{404 404}]"},
		{"HTTP/1.1 404 Nothing", false, "[]"},
		{"http", false, "[]"},
		{"*", false, "[{100 599}]"},
		{" (200|30[12]) ", true, "[{200 200} {301 302}]"},
		{"^HTTP/1.[01] [23]", true, "[{200 399}]"},
		{"(", true, "[]"},
	} {
		l := &lvscf{answers: make(map[string][]config.StatusRange)}
		if got := l.status(test.expect, test.regex); fmt.Sprint(got) != test.want {
			t.Errorf("%q: %v, want %s", test.expect, got, test.want)
		}
	}
}

// Without any one of its lines a file gives another document or another note: nothing is dropped in silence.
func TestLVSCFEveryLineLeavesATrace(t *testing.T) {
	asBefore := map[string]bool{ // so it is anyway, or it is in a block that is named as left out
		"service = lvs": true, "service=lvs": true, "network = nat": true, "protocol = tcp": true, "load_monitor = none": true, "use_regex = 0": true,
		"tcpfin_timeout = 0": true, "backup = 0.0.0.0": true, "vip_nmask = 0.0.0.0": true, "vip_nmask = 255.255.255.255": true,
		"weight = 1": true,
	}
	eachSample(t, lvscfSamples, func(name, text string) {
		outcome := func(text string) string {
			r, err := LVSCF(File{Name: name, Text: []byte(text)})
			if err != nil {
				return err.Error()
			}
			return string(r.HCL())
		}
		whole := outcome(text)
		lines := strings.SplitAfter(text, "\n")
		leftOut := false
		for i, line := range lines {
			said := strings.TrimSpace(line)
			if strings.HasPrefix(said, "failover") || said == "virtual again {" || said == "server lonely {" { // it says so of the block
				leftOut = true
			} else if leftOut {
				leftOut = line != "}\n"
				continue
			}
			if said == "" || said[0] == '#' || asBefore[said] || said == "}" {
				continue
			}
			if without := strings.Join(lines[:i], "") + "\n" + strings.Join(lines[i+1:], ""); outcome(without) == whole {
				t.Errorf("%s:%d: %s makes no difference", name, i+1, said)
			}
		}
	})
}

// nanny doubles what it began with until the weight is there, which is so many answers as fit into 20 s each time.
func TestNannySlowStart(t *testing.T) {
	for _, tt := range []struct {
		every  time.Duration
		weight int
		want   time.Duration
	}{
		{6 * time.Second, 1, 0}, {6 * time.Second, 2, 18 * time.Second}, {10 * time.Second, 100, 100 * time.Second}, {10 * time.Second, 10, 80 * time.Second},
		{30 * time.Second, 100, 150 * time.Second}, {time.Hour, 100, time.Hour}, {20 * time.Second, 0, 0},
	} {
		if got := nannySlowStart(tt.every, tt.weight); got != tt.want {
			t.Errorf("every %s, weight %d: %s, not %s", tt.every, tt.weight, got, tt.want)
		}
	}
}
