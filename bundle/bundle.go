// Package bundle puts what a report of a defect needs into one archive, without the secrets that it may come across.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Part is one file to be had.
type Part struct {
	Name string // in the archive; may have folders
	What string // for people
	Get  func(context.Context) ([]byte, error)
	Raw  Rawness
}

// Rawness says whether a file is text, of which secrets are taken out.
type Rawness int

// The two.
const (
	Text   Rawness = iota
	Binary         // who makes it knows that it has no secrets
)

// Entry is what became of a part.
type Entry struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	Bytes int    `json:"bytes"`
	Why   string `json:"why,omitempty"` // it could not be had
}

// patience is how long one part may take.
const patience = 15 * time.Second

// Collect gets each part in turn and answers the archive (tar, gzip) in a folder of that name, and what is in it. A part that cannot be
// had is named in the archive's MANIFEST with the reason, and is no error. What is learnt to be secret while parts are had is taken out of all.
func Collect(ctx context.Context, folder string, at time.Time, parts []Part, s *Secrets) ([]byte, []Entry, error) {
	texts := make([][]byte, len(parts))
	entries := make([]Entry, len(parts))
	for i, p := range parts {
		entries[i] = Entry{Name: p.Name, What: p.What}
		limited, cancel := context.WithTimeout(ctx, patience)
		text, err := p.Get(limited)
		cancel()
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err != nil {
			entries[i].Why = err.Error()
		}
		texts[i] = text
	}
	for i, p := range parts {
		if p.Raw == Text {
			texts[i] = s.Without(texts[i])
		}
		entries[i].Bytes, entries[i].Why = len(texts[i]), string(s.Without([]byte(entries[i].Why)))
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	add := func(name string, text []byte) error {
		if err := archive.WriteHeader(&tar.Header{Name: folder + "/" + name, Mode: 0o600, Size: int64(len(text)), ModTime: at}); err != nil {
			return err
		}
		_, err := archive.Write(text)
		return err
	}
	if err := add("MANIFEST", manifest(at, entries)); err != nil {
		return nil, nil, err
	}
	for i, e := range entries {
		if e.Bytes == 0 && e.Why != "" {
			continue
		}
		if err := add(e.Name, texts[i]); err != nil {
			return nil, nil, err
		}
	}
	for _, c := range []io.Closer{archive, zip} {
		if err := c.Close(); err != nil {
			return nil, nil, err
		}
	}
	return out.Bytes(), entries, nil
}

// manifest says what each file is, and what is not there.
func manifest(at time.Time, entries []Entry) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "polso debug, %s\nSecrets were taken out: what the document's checks send, their headers, arguments of programs, paths of webhooks, tokens, keys, hashes of passwords.\n"+
		"Names, addresses and what people wrote are as they are.\n\n", at.UTC().Format(time.RFC3339))
	for _, e := range entries {
		if e.Why == "" {
			fmt.Fprintf(&b, "%-32s %9d  %s\n", e.Name, e.Bytes, e.What)
		}
	}
	title := "\nNot or not wholly here:\n"
	for _, e := range entries {
		if e.Why != "" {
			fmt.Fprintf(&b, "%s%-32s %9d  %s: %s\n", title, e.Name, e.Bytes, e.What, strings.ReplaceAll(e.Why, "\n", " "))
			title = ""
		}
	}
	return []byte(b.String())
}
