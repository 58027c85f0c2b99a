package vip

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stateFile lists the addresses that were put on links, one "ADDRESS LINK" a line, written before the add. Kernels before
// 5.18 keep no mark on an IPv6 address: there the file tells a later process which of them were Polso's. An address that
// it names is taken for ours only if it is a host address with an end of its own, as ours are.
type stateFile struct{ path string }

// read returns what the file lists: nothing if there is none, or no path, or it cannot be read. Lines that make no sense
// are passed over: a torn line is one that was being written, and its address was not there yet.
func (f stateFile) read() map[place]bool {
	if f.path == "" {
		return nil
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return nil
	}
	out := make(map[place]bool)
	for line := range strings.Lines(string(b)) {
		addr, link, ok := strings.Cut(strings.TrimSpace(line), " ")
		a, err := netip.ParseAddr(addr)
		if ok && err == nil && link != "" {
			out[place{a, link}] = true
		}
	}
	return out
}

// write replaces the file's list.
func (f stateFile) write(places []place) error {
	if f.path == "" {
		return nil
	}
	if len(places) == 0 {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	lines := make([]string, len(places))
	for i, p := range places {
		lines[i] = fmt.Sprintf("%s %s\n", p.addr, p.link)
	}
	slices.Sort(lines)
	// A rename, so that a crash leaves the old list or the new one.
	next := f.path + ".new"
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(next, []byte(strings.Join(lines, "")), 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}
