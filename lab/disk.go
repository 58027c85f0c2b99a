package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system of a router's own: ext4 in a file in memory, behind a loop device. It can be made to hang and to
// be full, as a real one under a data directory can, without touching anybody else's.
type disk struct {
	image, at string
	mounted   bool
	guard     *exec.Cmd
	leash     io.Closer // the guard's standard input: closed when this process ends, however it ends

	mu     sync.Mutex // guards below
	frozen bool
	thaw   *time.Timer
}

const (
	// From linux/fs.h; golang.org/x/sys has no names for them.
	fiFreeze, fiThaw = 0xc0045877, 0xc0045878
	// longestStall is when a disk that nobody thaws is thawed all the same: what hangs on it cannot even be killed.
	longestStall = time.Minute
	ballast      = "ballast" // the file that fills a disk
)

// newDisk makes a file system of that many bytes and mounts it on dir.
func newDisk(ctx context.Context, dir string, size int64) (d *disk, err error) {
	d = &disk{image: dir + ".img", at: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.image, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	// Small, and nothing reserved for root: the agent is root, and full shall be full.
	mkfs := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-N", "512", "-J", "size=4", "-E", "lazy_itable_init=1,nodiscard", d.image)
	if out, err := mkfs.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mkfs.ext4: %w: %s", err, out)
	}
	device, err := attach(f)
	if err != nil {
		return nil, fmt.Errorf("loop device: %w", err)
	}
	defer device.Close() // the mount keeps it; with the mount it goes
	if err := unix.Mount(device.Name(), dir, "ext4", unix.MS_NOATIME, ""); err != nil {
		return nil, fmt.Errorf("mount %s on %s: %w", device.Name(), dir, err)
	}
	d.mounted = true
	return d, d.watchOver()
}

// attach finds a free loop device for an open file. The device lets go of it with its last user.
func attach(f *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for range 20 { // between asking and taking, another may take it
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, err
		}
		device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd: uint32(f.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, err
		}
	}
	return nil, unix.EBUSY
}

// watchOver starts a process that thaws the disk when this one has gone without doing so.
func (d *disk) watchOver() error {
	d.guard = exec.Command("sh", "-c", `trap "" HUP INT TERM; read -r _; exec fsfreeze --unfreeze "$0"`, d.at)
	d.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := d.guard.StdinPipe()
	if err != nil {
		return err
	}
	if err := d.guard.Start(); err != nil {
		return fmt.Errorf("guard: %w", errors.Join(err, leash.Close()))
	}
	d.leash = leash
	return nil
}

func (d *disk) control(request uint) error {
	f, err := os.Open(d.at)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.IoctlSetInt(int(f.Fd()), request, 0)
}

func (d *disk) stall() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frozen {
		return nil
	}
	if err := d.control(fiFreeze); err != nil {
		return fmt.Errorf("freeze %s: %w", d.at, err)
	}
	d.frozen = true
	d.thaw = time.AfterFunc(longestStall, func() { _ = d.resume() }) // close tries again, and says what it meets
	return nil
}

func (d *disk) resume() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.frozen {
		return nil
	}
	d.thaw.Stop()
	if err := d.control(fiThaw); err != nil {
		return fmt.Errorf("thaw %s: %w", d.at, err)
	}
	d.frozen = false
	return nil
}

// fill leaves no block free.
func (d *disk) fill() error {
	f, err := os.OpenFile(filepath.Join(d.at, ballast), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	at := int64(0)
	for piece := int64(1 << 20); piece >= 4096; {
		switch err := unix.Fallocate(int(f.Fd()), 0, at, piece); {
		case err == nil:
			at += piece
		case errors.Is(err, unix.ENOSPC):
			piece /= 2
		case errors.Is(err, unix.EINTR):
		default:
			return fmt.Errorf("fill %s: %w", d.at, err)
		}
	}
	return nil
}

func (d *disk) free() error {
	err := os.Remove(filepath.Join(d.at, ballast))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// close thaws and unmounts the disk. It may be called more than once.
func (d *disk) close() error {
	err := d.resume()
	if d.leash != nil {
		d.leash.Close()
		_ = d.guard.Wait() // that there is nothing to thaw is an error to it
		d.leash = nil
	}
	if d.mounted {
		d.mounted = false
		// Detached: a process that has hung on it may still be on its way out.
		err = errors.Join(err, unix.Unmount(d.at, unix.MNT_DETACH))
	}
	return errors.Join(err, os.RemoveAll(d.image))
}

// errNoDisk means that the laboratory was built without Options.DiskSize.
var errNoDisk = errors.New("its data directory has no file system of its own")

func (r *Router) onDisk(do func(*disk) error) error {
	err := errNoDisk
	if r.disk != nil {
		err = do(r.disk)
	}
	if err != nil {
		return fmt.Errorf("%s: disk: %w", r.Name, err)
	}
	return nil
}

// StallDisk makes every write below the router's data directory hang until ResumeDisk, for a minute at most.
func (r *Router) StallDisk() error { return r.onDisk((*disk).stall) }

// ResumeDisk undoes StallDisk; nothing happens if the disk does not hang.
func (r *Router) ResumeDisk() error { return r.onDisk((*disk).resume) }

// FillDisk leaves no space below the router's data directory until FreeDisk.
func (r *Router) FillDisk() error { return r.onDisk((*disk).fill) }

// FreeDisk undoes FillDisk; nothing happens if the disk was not filled.
func (r *Router) FreeDisk() error { return r.onDisk((*disk).free) }
