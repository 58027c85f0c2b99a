package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
)

// kernel is an unpacked kernel package in the cache.
type kernel struct {
	version string // as in uname -r
	image   string // the bootable file
	modules string // the folder that becomes /lib/modules
}

// Metapackages to take the kernel from, the first that the archive has; POLSO_LAB_KERNEL names another one. 6.12 is
// Debian 13's own and Debian 12's newer one.
func metapackages() []string {
	if p := os.Getenv("POLSO_LAB_KERNEL"); p != "" {
		return []string{p}
	}
	return []string{"linux-image-6.12-amd64", "linux-image-amd64", "linux-image-generic"}
}

// findKernel takes the kernel from the cache or fetches it there. Only the first run needs a network.
func findKernel(ctx context.Context, o Options) (kernel, error) {
	if runtime.GOARCH != "amd64" {
		return kernel{}, fmt.Errorf("no recipe to boot one on %s; use a machine whose own kernel has ip_vs", runtime.GOARCH)
	}
	names := metapackages()
	for _, name := range names {
		k, err := openKernel(filepath.Join(o.Cache, name))
		if err == nil && (len(o.Forwards) == 0 || k.has(reached)) { // earlier versions left that out
			return k, nil
		}
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return kernel{}, errors.New("this machine's kernel has no ip_vs, and without apt-get there is no recipe to fetch one that has")
	}
	fmt.Fprintf(o.Stderr, "labvm: fetching a Debian kernel (about 110 MB) into %s\n", o.Cache)
	if err := apt(ctx, "", "update"); err != nil {
		return kernel{}, err
	}
	var errs []error
	for _, name := range names {
		err := fetchKernel(ctx, o.Cache, name)
		if err == nil {
			return openKernel(filepath.Join(o.Cache, name))
		}
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	return kernel{}, errors.Join(errs...)
}

// openKernel reads one folder of the cache. fetchKernel renames it into place whole, so that it is complete or absent.
func openKernel(dir string) (kernel, error) {
	versions, err := filepath.Glob(dir + "/modules/*")
	if err != nil {
		return kernel{}, err
	}
	if len(versions) != 1 {
		return kernel{}, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	k := kernel{version: filepath.Base(versions[0]), image: dir + "/vmlinuz", modules: dir + "/modules"}
	_, err = os.Stat(k.image)
	return k, err
}

// reached is the module without which a virtual machine is not reached from here.
const reached = "virtio_net"

// has tells whether the kernel has a module, in a file or built in.
func (k kernel) has(module string) bool {
	for _, list := range []string{"modules.dep", "modules.builtin"} {
		text, err := os.ReadFile(filepath.Join(k.modules, k.version, list))
		if err == nil && strings.Contains(string(text), "/"+module+".ko") {
			return true
		}
	}
	return false
}

// fetchKernel downloads what a metapackage stands for, and keeps the image and the modules a laboratory can use.
func fetchKernel(ctx context.Context, cache, name string) error {
	packages, err := resolve(ctx, name)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := apt(ctx, work, append([]string{"download"}, packages...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(work + "/*.deb")
	if err != nil {
		return err
	}
	root := work + "/root"
	for _, deb := range debs {
		if err := run(ctx, "dpkg-deb", "--extract", deb, root); err != nil {
			return err
		}
	}
	if err := arrange(ctx, root, work+"/done"); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(packages, " "), err)
	}
	if err := os.RemoveAll(filepath.Join(cache, name)); err != nil {
		return err
	}
	return os.Rename(work+"/done", filepath.Join(cache, name))
}

// resolve turns a metapackage into the packages with the kernel and its modules; a real package is its own answer.
func resolve(ctx context.Context, name string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "apt-cache", "depends", "--important", name)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("the archive has no such package")
	}
	var packages []string
	for line := range strings.Lines(string(out)) {
		dep, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if ok && (strings.HasPrefix(dep, "linux-image-") || strings.HasPrefix(dep, "linux-modules-")) {
			packages = append(packages, dep)
		}
	}
	if len(packages) == 0 {
		packages = []string{name}
	}
	return packages, nil
}

// Folders of modules that are worth unpacking; the rest (sound, graphics, a thousand drivers) is four fifths of the package.
func wanted(path string) bool {
	for _, dir := range []string{
		"net/", "lib/", "crypto/", "arch/", "fs/9p/", "fs/netfs/", "fs/fscache/", "fs/overlayfs/", "fs/ext4/", "fs/jbd2/",
		"fs/mbcache", "drivers/virtio/", "drivers/net/veth", "drivers/net/dummy", "drivers/net/macvlan", "drivers/net/vrf",
		"drivers/net/ifb", "drivers/net/virtio_net", "drivers/net/net_failover", "drivers/net/bonding/", "drivers/net/vxlan", "drivers/block/loop", "drivers/watchdog/softdog",
	} {
		if strings.HasPrefix(path, "kernel/"+dir) {
			return true
		}
	}
	return false
}

// arrange moves the image and the wanted modules, decompressed (loading them is faster so under emulation), into done.
func arrange(ctx context.Context, root, done string) error {
	var dirs []string
	for _, lib := range []string{"/lib", "/usr/lib"} {
		found, err := filepath.Glob(root + lib + "/modules/*/kernel")
		if err != nil {
			return err
		}
		dirs = append(dirs, found...)
	}
	images, err := filepath.Glob(root + "/boot/vmlinuz-*")
	if err != nil {
		return err
	}
	if len(dirs) != 1 || len(images) != 1 {
		return fmt.Errorf("not a kernel with modules (%d images, %d module folders)", len(images), len(dirs))
	}
	from := filepath.Dir(dirs[0])
	to := filepath.Join(done, "modules", filepath.Base(from))
	var packed []string
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel := strings.TrimPrefix(path, from+"/")
		if strings.HasPrefix(rel, "kernel/") && !wanted(rel) {
			return nil
		}
		target := filepath.Join(to, rel)
		if strings.HasSuffix(target, ".ko.xz") {
			packed = append(packed, target)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.Rename(path, target)
	})
	if err != nil {
		return err
	}
	for len(packed) > 0 {
		n := min(len(packed), 200)
		if err := run(ctx, "xz", append([]string{"--decompress", "--threads=0", "--"}, packed[:n]...)...); err != nil {
			return err
		}
		packed = packed[n:]
	}
	if err := os.Symlink(".", done+"/lib"); err != nil { // depmod -b looks below BASE/lib/modules
		return err
	}
	if err := run(ctx, "depmod", "-b", done, filepath.Base(from)); err != nil {
		return err
	}
	return os.Rename(images[0], done+"/vmlinuz")
}

// order lists the files of the named modules with what they depend on, dependencies first.
func (k kernel) order(names ...string) ([]string, error) {
	dep, err := os.ReadFile(filepath.Join(k.modules, k.version, "modules.dep"))
	if err != nil {
		return nil, err
	}
	deps := make(map[string][]string) // module name → its file, then files it needs, nearest first
	for line := range strings.Lines(string(dep)) {
		file, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".ko"), "-", "_")
		deps[name] = append([]string{file}, strings.Fields(rest)...)
	}
	var files []string
	for _, name := range names {
		list := deps[name]
		for i := len(list) - 1; i >= 0; i-- {
			if !contains(files, list[i]) {
				files = append(files, list[i])
			}
		}
	}
	for i, f := range files {
		files[i] = filepath.Join(k.modules, k.version, f)
	}
	return files, nil
}

// loaded are the modules loaded before the command starts: what the project and its scenarios use. Some are built in
// and some are absent in some kernels; both are fine.
func loaded() []string {
	modules := []string{
		"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_wlc", "ip_vs_sh", "ip_vs_mh", "nf_conntrack", "nf_tables",
		"nft_fib_inet", "nft_masq", "xt_ipvs", "veth", "bridge", "dummy", "macvlan", "ipip", "ip6_tunnel", "sch_netem",
		"sch_prio", "cls_u32", "loop", "ext4",
	}
	sort.Strings(modules)
	return modules
}

// run runs a program, quiet unless it fails.
func run(ctx context.Context, name string, args ...string) error {
	path, err := lookPath(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, lastLines(out.String(), 5))
	}
	return nil
}
