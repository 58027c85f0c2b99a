package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cached makes a folder of the cache as fetchKernel leaves it.
func cached(t *testing.T, dir string) kernel {
	t.Helper()
	modules := filepath.Join(dir, "modules", "6.12.0")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		filepath.Join(dir, "vmlinuz"): "",
		filepath.Join(modules, "modules.dep"): `kernel/fs/9p/9p.ko: kernel/fs/netfs/netfs.ko kernel/net/9p/9pnet.ko
kernel/fs/netfs/netfs.ko:
kernel/net/9p/9pnet.ko: kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet-virtio.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k, err := openKernel(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpenKernel(t *testing.T) {
	if _, err := openKernel(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v, want not exist", err)
	}
	k := cached(t, t.TempDir())
	if k.version != "6.12.0" {
		t.Errorf("version %q", k.version)
	}
	if err := os.Remove(k.image); err != nil {
		t.Fatal(err)
	}
	if _, err := openKernel(filepath.Dir(k.image)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without an image: %v, want not exist", err)
	}
}

func TestKernelHas(t *testing.T) {
	k := cached(t, t.TempDir())
	if !k.has("9p") || k.has("p") || k.has(reached) {
		t.Errorf("9p: %t, p: %t, %s: %t", k.has("9p"), k.has("p"), reached, k.has(reached))
	}
	if err := os.WriteFile(filepath.Join(k.modules, k.version, "modules.builtin"), []byte("kernel/drivers/net/virtio_net.ko\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !k.has(reached) {
		t.Errorf("%s is built in, and not found", reached)
	}
}

func TestOrderPutsDependenciesFirst(t *testing.T) {
	k := cached(t, t.TempDir())
	files, err := k.order("9pnet_virtio", "9p", "built_in")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if _, err := filepath.Rel(k.modules, f); err != nil {
			t.Error(err)
		}
		names = append(names, filepath.Base(f))
	}
	if got, want := strings.Join(names, " "), "netfs.ko 9pnet.ko 9pnet-virtio.ko 9p.ko"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWanted(t *testing.T) {
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"kernel/net/netfilter/ipvs/ip_vs.ko.xz", true},
		{"kernel/fs/overlayfs/overlay.ko.xz", true},
		{"kernel/drivers/net/veth.ko.xz", true},
		{"kernel/drivers/net/virtio_net.ko.xz", true},
		{"kernel/drivers/net/ethernet/intel/e1000/e1000.ko.xz", false},
		{"kernel/sound/soundcore.ko.xz", false},
	} {
		if got := wanted(tt.path); got != tt.want {
			t.Errorf("wanted(%s) = %v", tt.path, got)
		}
	}
}

func TestMetapackageFromTheEnvironment(t *testing.T) {
	t.Setenv("POLSO_LAB_KERNEL", "linux-image-cloud-amd64")
	if got := strings.Join(metapackages(), " "); got != "linux-image-cloud-amd64" {
		t.Errorf("got %s", got)
	}
}
