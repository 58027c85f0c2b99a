// Command site makes the documentation's site of the Markdown in the tree, and its reference of the code.
//
//	go run ./tools/site [--polso bin/polso] [--out dist/site]
//
// It runs at the top of the tree and fetches nothing. The site needs no server and no script: its pages can be opened as files. Every
// relative link is checked, with its anchor: one that leads nowhere is an error, as is a page that is not valid HTML.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("site", flag.ContinueOnError)
	program := flags.String("polso", "bin/polso", "the program that writes its manual")
	to := flags.String("out", "dist/site", "the folder that the site is written to; what it had goes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("usage: site [--polso bin/polso] [--out dist/site]")
	}
	manual, err := manualOf(*program)
	if err != nil {
		return err
	}
	files, err := build(os.DirFS("."), manual)
	if err != nil {
		return err
	}
	if err := write(*to, files); err != nil {
		return err
	}
	pages := 0
	for name := range files {
		if filepath.Ext(name) == ".html" {
			pages++
		}
	}
	fmt.Fprintf(out, "Wrote %d pages: %s\n", pages, filepath.Join(*to, "index.html"))
	return nil
}

// manualOf is what `polso man` of program writes: its pages by their name, as polso-apply.1.
func manualOf(program string) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "polso-man-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command(program, "man", dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s man: %w: %s", program, err, out)
	}
	pages := make(map[string]string)
	found, err := filepath.Glob(filepath.Join(dir, "man*", "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		pages[filepath.Base(path)] = string(text)
	}
	return pages, nil
}

// write makes the folder what files say.
func write(to string, files map[string][]byte) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
