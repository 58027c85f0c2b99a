package lab

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDiskOfItsOwn(t *testing.T) {
	_, l := build(t, Options{Routers: 1, Beside: []string{}, Behind: []string{}, DiskSize: 16 << 20})
	r := l.Routers[0]
	must(t, os.MkdirAll(r.dataDir(), 0o700))
	write := func(name string) error {
		f, err := os.Create(filepath.Join(r.dataDir(), name))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.Write(make([]byte, 64<<10)); err != nil {
			return err
		}
		return f.Sync()
	}
	must(t, write("before"))

	must(t, r.StallDisk())
	must(t, r.StallDisk()) // twice is once
	written := make(chan error, 1)
	go func() { written <- write("during") }()
	select {
	case err := <-written:
		t.Errorf("a write to a stalled disk returned %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	must(t, r.ResumeDisk())
	select {
	case err := <-written:
		must(t, err)
	case <-time.After(5 * time.Second):
		t.Fatal("a write still hangs on a disk that was resumed")
	}
	must(t, r.ResumeDisk())

	must(t, r.FillDisk())
	if err := write("full"); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a write to a full disk: %v, want ENOSPC", err)
	}
	must(t, r.FreeDisk())
	must(t, r.FreeDisk())
	must(t, write("after"))

	// Close must get rid of a disk that is stalled.
	must(t, r.StallDisk())
	at := r.disk.at
	must(t, l.Close())
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err == nil && fs.Type == unix.EXT4_SUPER_MAGIC {
		t.Errorf("%s is still mounted", at)
	}
}

func TestDiskIsAnOption(t *testing.T) {
	r := &Router{Node: &Node{Name: "r1"}}
	if err := r.StallDisk(); !errors.Is(err, errNoDisk) {
		t.Errorf("%v, want errNoDisk", err)
	}
}
