package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"polso/lab/boot/spec"
)

// mount is one line of what would be fstab.
type mount struct {
	source, target, kind string
	flags                uintptr
	options              string
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
	}
	return nil
}

const (
	virtio9p = "trans=virtio,version=9p2000.L,msize=262144,cache="
	// The host's files do not change while the machine runs, as far as it cares: cache without asking again.
	rootCache  = virtio9p + "loose"
	shareCache = virtio9p + "none"
)

// enterRoot makes the host's files, with a layer of memory above them, the root of this process and of the kernel's
// helpers (modprobe): whatever is written inside goes with the machine, except in a share.
func enterRoot(s spec.Spec) error {
	mounts := []mount{
		{spec.RootTag, "/lower", "9p", unix.MS_RDONLY, rootCache},
		{"rw", "/rw", "tmpfs", 0, "size=75%"},
	}
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/rw/upper", "/rw/work"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	mounts = []mount{
		{"polso-lab", "/r", "overlay", 0, "lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work"},
		{"proc", "/r/proc", "proc", 0, ""},
		{"sys", "/r/sys", "sysfs", 0, ""},
		{"dev", "/r/dev", "devtmpfs", 0, ""},
		{"devpts", "/r/dev/pts", "devpts", 0, ""},
		{"shm", "/r/dev/shm", "tmpfs", 0, ""},
		{"cgroup2", "/r/sys/fs/cgroup", "cgroup2", 0, ""},
		{"run", "/r/run", "tmpfs", 0, "mode=0755"},
		{"tmp", "/r/run/tmp", "tmpfs", 0, "mode=1777"},
	}
	if s.Modules != "" {
		mounts = append(mounts, mount{"/lower" + s.Modules, "/r/lib/modules", "", unix.MS_BIND, ""})
	}
	for _, share := range s.Shares {
		mounts = append(mounts, mount{share.Tag, "/r" + share.Path, "9p", 0, shareCache})
	}
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	if err := os.Chdir("/r"); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return os.Chdir("/")
}

// prepare loads the modules and brings up the loopback. None of it is fatal: what is missing the command will name better.
func prepare(s spec.Spec) {
	steps := [][]string{
		append([]string{"modprobe", "-q", "-a"}, s.Load...),
		{"ip", "link", "set", "lo", "up"},
	}
	if s.Address != "" {
		steps = append(steps, []string{"ip", "addr", "add", s.Address, "dev", "eth0"}, []string{"ip", "link", "set", "eth0", "up"})
	}
	for _, args := range steps {
		path, err := lookPath(args[0], s.Env)
		if err != nil {
			fmt.Fprintln(os.Stderr, "init:", err)
			continue
		}
		cmd := exec.Command(path, args[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "init: %v: %v: %s\n", args, err, bytes.TrimSpace(out))
		}
	}
}
