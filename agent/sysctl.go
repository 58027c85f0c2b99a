package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"polso/director"
)

// procSys reads and writes kernel settings below a root, /proc/sys.
type procSys struct{ root string }

// Read returns the setting at path ("net/ipv4/ip_forward") without its newline, and numbers of several with one space between
// them, as they are written ("net/ipv4/vs/sync_threshold").
func (p procSys) Read(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(p.root, path))
	return strings.Join(strings.Fields(string(b)), " "), err
}

// Write sets the setting at path.
func (p procSys) Write(path, value string) error {
	if err := os.WriteFile(filepath.Join(p.root, path), []byte(value), 0); err != nil {
		return fmt.Errorf("sysctl %s = %s: %w", director.SysctlName(path), value, err)
	}
	return nil
}

// Writable implements settings.
func (p procSys) Writable(path string) error {
	f, err := os.OpenFile(filepath.Join(p.root, path), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// memSys stands in for procSys where the kernel is simulated.
type memSys struct{ values map[string]string }

func (m memSys) Read(path string) (string, error) { return m.values[path], nil }

func (m memSys) Write(path, value string) error {
	m.values[path] = value
	return nil
}

// Writable implements settings.
func (m memSys) Writable(string) error { return nil }

// withoutIPVS keeps IPVS's own settings in memory, for a kernel whose table is simulated, and passes the others on.
type withoutIPVS struct {
	kernel procSys
	own    memSys
}

const ipvsSettings = "net/ipv4/vs/"

func (w withoutIPVS) Read(path string) (string, error) {
	if strings.HasPrefix(path, ipvsSettings) {
		return w.own.Read(path)
	}
	return w.kernel.Read(path)
}

func (w withoutIPVS) Write(path, value string) error {
	if strings.HasPrefix(path, ipvsSettings) {
		return w.own.Write(path, value)
	}
	return w.kernel.Write(path, value)
}

// Writable implements settings.
func (w withoutIPVS) Writable(path string) error {
	if strings.HasPrefix(path, ipvsSettings) {
		return w.own.Writable(path)
	}
	return w.kernel.Writable(path)
}
