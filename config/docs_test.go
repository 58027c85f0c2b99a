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
		case "check", "servers": // have sections of their own
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

// TestDocumentPage: the first column of docs/document.md names every attribute there is, and none else.
func TestDocumentPage(t *testing.T) {
	page, err := os.ReadFile("../docs/document.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "\n## ")
	for _, tt := range []struct {
		title string
		part  any
	}{
		{"cluster", wireCluster{}}, {"vip", wireVIP{}}, {"virtual", wireVirtual{}}, {"check", wireCheck{}}, {"server", wireServer{}},
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
