package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The state of a line is a word with a symbol; colour only adds to it, and only where it is wanted.
func TestColour(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		flag bool
		want string
	}{
		{"no terminal", nil, false, "r1  * UP  ? UNKNOWN\n"},
		{"forced", map[string]string{"CLICOLOR_FORCE": "1"}, false, "r1  \x1b[32m* UP\x1b[0m  \x1b[33m? UNKNOWN\x1b[0m\n"},
		{"forced, UTF-8", map[string]string{"CLICOLOR_FORCE": "1", "LANG": "it_IT.UTF-8"}, false, "r1  \x1b[32m● UP\x1b[0m  \x1b[33m? UNKNOWN\x1b[0m\n"},
		{"forced with 0", map[string]string{"CLICOLOR_FORCE": "0"}, false, "r1  * UP  ? UNKNOWN\n"},
		{"NO_COLOR wins", map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "x"}, false, "r1  * UP  ? UNKNOWN\n"},
		{"--no-color wins", map[string]string{"CLICOLOR_FORCE": "1"}, true, "r1  * UP  ? UNKNOWN\n"},
		{"LC_ALL before LANG", map[string]string{"LC_ALL": "C", "LANG": "it_IT.UTF-8"}, false, "r1  * UP  ? UNKNOWN\n"},
	} {
		var out bytes.Buffer
		a := newApp(strings.NewReader(""), &out, &out, func(name string) string { return test.env[name] })
		a.noColor, a.noHeaders = test.flag, true
		tab := newTable("NAME", "STATE", "OTHER")
		tab.row("r1", a.state("up"), a.state("unknown"))
		if err := a.table(&out, tab); err != nil {
			t.Fatal(err)
		}
		if out.String() != test.want {
			t.Errorf("%s: got %q, want %q", test.name, out.String(), test.want)
		}
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &out, func(string) string { return "" })
	tab := newTable("NAME", ">COUNT", "LAST")
	tab.row("a", "1", "")
	tab.row("a-long-name", "12345", "über")
	if err := a.table(&out, tab); err != nil {
		t.Fatal(err)
	}
	want := "NAME         COUNT  LAST\na                1  -\na-long-name  12345  über\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestDeadline(t *testing.T) {
	now := time.Date(2026, 11, 22, 22, 0, 0, 0, time.FixedZone("CET", 3600))
	for text, want := range map[string]string{
		"23:30": "2026-11-22T23:30:00+01:00", "06:00": "2026-11-23T06:00:00+01:00", "22:00": "2026-11-23T22:00:00+01:00",
		"2026-12-01T06:00:00Z": "2026-12-01T06:00:00Z", "90m": "2026-11-22T23:30:00+01:00",
		"tomorrow": "", "-2h": "", "25:00": "", "1ms": "",
	} {
		got, err := endOf(text, now)
		if (err != nil) != (want == "") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v; want %s", text, got, err, want)
		}
	}
}
