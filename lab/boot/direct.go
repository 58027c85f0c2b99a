package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// hasIPVS tells whether the running kernel balances: its proc file is there once the module is, or it is built in.
func hasIPVS(ctx context.Context) bool {
	if path, err := lookPath("modprobe"); err == nil {
		// An error is an answer too: the file below decides.
		_ = exec.CommandContext(ctx, path, "-q", "ip_vs").Run()
	}
	_, err := os.Stat("/proc/net/ip_vs")
	return err == nil
}

// insideScript makes the new namespaces fit to live in: own /run (namespaces' names, sockets, data directories, all in
// memory), own /sys, loopback. "$@" is the command.
const insideScript = `set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 run /run
mkdir -p /run/netns /run/lock /run/tmp
chmod 1777 /run/tmp
mount -t sysfs sys /sys 2>/dev/null || true
ip link set lo up
exec "$@"
`

// gracePeriod is how long a command that is to end has to put things right.
const gracePeriod = 20 * time.Second

// runDirect runs the command under this machine's kernel in mount, network and process namespaces of its own: the host's
// interfaces and IPVS table are out of reach, and when the command ends everything it started ends with it.
func runDirect(ctx context.Context, o Options) (status int, err error) {
	if path, err := lookPath("modprobe"); err == nil {
		_ = exec.CommandContext(ctx, path, append([]string{"-q", "-a"}, loaded()...)...).Run()
	}
	args := append([]string{"--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", insideScript, "lab"}, o.Command...)
	cmd := exec.CommandContext(ctx, "unshare", args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = o.Dir, o.environment(), o.Stdout, o.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// Asked first: here the kernel outlives the command, and with it a file system that was left frozen.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = gracePeriod
	relay, err := newRelay(o.Forwards)
	if err != nil {
		return 0, fmt.Errorf("forward: %w", err)
	}
	defer relay.Close()
	exited, err := start(cmd)
	if err != nil {
		return 0, fmt.Errorf("namespaces: %w", err)
	}
	relay.run(ctx, cmd.Process.Pid)
	err = <-exited
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal()), nil
	default:
		return 0, err
	}
}
