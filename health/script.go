package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// askScript runs the check's command, without a shell, with the target's address and port for %h and %p. Exit status 0 is up, 1 is
// down, and 2 to 255 up with a weight of 2 less, as with keepalived's MISC_CHECK. With an expectation the status has to be 0
// and what was printed, without its last line end, the text that is expected (the whole of it, as with nanny's send_program),
// or match its expression. The first line of what was printed becomes the reason.
//
// The command runs as the check's user, nobody unless it says otherwise, in a process group of its own, which is killed when
// the command ends or its time does, with nothing but a PATH and no input.
func askScript(ctx context.Context, p prober, t Target) answer {
	cmd, err := command(t)
	if err != nil {
		return answer{Err: err}
	}
	p.step("run "+strings.Join(cmd.Args, " "), nil)
	status, printed, err := runCommand(ctx, cmd)
	p.step("printed", printed)
	line, _, _ := strings.Cut(strings.TrimSpace(string(printed)), "\n")
	if line = strings.ToValidUTF8(strings.TrimSpace(line), "?"); line != "" {
		line = ", " + short(line)
	}
	switch {
	case err != nil:
		return answer{Err: err}
	case !status.Exited():
		return answer{Words: "ended by signal " + status.Signal().String() + line}
	case t.Check.Expect != "":
		return p.printed(status, printed, t.Check.Expect)
	}
	code := status.ExitStatus()
	a := answer{OK: code != 1, Words: "exit " + strconv.Itoa(code) + line}
	if code > 1 {
		a.Advice = Advice{Kind: Absolute, Value: code - 2}
	}
	return a
}

// printed judges by what the command printed.
func (p prober) printed(status syscall.WaitStatus, printed []byte, words string) answer {
	want, err := p.expect(words)
	text := []byte(strings.TrimRight(string(printed), "\r\n"))
	switch {
	case err != nil:
		return answer{Err: err}
	case status.ExitStatus() != 0:
		return answer{Words: fmt.Sprintf("exit %d, printed %s", status.ExitStatus(), said(text))}
	case !want.met(text), want.pattern == nil && len(want.prefix) > 0 && len(text) != len(want.prefix):
		return answer{Words: "printed " + said(text) + ", which is not expected"}
	default:
		return answer{OK: true, Words: "printed " + said(text)}
	}
}

// command is the target's, ready to start.
func command(t Target) (*exec.Cmd, error) {
	if len(t.Check.Command) == 0 {
		return nil, errors.New("the check has no command")
	}
	target := strings.NewReplacer("%h", t.Addr.Addr().Unmap().String(), "%p", strconv.Itoa(int(t.Addr.Port())))
	args := make([]string, len(t.Check.Command))
	for i, word := range t.Check.Command {
		args[i] = target.Replace(word)
	}
	who, err := credential(t.Check.User)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	return cmd, nil
}

// credential is that of a user, nobody for "". Root is only who is called so. Who is not root can run commands as himself alone.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		name = "nobody"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("on this router: there is no user %q", name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("on this router: user %q has the id %q", name, u.Uid)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("on this router: user %q has the group id %q", name, u.Gid)
	}
	switch {
	case uid == 0 && name != "root":
		return nil, fmt.Errorf("on this router: user %q is root; who means that writes user = \"root\"", name)
	case os.Geteuid() == int(uid) && uid != 0:
		return nil, nil
	case os.Geteuid() != 0:
		return nil, fmt.Errorf("on this router: polso does not run as root and cannot run a command as %s", name)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil // and no other group
}

// runCommand runs cmd until it ends or ctx does, and returns what it printed of late, up to maxAnswer. No process of its group is left.
func runCommand(ctx context.Context, cmd *exec.Cmd) (syscall.WaitStatus, []byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w // as files: Wait does not wait for who else has them open
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return 0, nil, fmt.Errorf("on this router: %s: %v", cmd.Path, startFault(err))
	}
	printed := make(chan []byte, 1)
	go func() { // ends with r
		head, _ := io.ReadAll(io.LimitReader(r, maxAnswer))
		_, _ = io.Copy(io.Discard, r) // or else the command would wait for a reader
		printed <- head
	}()
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
	_ = cmd.Wait() // the status says it
	// Who left the group may still have the other end open.
	_ = r.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	text := <-printed
	switch {
	case late != nil:
		return 0, text, late
	case err != nil:
		return 0, text, err
	}
	return cmd.ProcessState.Sys().(syscall.WaitStatus), text, nil
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
