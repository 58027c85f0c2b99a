package realserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Record is what was set up and what was changed for it, each change with the value that was there before. It lies in /run: it is about the
// kernel that runs, and goes with it.
type Record struct {
	Born    Birth    `json:"born"`
	Device  string   `json:"device"`
	Wishes  []Wish   `json:"wishes"`
	Changes []Change `json:"changes"`
}

// Birth says which kernel and which of its network namespaces a record is about.
type Birth struct {
	Boot      string `json:"boot"`
	Namespace string `json:"namespace"` // fit for a file's name
}

// with is r after a setup: the newer wish for an address counts, and the older value of before.
func (r Record) with(want Want, changes []Change) Record {
	r.Device = want.Device
	r.Wishes, r.Changes = slices.Clone(r.Wishes), slices.Clone(r.Changes)
	for _, w := range want.Wishes {
		r.Wishes = slices.DeleteFunc(r.Wishes, func(old Wish) bool { return old.Address == w.Address })
		r.Wishes = append(r.Wishes, w)
	}
	for _, c := range changes {
		if c.Kind == Module {
			continue // it stays: others may use it by now
		}
		if i := slices.IndexFunc(r.Changes, func(old Change) bool { return old.Thing == c.Thing }); i >= 0 {
			r.Changes[i].After = c.After
			continue
		}
		r.Changes = append(r.Changes, c)
	}
	return r
}

// readRecord reads the record at path; it is empty if there is none, or one of another kernel or namespace.
func readRecord(path string, born Birth) (Record, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Record{Born: born}, nil
	}
	if err != nil {
		return Record{}, err
	}
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return Record{}, fmt.Errorf("%s: %w; what it recorded must be put back by hand, then remove the file", path, err)
	}
	if r.Born != born {
		return Record{Born: born}, nil
	}
	return r, nil
}

// write replaces the record at path, or removes it when there is nothing in it.
func (r Record) write(path string) error {
	if len(r.Wishes)+len(r.Changes) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// A rename, so that a crash leaves the old record or the new one.
	next := path + ".new"
	if err := os.WriteFile(next, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
