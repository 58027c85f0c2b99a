package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"polso/api"
)

// runDir is where locks lie that belong to this machine's kernel and not to a node's data.
const runDir = "/run/polso"

// alone makes this process the one that touches the addresses and the IPVS table of its network namespace, until it closes
// what it is given. Two agents there would each take the other's addresses for a dead one's. The lock is a file in a
// directory that not everybody may write to; it goes with the process.
func alone() (io.Closer, error) {
	f, err := openLock()
	if err != nil {
		return nil, notLocked(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, api.Errorf(api.CodeRefused, "an agent runs in this network namespace already").
				WithHint("stop it first; `fuser -v %s` shows its process", f.Name())
		}
		return nil, fmt.Errorf("lock of the network namespace: %w", err)
	}
	return f, nil
}

// notLocked says how to get at the lock, for which capabilities are not enough.
func notLocked(err error) error {
	err = fmt.Errorf("lock of the network namespace: %w", err)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return api.Errorf(api.CodeDenied, "%v", err).
		WithHint("%s must be this user's, with what is in it: RuntimeDirectory=polso in the service, or as root: chown -R USER %s; or run as root", runDir, runDir)
}

// openLock opens the lock file of this network namespace, which its inode names (namespaces(7)).
func openLock() (*os.File, error) {
	ns, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	stat, ok := ns.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, errors.New("/proc/self/ns/net has no inode")
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(runDir, fmt.Sprintf("net-%d.lock", stat.Ino)), os.O_CREATE|os.O_RDWR, 0o600)
}
