package main

import (
	"debug/buildinfo"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// modules are those in the binary, and Go's own library.
func modules(info *buildinfo.BuildInfo) ([]part, error) {
	text, err := os.ReadFile(filepath.Join(goRoot(), "LICENSE"))
	if err != nil {
		return nil, err
	}
	version := strings.TrimPrefix(info.GoVersion, "go")
	parts := []part{{name: "stdlib", version: version, purl: "pkg:golang/stdlib@" + version, text: string(text)}}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		text, err := licenceOf(d.Path, d.Version)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{name: d.Path, version: d.Version, purl: "pkg:golang/" + d.Path + "@" + d.Version, sum: d.Sum, text: text})
	}
	for i, p := range parts {
		if parts[i].licence = kind(p.text); parts[i].licence == "" {
			return nil, fmt.Errorf("%s %s: which licence is this?\n%.300s", p.name, p.version, p.text)
		}
	}
	return parts, nil
}

func goRoot() string {
	out, _ := exec.Command("go", "env", "GOROOT").Output() // what it cannot say is not there either
	return strings.TrimSpace(string(out))
}

// licenceOf is the licence of a module in the module cache.
func licenceOf(path, version string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path+"@"+version).Output()
	if err != nil {
		return "", fmt.Errorf("where %s@%s is: %w", path, version, err)
	}
	dir := strings.TrimSpace(string(out))
	for _, pattern := range []string{"LICEN[SC]E*", "COPYING*", "licen[sc]e*"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are good
		slices.Sort(found)
		for _, f := range found {
			if text, err := os.ReadFile(f); err == nil {
				return string(text), nil
			}
		}
	}
	return "", fmt.Errorf("%s@%s has no licence in %q", path, version, dir)
}

// kind tells a licence by what only it says; "" is unknown.
func kind(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, k := range []struct{ id, says string }{
		{"Apache-2.0", "Apache License Version 2.0"},
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"MIT", "Permission is hereby granted, free of charge"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
		{"BSD-3-Clause", "Neither the name"},
		{"BSD-3-Clause", "may not be used to endorse"},
		{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	} {
		if strings.Contains(text, k.says) {
			return k.id
		}
	}
	return ""
}

// header is how a vendored script says what it is: /*! https://github.com/leeoniya/uPlot (v1.6.32) */
var header = regexp.MustCompile(`^/\*!? https://github\.com/([\w.-]+/([\w.-]+)) \(v([\w.]+)\)`)

// vendored are the scripts and sheets of others below dir, each with a licence beside it.
func vendored(dir string) ([]part, error) {
	var parts []part
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found := header.FindSubmatch(text)
		if found == nil {
			return nil
		}
		name, version := string(found[2]), string(found[3])
		if slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return nil
		}
		licences, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*LICENSE*")) // the pattern is good
		if len(licences) == 0 {
			return fmt.Errorf("%s: no licence stands beside it", path)
		}
		said, err := os.ReadFile(licences[0])
		if err != nil {
			return err
		}
		parts = append(parts, part{name: name, version: version, purl: "pkg:github/" + strings.ToLower(string(found[1])) + "@" + version, licence: kind(string(said)), text: string(said)})
		return nil
	})
	return parts, err
}
