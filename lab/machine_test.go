package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// machine is a node with a name and files of its own: /run/polso, /var/lib, /root, and polso where its package puts it.
type machine struct {
	*Node
	dir string
}

func (m *machine) furnish(binary string) error {
	for _, d := range []string{"run", "lib/polso", "root", "bin"} {
		if err := os.MkdirAll(filepath.Join(m.dir, d), 0o755); err != nil {
			return err
		}
	}
	link := filepath.Join(m.dir, "bin/polso")
	if _, err := os.Lstat(link); err == nil {
		return nil
	}
	return os.Symlink(binary, link)
}

// inside are the arguments of unshare that run a line of shell on the machine.
func (m *machine) inside(line string) []string {
	const setUp = `mkdir -p /run/polso; mount --bind "$1/run" /run/polso; mount --bind "$1/lib" /var/lib; hostname "$2"; cd "$1/root"
export PATH="$1/bin:$PATH" HOME="$1/root" NO_COLOR=1 LC_ALL=C.UTF-8; exec sh -c "$3"`
	return []string{"--mount", "--uts", "sh", "-euc", setUp, "-", m.dir, m.Name, line}
}

// sh runs a line as somebody types it, and returns all that it prints.
func (m *machine) sh(ctx context.Context, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "unshare", m.inside(line)...)
	cmd.WaitDelay = time.Second
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said // one writer: in the order in which it comes
	err := m.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return said.String(), err
}
