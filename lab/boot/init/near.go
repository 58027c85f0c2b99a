package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"polso/lab/boot/spec"
)

// bringNear copies into the layer of memory what the laboratory starts again and again: programs, their loader and libraries, and
// the links on the way to them. The host's files come by 9p, where every opening and every link is a question to the host, cached
// or not: a program with ten libraries asks some fifty, which under emulation is most of its time (`make lab` says how long each part takes:
// realserver, which starts programs, 165 s before and 76 after). What cannot be copied is read from the host as before.
func bringNear(s spec.Spec) {
	n := near{done: make(map[string]bool), libraries: []string{"/lib64", "/lib", "/usr/lib"}}
	for _, pattern := range []string{"/lib/*-linux-gnu", "/usr/lib/*-linux-gnu"} {
		dirs, _ := filepath.Glob(pattern) // the pattern is a good one
		n.libraries = append(n.libraries, dirs...)
	}
	n.file("/etc/ld.so.cache")
	for _, name := range s.Near {
		if path, err := lookPath(name, s.Env); err == nil {
			n.program(path)
		}
	}
}

// near remembers what has been brought.
type near struct {
	done      map[string]bool
	libraries []string // folders
}

// program brings a program or library and all that it is linked with.
func (n *near) program(path string) {
	if n.done[path] {
		return
	}
	n.done[path] = true
	n.file(path)
	f, err := elf.Open(path)
	if err != nil {
		return // a script: its interpreter is asked for by name
	}
	defer f.Close()
	if at := f.Section(".interp"); at != nil {
		if text, err := at.Data(); err == nil {
			n.program(strings.TrimRight(string(text), "\x00"))
		}
	}
	names, _ := f.ImportedLibraries() // none: a static program
	for _, name := range names {
		for _, dir := range n.libraries {
			if at := filepath.Join(dir, name); exists(at) {
				n.program(at)
				break
			}
		}
	}
}

// file brings a file and the links that lead to it.
func (n *near) file(path string) {
	at := "/"
	for rest := path; rest != ""; {
		name, tail, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		if err != nil {
			return
		}
		if info.Mode()&fs.ModeSymlink != 0 || info.Mode().IsRegular() {
			if err := touch(next, info); err != nil {
				fmt.Fprintln(os.Stderr, "init: bring near:", err)
				return
			}
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(next)
			if err != nil {
				return
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(at, to)
			}
			at, rest = "/", filepath.Join(to, tail)
			continue
		}
		at, rest = next, tail
	}
}

// touch gives a file the time that it has: a layered file system copies it for that.
func touch(path string, info fs.FileInfo) error {
	when, err := unix.TimeToTimespec(info.ModTime())
	if err != nil {
		return err
	}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{when, when}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "touch", Path: path, Err: err}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
