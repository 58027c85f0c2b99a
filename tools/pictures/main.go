// Command pictures draws the pictures of docs/concepts.md, each an SVG in docs/pictures.
//
//	go run ./tools/pictures
//
// It runs at the top of the tree. Colours are the web interface's, light and dark (web/static/polso.css); times are those of the
// built-in timing profiles. The same tree gives the same bytes, and a test holds what is committed against what is drawn.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run() error {
	pictures, err := draw("web/static/polso.css")
	if err != nil {
		return err
	}
	for name, text := range pictures {
		if err := os.WriteFile(filepath.Join("docs/pictures", name), text, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("Drew %d pictures: docs/pictures\n", len(pictures))
	return nil
}

// draw is every picture by its file's name, in the colours of a style sheet.
func draw(styles string) (map[string][]byte, error) {
	text, err := os.ReadFile(styles)
	if err != nil {
		return nil, err
	}
	c, err := parseColours(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", styles, err)
	}
	pictures := make(map[string][]byte)
	for name, picture := range map[string]func() *drawing{
		"cluster": cluster, "quorum": quorum, "lease": lease, "cut": cut, "move": move, "paths": paths, "write": write, "pass": pass, "drain": drain,
	} {
		d := picture()
		if d.wrong != nil {
			return nil, fmt.Errorf("%s: %w", name, d.wrong)
		}
		pictures[name+".svg"] = d.svg(c)
	}
	return pictures, nil
}
