package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// asidePrefix begins the name of a folder, in the data directory itself, into which everything was put that lay there. Moving the
// directory would not do: it may be a mount, and what is around it not the agent's to change.
const asidePrefix = "aside-"

// SetAside puts everything in the data directory dir into a new folder of it named after the time, and returns that. Nothing is
// deleted; what was set aside before stays where it is. "" says that there was nothing. It is for a directory that OpenHome
// refuses, and ErrLocked while a process has it.
func SetAside(dir string, at time.Time) (folder string, err error) {
	lock, err := takeLock(filepath.Join(dir, lockName))
	if err != nil {
		return "", fmt.Errorf("data directory %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return setAside(dir, at)
}

// SetAside is the function of that name for a home that is open, and makes the node next. The store must be closed.
func (h *Home) SetAside(next Identity, at time.Time) (folder string, err error) {
	if folder, err = setAside(h.dir, at); err != nil {
		return folder, err
	}
	if err := writeJSON(h.path(identityFile), next); err != nil {
		return folder, fmt.Errorf("data directory: %w", err)
	}
	h.self = next
	return folder, nil
}

func setAside(dir string, at time.Time) (string, error) {
	folder, err := moveAside(dir, at)
	if err != nil {
		return folder, fmt.Errorf("data directory %s: set aside: %w", dir, err)
	}
	return folder, nil
}

func moveAside(dir string, at time.Time) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var names []string
	for _, e := range entries {
		if !stays(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 || len(names) == 1 && names[0] == identityFile { // an identity alone was nobody yet
		return "", nil
	}
	// Whoever is interrupted must not leave what passes for a node: without its store, and then without its identity, the cluster's
	// file is refused at the next start.
	rank := map[string]int{storeFolder: -1, identityFile: 1, clusterFile: 2}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
	folder, err := newFolder(filepath.Join(dir, asidePrefix+at.UTC().Format("20060102T150405Z")))
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(folder, name)); err != nil {
			return folder, err
		}
	}
	return folder, errors.Join(syncDir(folder), syncDir(dir))
}

// stays tells what is not the node's own, or was set aside before.
func stays(name string) bool {
	return name == lockName || name == "lost+found" || strings.HasPrefix(name, asidePrefix)
}

// newFolder makes a folder of that name, or with a number behind it if there is one.
func newFolder(path string) (string, error) {
	for n := 1; ; n++ {
		name := path
		if n > 1 {
			name = fmt.Sprintf("%s-%d", path, n)
		}
		if err := os.Mkdir(name, 0o700); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}
