package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"polso/api"
)

// runDir is where locks lie that belong to this machine's kernel and not to a node's data.
const runDir = "/run/polso"

// alone makes this process the one that touches the addresses and the IPVS table of its network namespace, until it closes
// what it is given. Two agents there would each take the other's addresses for a dead one's. The lock is a file that only
// root can hold; it goes with the process.
func alone() (io.Closer, error) {
	f, err := openLock()
	if err != nil {
		return nil, notPermitted(fmt.Errorf("lock of the network namespace: %w", err))
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
