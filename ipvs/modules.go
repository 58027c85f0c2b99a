package ipvs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ListedSchedulers returns which of those schedulers this machine's kernel has by the lists of its modules, built in, to be loaded and
// loaded; of all that there are, if none is named. It takes no privilege and loads nothing. It is no proof as Schedulers is: somebody may
// keep a module that is listed from loading. The error is for a machine where the lists cannot be read or have no IPVS, which some
// containers are.
func ListedSchedulers(names ...string) ([]string, error) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil, fmt.Errorf("ipvs: schedulers: %w", err)
	}
	return listed(filepath.Join("/lib/modules", strings.TrimSpace(string(release))), "/proc/modules", names)
}

// listed reads the lists of a folder of modules, and the file of those that are loaded.
func listed(folder, loaded string, names []string) ([]string, error) {
	have := make(map[string]bool)
	for _, file := range []string{filepath.Join(folder, "modules.builtin"), filepath.Join(folder, "modules.dep"), loaded} {
		text, err := os.ReadFile(file)
		if file == loaded && errors.Is(err, fs.ErrNotExist) { // a kernel that loads none
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ipvs: schedulers: %w", err)
		}
		for line := range strings.Lines(string(text)) { // kernel/net/netfilter/ipvs/ip_vs_mh.ko.xz: …, or ip_vs_mh 16384 …
			module, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			module, _, _ = strings.Cut(filepath.Base(module), ".")
			have[module] = true
		}
	}
	if !have["ip_vs"] {
		return nil, fmt.Errorf("ipvs: schedulers: the lists of %s have no ip_vs", folder)
	}
	if len(names) == 0 {
		names = knownSchedulers[:]
	}
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return !have["ip_vs_"+s] }), nil
}
