package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"polso/convert"
)

// included reads the files that an include line of a keepalived.conf names. The error tells of those that could not be read; the
// others are answered all the same.
func included(pattern string) ([]convert.File, error) {
	if strings.ContainsAny(pattern, "{}") {
		return nil, errors.New("braces in a file's name are not understood; write a line for each")
	}
	names, err := filepath.Glob(pattern) // sorted
	if err != nil {
		return nil, err
	}
	var files []convert.File
	var failed []error
	left := convert.MaxText + 1 // one byte more than an import takes: it says so
	for _, name := range names {
		text, err := readSome(name, left)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		left -= len(text)
		files = append(files, convert.File{Name: name, Text: text})
	}
	return files, errors.Join(failed...)
}

// readSome reads a regular file, at most so many bytes.
func readSome(name string, most int) ([]byte, error) {
	at, err := os.Stat(name) // before it is opened: a named pipe would wait for somebody to write
	if err != nil {
		return nil, err
	}
	if !at.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(most)))
}
