// Package program runs an operator's program: bounded, unprivileged, killed with all that it started.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Program is what an operator's document has run.
type Program struct {
	Command []string  // the program and its arguments; no shell looks at them
	User    string    // who runs it, in no group but its own; "": nobody
	Env     []string  // NAME=value, beside PATH and LANG: of the router's own environment it gets nothing
	Input   []byte    // what it can read
	Output  io.Writer // takes what it prints, as it prints; nil: nobody wants it. A pointer: it is compared. Run's alone until Run returns
}

// straggle is how long an output that somebody still holds open is read when the program has ended.
const straggle = 100 * time.Millisecond

// Run runs p in / until it ends or ctx does, and returns how it ended. An error is ctx's, if p was killed for that, or says why p
// could not be started. Runs may be made at once.
//
// It is the leader of a process group of its own, of which nobody is left when Run returns. Who leaves the group (setsid) escapes,
// and lives on; Run does not wait for it. What would catch it costs more than it is worth: a process namespace, because the
// program could no longer signal the processes that it asks after (kill -0); a cgroup, because a part of the tree would have to be
// ours, which it is not in a container or without Delegate=; being the reaper, because that says who is left and not whose.
func (p Program) Run(ctx context.Context) (*os.ProcessState, error) {
	if len(p.Command) == 0 {
		return nil, errors.New("there is no command")
	}
	who, err := credential(p.User)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.Command[0], p.Command[1:]...)
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}, p.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	if p.Input != nil {
		cmd.Stdin = bytes.NewReader(p.Input)
	}
	cmd.Stdout, cmd.Stderr = p.Output, p.Output
	cmd.WaitDelay = straggle
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %v", cmd.Path, startFault(err))
	}
	ended := make(chan error, 1)
	go func() { ended <- waitWithoutReaping(cmd.Process.Pid) }()
	var late error
	select {
	case err = <-ended:
	case <-ctx.Done():
		late = ctx.Err()
		killGroup(cmd.Process.Pid)
		err = <-ended
	}
	// Its number is not free before it is reaped, so that this can meet nobody else.
	killGroup(cmd.Process.Pid)
	_ = cmd.Wait() // the state says it
	if err := errors.Join(late, err); err != nil {
		return nil, err
	}
	return cmd.ProcessState, nil
}

func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) } // an error means that nobody is in it

// startFault is the kernel's word alone: what it is about stands before it.
func startFault(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
