package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"polso/config"
	"polso/notify"
)

// What stands in README and docs as a file, or as a part of one, could be one; and there is no block of which nobody knows what it is.
func TestDocumentedFiles(t *testing.T) {
	blocks := documentation(t)
	seen := make(map[string]int)
	for i, b := range blocks {
		seen[b.kind]++
		if err := good(blocks, i); err != nil {
			t.Errorf("%s: %v", b.where(), err)
		}
	}
	for _, kind := range []string{"sh", "text", "hcl", "ini", "yaml", "json", "go"} {
		if seen[kind] == 0 {
			t.Errorf("no block of %s was found: the test no longer sees them", kind)
		}
	}
}

func good(blocks []passage, i int) error {
	b := blocks[i]
	switch b.kind {
	case "sh": // typed: TestDocsAreTyped
		return nil
	case "text":
		if !prompted(b) && !(b.next && blocks[i-1].kind == "sh") {
			return errors.New("what prints this? put the command above it, or behind a prompt within")
		}
		return nil
	case "text polso top": // in package top
		return shownBy(b, "top/model_test.go", "```text polso top")
	case "lvs.cf", "ldirectord.cf":
		return shownBy(b, "convert/docs_test.go", `"`+b.kind+`"`)
	case "conf":
		return shownBy(b, "convert/keepalived_docs_test.go", `"`+b.kind+`"`)
	case "hcl":
		return document(b)
	case "ini":
		return unitSettings(b)
	case "yaml":
		var tree struct {
			Scrape []struct {
				Job    string `yaml:"job_name"`
				Scheme string
				Path   string `yaml:"metrics_path"`
				Auth   struct {
					File string `yaml:"credentials_file"`
				} `yaml:"authorization"`
				TLS struct {
					CA string `yaml:"ca_file"`
				} `yaml:"tls_config"`
				Static []struct{ Targets []string } `yaml:"static_configs"`
			} `yaml:"scrape_configs"`
		}
		dec := yaml.NewDecoder(strings.NewReader(b.text()))
		dec.KnownFields(true)
		return dec.Decode(&tree)
	case "json":
		dec := json.NewDecoder(strings.NewReader(b.text()))
		dec.DisallowUnknownFields()
		return dec.Decode(new(notify.Event))
	case "go":
		_, err := parser.ParseFile(token.NewFileSet(), b.page, "package p\n"+b.text(), 0)
		return err
	case "nft":
		if strings.Count(b.text(), "{") != strings.Count(b.text(), "}") || !strings.HasPrefix(b.body[0], "table ") {
			return errors.New("this is no table")
		}
		return nil
	case "": // a drawing
		if !strings.ContainsAny(b.text(), "─│▶▼") {
			return errors.New("the fence does not say what this is")
		}
		return nil
	}
	return fmt.Errorf("nobody knows what a block of %q is", b.kind)
}

// shownBy tells whether a test holds the block against the code.
func shownBy(b passage, file, has string) error {
	text, err := os.ReadFile(tree + file)
	if err == nil && !(strings.Contains(string(text), has) && strings.Contains(string(text), b.page)) {
		err = fmt.Errorf("%s does not look at it", file)
	}
	return err
}

// document reads a document, a router's settings, or what stands in a virtual.
func document(b passage) error {
	load := func(text string) error {
		_, err := config.Load(config.File{Name: b.page, Text: []byte(text)})
		return err
	}
	whole := load(b.text())
	_, node := config.LoadNode(config.File{Name: b.page, Text: []byte(b.text())})
	part := load("vip \"web\" {\n  address = \"192.0.2.10/24\"\n}\nvirtual \"web\" {\n  address = \"192.0.2.10\"\n  port = 80\n" +
		b.text() + "  server \"a\" {\n    address = \"192.0.2.20:80\"\n  }\n}\n")
	if whole == nil || node == nil || part == nil || strings.Contains(part.Error(), "not supported yet") {
		return nil
	}
	return fmt.Errorf("as a document: %w\nas a router's settings: %w\nin a virtual: %w", whole, node, part)
}

// networkd are the keys of systemd.network(5) that pages use.
var networkd = []string{"Match.Name", "Address.Address", "Address.DuplicateAddressDetection", "Address.PreferredLifetime"}

// unitSettings reads what systemd does: a drop-in, which says otherwise what the unit says; a file with the unit's variables; links.
func unitSettings(b passage) error {
	unit, err := os.ReadFile(tree + "contrib/polso.service")
	if err != nil {
		return err
	}
	realserver, err := os.ReadFile(tree + "contrib/polso-realserver.service")
	if err != nil {
		return err
	}
	section := ""
	for _, line := range b.body {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := regexp.MustCompile(`^\[(\w+)\]$`).FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		key, _, ok := strings.Cut(line, "=")
		switch {
		case !ok:
			return fmt.Errorf("%q is no setting", line)
		case section == "Service" && (bytes.Contains(unit, []byte("\n"+key+"=")) || key == "ReadWritePaths"):
		case section == "" && bytes.Contains(realserver, []byte("$"+key)):
		case slices.Contains(networkd, section+"."+key):
		default:
			return fmt.Errorf("what is %s in [%s]?", key, section)
		}
	}
	return nil
}
