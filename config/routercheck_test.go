package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const routerCheckHCL = `cluster {
  standby = "warm"
}

router_check "flag" {
  file     = "/run/unfit"
  contains = "yes"
  absent   = true
  every    = "500ms"
  timeout  = "500ms"
  rise     = 2
  fall     = 3
  penalty  = 10
  routers  = ["r1", "r2"]
}

router_check "gateway" {
  ping    = "192.0.2.1"
  every   = "2s"
  timeout = "1s"
  rise    = 2
  fall    = 3
}

router_check "uplink" {
  command = ["/usr/local/bin/uplink", "eth0"]
  every   = "2s"
  timeout = "1s"
  rise    = 2
  fall    = 3
}
`

// What a router asks of itself is read, written and compared; what is left out has its default.
func TestRouterCheck(t *testing.T) {
	doc, err := Parse(File{Name: "a.hcl", Text: []byte(routerCheckHCL)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(routerCheckHCL, string(Format(doc))); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if user := doc.RouterChecks[2].User; user != "nobody" {
		t.Errorf("the command is run by %q", user)
	}
	if !doc.RouterChecks[0].On("r2") || doc.RouterChecks[0].On("r3") || !doc.RouterChecks[1].On("r3") {
		t.Error("it runs elsewhere than it should")
	}
	short, err := Parse(File{Name: "a.hcl", Text: []byte("router_check \"gateway\" {\n  ping = \"192.0.2.1\"\n}\nrouter_check \"gone\" {\n  interface = \"outside\"\n}\n")})
	if err != nil {
		t.Fatal(err)
	}
	want := `- router_check "flag" file /run/unfit contains "yes", absent | + router_check "gone" interface outside every 2s | - router_check "uplink" command /usr/local/bin/uplink eth0`
	var got []string
	for _, c := range Diff(doc, short) {
		got = append(got, strings.TrimSpace(string(c.Symbol)+" "+string(c.Kind)+` "`+c.Name+`" `+c.Text))
	}
	if diff := cmp.Diff(want, strings.Join(got, " | ")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestRouterCheckMistakes(t *testing.T) {
	for body, want := range map[string]string{
		"":                                       "a router_check needs command, ping, file or interface",
		"ping = \"192.0.2.1\"\nfile = \"/x\"":    "file does not go with ping",
		"ping = \"gateway\"":                     `"gateway" is a host name, and an IP address is wanted`,
		"command = [\"uplink\"]":                 `command "uplink" does not begin with /`,
		"file = \"x\"":                           `file "x" does not begin with /`,
		"ping = \"192.0.2.1\"\nuser = \"bob\"":   "user goes with command",
		"ping = \"192.0.2.1\"\nabsent = true":    "contains and absent go with file",
		"file = \"/x\"\nevery = \"1ms\"":         "1ms is not between 100ms and 1h",
		"file = \"/x\"\ntimeout = \"3s\"":        "timeout 3s is longer than every (2s)",
		"file = \"/x\"\npenalty = -1":            "penalty -1 is not between 0 and 1000",
		"file = \"/x\"\nrise = 0":                "rise 0 is not between 1 and 1000",
		"file = \"/x\"\nrouters = [\"a\",\"a\"]": `router "a" is named twice`,
		"file = \"/x\"\nweight = 3":              `unknown attribute "weight" in router_check "x"`,
	} {
		_, err := Parse(File{Name: "a.hcl", Text: []byte("router_check \"x\" {\n" + body + "\n}\n")})
		list, ok := err.(Errors)
		if !ok || len(list) != 1 || list[0].What != want {
			t.Errorf("%q: %v, want %q alone", body, err, want)
		}
	}
}

// So many notify and router_check blocks can be, and the next one is where it is said, once.
func TestSoManyBlocks(t *testing.T) {
	for kind, body := range map[string]string{"router_check": "ping = \"192.0.2.1\"", "notify": "webhook = \"https://example.org/\""} {
		var text strings.Builder
		add := func() {
			fmt.Fprintf(&text, "%s \"b%03d\" {\n  %s\n}\n", kind, strings.Count(text.String(), kind), body)
		}
		for range 64 {
			add()
		}
		if _, err := Parse(File{Name: "a.hcl", Text: []byte(text.String())}); err != nil {
			t.Errorf("64 of %s: %v", kind, err)
		}
		add()
		add()
		_, err := Parse(File{Name: "a.hcl", Text: []byte(text.String())})
		list, ok := errors.AsType[Errors](err)
		if !ok || len(list) != 1 || list[0].Line != 64*3+1 || !strings.Contains(list[0].What, "more than 64 "+kind+" blocks") || list[0].Fix == "" {
			t.Errorf("66 of %s: %v", kind, err)
		}
	}
}
