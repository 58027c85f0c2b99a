package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A binary's bill names Go's library with its version and licence, and the licences say what they say.
func TestBillOfABinary(t *testing.T) {
	t.Chdir("../..")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, notice strings.Builder
	if err := run([]string{exe}, &out); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"--licences", exe}, &notice); err != nil {
		t.Fatal(err)
	}
	var c cyclone
	if err := json.Unmarshal([]byte(out.String()), &c); err != nil {
		t.Fatal(err)
	}
	if c.Format != "CycloneDX" || c.Spec != "1.5" || len(c.Components) == 0 {
		t.Fatalf("%+v", c)
	}
	if std := c.Components[0]; std.Name != "stdlib" || "go"+std.Version != runtime.Version() || std.Licences[0].Licence.ID != "BSD-3-Clause" {
		t.Errorf("%+v", std)
	}
	if !strings.Contains(notice.String(), "The Go Authors") {
		t.Error("Go's licence is not among the licences")
	}
}

// Somebody else's script is found by its first line, and has to bring its licence.
func TestVendoredScripts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("own.js", "// ours\n")
	write("uPlot.js", "/*! https://github.com/leeoniya/uPlot (v1.6.32) */\nvar uPlot;")
	if _, err := vendored(dir); err == nil {
		t.Error("a script without a licence is taken")
	}
	write("uPlot.LICENSE", "The MIT License\n\nPermission is hereby granted, free of\ncharge, to any person")
	parts, err := vendored(dir)
	if err != nil || len(parts) != 1 || parts[0].purl != "pkg:github/leeoniya/uplot@1.6.32" || parts[0].licence != "MIT" {
		t.Errorf("%+v, %v", parts, err)
	}
}
