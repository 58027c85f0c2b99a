package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"polso/config"
)

// runCommand runs the block's program with the event in its environment and as JSON on its input. When ctx ends, it is killed
// with all that it started and that stayed in its process group. Its output counts for the error alone.
func runCommand(ctx context.Context, n config.Notify, e Event) error {
	input, err := json.Marshal(e)
	if err != nil {
		return fatal{err}
	}
	who, err := credential(n.User)
	if err != nil {
		return fatal{err}
	}
	var said tail
	cmd := exec.CommandContext(ctx, n.Command[0], n.Command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &said, &said
	cmd.Dir = "/"
	cmd.Env = environment(e)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for who left the group with our pipes
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("killed after %v", n.Timeout)
		}
		return fmt.Errorf("%s: %w%s", n.Command[0], err, said.text())
	}
	return nil
}

// credential is that of a user; nil for who we are already.
func credential(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(uerr, gerr); err != nil {
		return nil, err
	}
	if int(uid) == os.Geteuid() {
		return nil, nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// environment is all that a command gets: nothing of the router's own.
func environment(e Event) []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "POLSO_EVENT=" + string(e.Kind), "POLSO_AT=" + e.At.UTC().Format(time.RFC3339)}
	for name, value := range map[string]string{"CLUSTER": e.Cluster, "ROUTER": e.Router, "ABOUT": e.About, "VIRTUAL": e.Virtual, "SERVER": e.Server, "ADDRESS": e.Address, "REASON": e.Reason} {
		env = append(env, "POLSO_"+name+"="+strings.ReplaceAll(value, "\x00", ""))
	}
	return env
}

// tail keeps the last bytes of what a command says.
type tail struct{ kept []byte }

const tailKept = 200

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - tailKept; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

func (t *tail) text() string {
	if len(t.kept) == 0 {
		return ""
	}
	return fmt.Sprintf(": %q", bytes.TrimSpace(t.kept))
}
