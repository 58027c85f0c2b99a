package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"polso/director"
)

// settingsFile is the director's Record: a line for each setting that was changed, of its path, what it was and what it was set
// to, a tab between them. It lies where a boot empties it, as that undoes the settings.
type settingsFile struct{ path string }

// recordFile is where it lies: beside the socket, as what is known of the kernel's addresses.
func recordFile(o Options) settingsFile {
	return settingsFile{filepath.Join(filepath.Dir(o.Socket), o.Name+".sysctls")}
}

// Read implements director.Record. Lines that make no sense are passed over.
func (f settingsFile) Read() map[string]director.Changed {
	out := make(map[string]director.Changed)
	text, err := os.ReadFile(f.path)
	if err != nil {
		return out
	}
	for line := range strings.Lines(string(text)) {
		if part := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(part) == 3 && filepath.IsLocal(part[0]) {
			out[part[0]] = director.Changed{Found: part[1], Set: part[2]}
		}
	}
	return out
}

// Write implements director.Record.
func (f settingsFile) Write(changed map[string]director.Changed) error {
	if len(changed) == 0 {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(changed)) {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", path, changed[path].Found, changed[path].Set)
	}
	// A rename, so that a crash leaves the old list or the new one.
	next := f.path + ".new"
	if err := os.WriteFile(next, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}
