// Command sbom says what a Go binary is made of: a bill of materials (CycloneDX), or the licences of all that is in it.
//
//	go run ./tools/sbom BINARY > polso.cdx.json
//	go run ./tools/sbom --licences BINARY > NOTICE
//
// It reads what the linker noted in the binary, the modules' licences from the module cache, and the scripts below web/static that
// say in their first line what they are. The same binary gives the same bytes. A module without a licence that it knows is an error.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	licences := slices.Contains(args, "--licences")
	args = slices.DeleteFunc(args, func(a string) bool { return a == "--licences" })
	if len(args) != 1 {
		return errors.New("usage: sbom [--licences] BINARY")
	}
	info, err := buildinfo.ReadFile(args[0])
	if err != nil {
		return err
	}
	parts, err := modules(info)
	if err != nil {
		return err
	}
	scripts, err := vendored("web/static")
	if err != nil {
		return err
	}
	parts = append(parts, scripts...)
	if licences {
		return notice(out, parts)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(bill(info.Main.Path, parts))
}

// part is something of somebody else's in the binary.
type part struct {
	name, version string
	purl          string // https://github.com/package-url/purl-spec
	sum           string // of a module, as go.sum has it
	licence, text string // its SPDX name, and what it says
}

// notice is the licences, each with whose it is.
func notice(out io.Writer, parts []part) error {
	var b strings.Builder
	b.WriteString("The program polso contains the following, each under its own licence.\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "\n%s\n%s %s (%s)\n\n%s\n", strings.Repeat("-", 78), p.name, p.version, p.licence, strings.TrimSpace(p.text))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// A CycloneDX 1.5 bill. It has neither a serial number nor a time, which would differ at every build.
type (
	cyclone struct {
		Format     string      `json:"bomFormat"`
		Spec       string      `json:"specVersion"`
		Version    int         `json:"version"`
		Metadata   metadata    `json:"metadata"`
		Components []component `json:"components"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Name       string     `json:"name"`
		Version    string     `json:"version,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Licences   []licence  `json:"licenses,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	licence struct {
		Licence struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

func bill(name string, parts []part) cyclone {
	c := cyclone{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{component{Type: "application", Name: name, Licences: spdx("Apache-2.0")}}}
	for _, p := range parts {
		x := component{Type: "library", Name: p.name, Version: p.version, PURL: p.purl, Licences: spdx(p.licence)}
		if p.sum != "" {
			x.Properties = []property{{"go:sum", p.sum}}
		}
		c.Components = append(c.Components, x)
	}
	return c
}

func spdx(id string) []licence {
	var l licence
	l.Licence.ID = id
	return []licence{l}
}
