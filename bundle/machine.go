package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Machine are the parts that this machine tells, whether or not an agent runs. dataDir is the agent's; its files are named, never read.
func Machine(dataDir string) []Part {
	parts := []Part{
		{Name: "machine/system.txt", What: "kernel and distribution", Get: files("/proc/version", "/etc/os-release", "/proc/uptime", "/proc/loadavg")},
		{Name: "machine/memory.txt", What: "memory and pressure", Get: files("/proc/meminfo", "/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory")},
		{Name: "machine/modules.txt", What: "modules of the kernel", Get: files("/proc/modules")},
		{Name: "machine/ipvs.txt", What: "the kernel's IPVS table and figures", Get: files("/proc/net/ip_vs", "/proc/net/ip_vs_stats")},
		{Name: "machine/network.txt", What: "what devices and packets' queues have counted", Get: files("/proc/net/dev", "/proc/net/softnet_stat", "/proc/net/snmp", "/proc/net/netstat")},
		{Name: "machine/sysctls.txt", What: "settings of the kernel that matter here", Get: sysctls},
		{Name: "machine/data.txt", What: "files in the data directory, without what is in them", Get: func(context.Context) ([]byte, error) { return listing(dataDir) }},
	}
	for name, args := range map[string][]string{
		"links": {"-details", "link"}, "addresses": {"address"}, "routes": {"route", "show", "table", "all"}, "rules": {"rule"}, "neighbours": {"neighbour"},
	} {
		parts = append(parts, Part{Name: "machine/" + name + ".txt", What: "ip " + strings.Join(args, " "), Get: run("ip", args...)})
	}
	for _, table := range []string{"polso_fence", "polso_marks", "polso_masquerade", "polso_probe"} {
		parts = append(parts, Part{Name: "machine/nft-" + table + ".txt", What: "nft list of " + table, Get: rules(table)})
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	return parts
}

// most is how much is read of a file, or of what a program says.
const most = 4 << 20

// files are read one after the other, each below its name. That some are not there is told in their place.
func files(paths ...string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		var all bytes.Buffer
		for _, path := range paths {
			fmt.Fprintf(&all, "== %s\n", path)
			text, err := head(path)
			if err != nil {
				fmt.Fprintf(&all, "%v\n", err)
			}
			all.Write(text)
		}
		return all.Bytes(), nil
	}
}

func head(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// sysctls are those of IPVS, ARP, forwarding and the neighbours' table.
func sysctls(context.Context) ([]byte, error) {
	var all bytes.Buffer
	for _, pattern := range []string{
		"net/ipv4/vs/*", "net/ipv4/ip_forward", "net/ipv4/conf/*/arp_*", "net/ipv4/conf/*/rp_filter", "net/ipv4/conf/*/forwarding", "net/ipv4/conf/*/send_redirects",
		"net/ipv6/conf/*/forwarding", "net/ipv6/conf/*/accept_ra", "net/ipv6/conf/*/disable_ipv6", "net/ipv4/neigh/default/*", "net/netfilter/nf_conntrack_*", "net/core/*backlog*", "kernel/panic*",
	} {
		paths, err := filepath.Glob("/proc/sys/" + pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if text, err := head(path); err == nil {
				fmt.Fprintf(&all, "%s = %s\n", strings.TrimPrefix(path, "/proc/sys/"), bytes.TrimSpace(text))
			}
		}
	}
	return all.Bytes(), nil
}

// listing names the files below dir with size, time and permissions.
func listing(dir string) ([]byte, error) {
	if dir == "" {
		return nil, errors.New("it is not known where")
	}
	var all bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%s %10d %s %s\n", i.Mode(), i.Size(), i.ModTime().UTC().Format("2006-01-02T15:04:05Z"), path)
		return nil
	})
	return all.Bytes(), err
}

// run is what a program says.
func run(name string, args ...string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		var said, wrong bytes.Buffer
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdout, cmd.Stderr = &said, &wrong
		if err := cmd.Run(); err != nil {
			return said.Bytes(), fmt.Errorf("%s %s: %w %s", name, strings.Join(args, " "), err, bytes.TrimSpace(wrong.Bytes()))
		}
		return said.Bytes()[:min(said.Len(), most)], nil
	}
}

// rules is a table of the packet filter in whichever families it is.
func rules(table string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		list, err := run("nft", "list", "tables")(ctx)
		if err != nil {
			return nil, err
		}
		var all []byte
		for line := range strings.Lines(string(list)) {
			if word := strings.Fields(line); len(word) == 3 && word[2] == table {
				one, err := run("nft", "list", "table", word[1], table)(ctx)
				all = append(all, one...)
				if err != nil {
					return all, err
				}
			}
		}
		return all, nil
	}
}
