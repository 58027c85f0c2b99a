package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// written are the attributes and blocks that a part of the canonical form stands for, by the names of the document.
func written(part any) map[string]bool {
	names := map[string]bool{}
	for f := range reflect.TypeOf(part).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch name {
		case "name", "kind": // the block's label
		case "check", "checks", "servers", "sorry_servers": // have sections of their own
		case "mask":
			names["netmask"] = true
		case "ports":
			names["port"], names["ports"] = true, true
		default:
			names[name] = true
		}
		if f.Type.Kind() == reflect.Pointer {
			f.Type = f.Type.Elem()
		}
		if f.Type.Kind() == reflect.Struct && strings.HasPrefix(f.Type.Name(), "wire") && name != "check" {
			for inner := range written(reflect.Zero(f.Type).Interface()) {
				names[inner] = true
			}
		}
	}
	return names
}

// sorryWire is what a sorry_server block takes.
type sorryWire struct {
	Address int        `json:"address"`
	Forward int        `json:"forward"`
	Weight  int        `json:"weight"`
	Tunnel  wireTunnel `json:"tunnel"`
}

// TestManual: the manual has every attribute and block there is, and none else.
func TestManual(t *testing.T) {
	for path, part := range map[string]any{
		"cluster": wireCluster{}, "vip": wireVIP{}, "virtual": wireVirtual{}, "virtual.check": wireCheck{}, "virtual.server": wireServer{},
		"virtual.sorry_server": sorryWire{}, "virtual.server.check": wireCheck{}, "router_check": wireRouterCheck{}, "notify": wireNotify{},
	} {
		topic, err := Explain(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(written(part), spoken(topic)); diff != "" {
			t.Errorf("%s (-accepted +in the manual):\n%s", path, diff)
		}
	}
}

// spoken are the names in a topic, those of small blocks with what stands in them, as written has them.
func spoken(topic Topic) map[string]bool {
	names := map[string]bool{}
	for _, x := range topic.Topics {
		if x.Label != "" {
			continue // a section of its own
		}
		names[x.Name] = true
		if x.Form != "" {
			continue // a block of the same name has a section
		}
		for inner := range spoken(x) {
			names[inner] = true
		}
	}
	return names
}

// TestDocumentPage: the first column of docs/document.md names every attribute there is, and none else.
func TestDocumentPage(t *testing.T) {
	page, err := os.ReadFile("../docs/document.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "\n## ")
	for _, tt := range []struct {
		title, path string
		part        any
	}{
		{"cluster", "cluster", wireCluster{}}, {"vip", "vip", wireVIP{}}, {"virtual", "virtual", wireVirtual{}},
		{"check", "virtual.check", wireCheck{}}, {"server", "virtual.server", wireServer{}}, {"sorry_server", "virtual.sorry_server", sorryWire{}},
		{"router_check", "router_check", wireRouterCheck{}}, {"notify", "notify", wireNotify{}},
	} {
		got := map[string]bool{}
		for _, s := range sections {
			if !strings.HasPrefix(s, tt.title+"\n") && !strings.HasPrefix(s, tt.title+" ") {
				continue
			}
			for line := range strings.Lines(s) {
				cells := strings.Split(line, "|")
				if len(cells) < 3 {
					continue
				}
				sameDefaults(t, tt.path, cells)
				if strings.Contains(cells[1], "check {") {
					continue // has a section of its own
				}
				for _, code := range regexp.MustCompile("`[^`]+`").FindAllString(cells[1], -1) {
					for _, name := range regexp.MustCompile(`[a-z_]+`).FindAllString(code, -1) {
						got[name] = true
					}
				}
			}
		}
		if diff := cmp.Diff(written(tt.part), got); diff != "" {
			t.Errorf("%s (-accepted +documented):\n%s", tt.title, diff)
		}
	}
}

// sameDefaults: a row of the page says the defaults that the manual says, where they are values.
func sameDefaults(t *testing.T, path string, cells []string) {
	t.Helper()
	topic, err := Explain(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range topic.Topics {
		named := regexp.MustCompile("`[^`]*\\b" + x.Name + "\\b").MatchString(cells[1])
		if value := strings.HasPrefix(x.Default, `"`); named && value && !strings.Contains(cells[2], x.Default) {
			t.Errorf("%s.%s: the page says %s, the manual %s", path, x.Name, cells[2], x.Default)
		}
	}
}
