package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Router is a node that runs the real agent: eth0 is outside, eth1 inside. A witness has eth0 alone.
type Router struct {
	*Node

	Binary string // the polso binary that it starts next, and that Polso runs; "": Options.Binary

	lab    *Lab
	kind   kind
	dir    string
	disk   *disk // under its data directory; nil without Options.DiskSize
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// kind is what a token admits.
type kind string

const (
	router  kind = "router"
	witness kind = "witness"
)

func (l *Lab) addRouter(ctx context.Context, name string, host int) (*Router, error) {
	n, err := l.addNode(ctx, name, host, outer, inner)
	if err != nil {
		return nil, err
	}
	// What an administrator of a router sets.
	if err := n.sysctl("net/ipv4/ip_forward", "1", "net/ipv6/conf/all/forwarding", "1"); err != nil {
		return nil, err
	}
	r := &Router{Node: n, lab: l, kind: router, dir: filepath.Join(l.dir, name)}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, err
	}
	if l.options.DiskSize > 0 {
		if r.disk, err = newDisk(ctx, filepath.Join(r.dir, "disk"), l.options.DiskSize); err != nil {
			return r, fmt.Errorf("%s: disk: %w", name, err)
		}
	}
	return r, nil
}

// addWitness makes a node that votes and can do nothing else.
func (l *Lab) addWitness(ctx context.Context, name string, host int) (*Router, error) {
	n, err := l.addNode(ctx, name, host, outer)
	if err != nil {
		return nil, err
	}
	w := &Router{Node: n, lab: l, kind: witness, dir: filepath.Join(l.dir, name)}
	return w, os.MkdirAll(w.dir, 0o700)
}

func (r *Router) dataDir() string {
	if r.disk != nil {
		return filepath.Join(r.disk.at, "data") // one level down: it can be wiped, and lost+found is none of its business
	}
	return filepath.Join(r.dir, "data")
}
func (r *Router) binary() string  { return cmp.Or(r.Binary, r.lab.options.Binary) }
func (r *Router) socket() string  { return filepath.Join(r.dir, "polso.sock") }
func (r *Router) logPath() string { return filepath.Join(r.dir, "agent.log") }

// Addr4 is the router's own address outside, where its peers find it first.
func (r *Router) Addr4() string { return r.Addr(Outside).String() }

// peerAddrs are the addresses at which its peers find it.
func (r *Router) peerAddrs() []string {
	if r.lab.options.TwoPaths {
		return []string{r.Addr4(), r.Addr(Inside).String()}
	}
	return []string{r.Addr4()}
}

// advertised is the router's addresses in the words of init and join.
func (r *Router) advertised() (flags []string) {
	for _, a := range r.peerAddrs() {
		flags = append(flags, "--advertise", a)
	}
	return flags
}

// Start starts the agent and waits until it answers on its socket. Its output is added to the router's log.
func (r *Router) Start(ctx context.Context) error {
	if r.Running() {
		return fmt.Errorf("%s: already running", r.Name)
	}
	words := []string{r.binary(), "agent", "--name", r.Name, "--data-dir", r.dataDir(), "--socket", r.socket()}
	for _, a := range r.peerAddrs() {
		words = append(words, "--listen", a+":5390")
	}
	if r.kind == witness { // without the privileges that it needs not
		words = slices.Concat([]string{"setpriv", "--bounding-set", "-net_admin,-net_raw,-sys_module"}, words, []string{"--kernel", "none"})
	} else {
		words = append(words, "--interface", "outside=eth0", "--interface", "inside=eth1", "--kernel", "real")
	}
	words = append(words, r.lab.options.AgentFlags...)
	if err := r.Spawn(words[0], words[1:]...); err != nil {
		return err
	}
	err := Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		if !r.Running() {
			return fmt.Errorf("the agent ended: %s", r.LogTail(5))
		}
		_, err := r.Status(ctx, OwnBrief)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: start: %w", r.Name, err)
	}
	return nil
}

// Spawn makes a program the router's process, the one that faults strike. Start is Spawn with the agent; the benchmark
// runs others.
func (r *Router) Spawn(program string, args ...string) error {
	log, err := os.OpenFile(r.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := r.readyLeaps(); err != nil {
		return err
	}
	fmt.Fprintf(log, "--- %s %s\n", program, strings.Join(args, " "))
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), leapEnv+"="+r.leapPath())
	// A group of its own: signals reach its children too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.Node.Start(cmd); err != nil {
		return fmt.Errorf("%s: start %s: %w", r.Name, program, err)
	}
	exited := make(chan struct{})
	r.cmd, r.exited = cmd, exited
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}()
	return nil
}

// Running tells whether the router's process is there (stopped counts).
func (r *Router) Running() bool {
	if r.cmd == nil {
		return false
	}
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// Polso runs the command line against this router's agent and returns its standard output. The error of a command that
// fails carries its exit status (see ExitStatus) and its standard error.
func (r *Router) Polso(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, r.binary(), args...)
	cmd.Env = append(os.Environ(), "POLSO_ADDR=unix://"+r.socket(), "NO_COLOR=1")
	cmd.WaitDelay = time.Second
	return r.run(cmd)
}

// ExitStatus is the exit status in an error of Polso or Run; 0 for nil, -1 if there is none.
func ExitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		return -1
	}
}

// Kill ends the process without a chance to do anything.
func (r *Router) Kill() error {
	if err := r.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-r.exited
	return nil
}

// Term asks the process to end. It does not wait; Wait does.
func (r *Router) Term() error { return r.signal(syscall.SIGTERM) }

// Stop freezes the process; Cont lets it go on.
func (r *Router) Stop() error { return r.signal(syscall.SIGSTOP) }

// Cont undoes Stop.
func (r *Router) Cont() error { return r.signal(syscall.SIGCONT) }

// Wait waits for the process to end.
func (r *Router) Wait(ctx context.Context) error {
	if r.cmd == nil {
		return nil
	}
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: still running: %w", r.Name, context.Cause(ctx))
	}
}

// Wipe removes the data directory of a router whose agent does not run.
func (r *Router) Wipe() error {
	if r.Running() {
		return fmt.Errorf("%s: wipe: the agent is running", r.Name)
	}
	return os.RemoveAll(r.dataDir())
}

// LogTail is the end of the router's log.
func (r *Router) LogTail(lines int) string {
	text, err := os.ReadFile(r.logPath())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// signal signals the process and its children.
func (r *Router) signal(s syscall.Signal) error {
	if !r.Running() {
		return fmt.Errorf("%s: %v: no process", r.Name, s)
	}
	if err := syscall.Kill(-r.cmd.Process.Pid, s); err != nil {
		return fmt.Errorf("%s: %v: %w", r.Name, s, err)
	}
	return nil
}

// shutdown ends the process, politely first.
func (r *Router) shutdown() error {
	if !r.Running() {
		return nil
	}
	// It may be frozen, or gone by now: Kill below says so.
	_ = r.Cont()
	_ = r.Term()
	wait := time.NewTimer(shutdownTimeout)
	defer wait.Stop()
	select {
	case <-r.exited:
		return nil
	case <-wait.C:
		return errors.Join(fmt.Errorf("%s: did not end within %v of SIGTERM", r.Name, shutdownTimeout), r.Kill())
	}
}
