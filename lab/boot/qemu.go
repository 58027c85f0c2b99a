package boot

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"polso/lab/boot/spec"
)

const artifactsTag = "artifacts"

var (
	// errNeverReady means that the machine ended before the command had started.
	errNeverReady = errors.New("it ended before it was ready")
	// errEnded means that it ended while the command was running.
	errEnded = errors.New("it ended while the command was running")
	// errCrashed means that its kernel panicked while the command was running.
	errCrashed = errors.New("its kernel crashed while the command was running")
	// errUnfit means that this machine has KVM, and that it cannot run the kernel. A qemu that ends at once says the same of it: a
	// nested KVM may lack a register that it announces.
	errUnfit = errors.New("KVM here cannot run it")
)

// accelerator is what runs the virtual machine's instructions, in qemu's words.
type accelerator string

const (
	native   accelerator = "kvm"
	emulated accelerator = "tcg,thread=multi"
)

// Emulated on several processors, a kernel that patches its own code crashes now and then where it does so: while it boots
// (seen: sched_clock_idle_wakeup_event, once in some thirty boots), and seldom later (seen: inet6_ehashfn, in the first IPv6
// connection, once in some hundred runs). A machine may fail to come up three times, as the command has not started by then.
// After a crash the command begins again, once: what makes the kernel crash by itself does so again.
const (
	boots   = 3
	crashes = 1
)

// runVM boots the kernel and runs the command in it.
func runVM(ctx context.Context, o Options, k kernel) (status int, err error) {
	t := tries{by: emulated}
	if hasKVM() {
		t.by = native
	}
	for {
		status, err = runMachine(ctx, o, k, t.by)
		why, again := t.again(err)
		if !again {
			return status, err
		}
		fmt.Fprintln(o.Stderr, "labvm:", why)
	}
}

// tries are what has been tried, and what is tried next.
type tries struct {
	by             accelerator
	boots, crashed int
}

// again tells whether to boot once more after err, and why. A machine that KVM does not bring up is emulated.
func (t *tries) again(err error) (why string, ok bool) {
	t.boots++
	never := errors.Is(err, errNeverReady)
	switch {
	case t.by == native && (never || errors.Is(err, errUnfit)):
		t.by, t.boots = emulated, 0
		return "KVM is here and cannot run this kernel; emulating", true
	case never && t.boots < boots:
		return "the machine did not come up; booting again", true
	case errors.Is(err, errCrashed) && t.crashed < crashes && t.by == emulated:
		t.crashed, t.boots = t.crashed+1, 0
		return fmt.Sprintf("%v\nlabvm: the emulated kernel crashed; the command begins again, for the last time", err), true
	default:
		return "", false
	}
}

// runMachine boots once and kills the machine as soon as the status is known.
func runMachine(ctx context.Context, o Options, k kernel, by accelerator) (status int, err error) {
	work, err := os.MkdirTemp("", "polso-lab-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	if err := buildInitrd(ctx, o, k, by, work); err != nil {
		return 0, fmt.Errorf("initial RAM disk: %w", err)
	}
	var listeners []net.Listener
	for _, port := range ports() {
		l, err := net.Listen("unix", filepath.Join(work, port))
		if err != nil {
			return 0, err
		}
		defer l.Close()
		listeners = append(listeners, l)
	}
	console := filepath.Join(o.Artifacts, "console.log")

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", arguments(o, k, by, work, console)...)
	qemu.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	complaints := &complaints{unfit: func() { stop(errUnfit) }}
	qemu.Stderr = complaints
	exited, err := start(qemu)
	if err != nil {
		return 0, fmt.Errorf("qemu: %w", err)
	}
	defer func() { stop(nil); <-exited }()
	// When the machine ends before it has connected, accepting must end too.
	go func() {
		<-exited
		for _, l := range listeners {
			l.Close()
		}
	}()

	answer, err := converse(o, listeners)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if err != nil {
		if errors.Is(err, errEnded) && panicked(console) {
			err = errCrashed
		}
		return 0, fmt.Errorf("virtual machine: %w\n%s\n%s", err, complaints.String(), consoleTail(console))
	}
	if text, ok := strings.CutPrefix(answer, "exit "); ok {
		return strconv.Atoi(text)
	}
	return 0, fmt.Errorf("virtual machine: %s (its console: %s)", answer, console)
}

func ports() []string { return []string{spec.PortControl, spec.PortOut, spec.PortErr} }

// start starts cmd from a thread that lives as long as it: the parent-death signal, which makes sure that no machine
// outlives this process, is sent when the starting thread ends.
func start(cmd *exec.Cmd) (exited <-chan error, err error) {
	started, done := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
			close(done)
		}
	}()
	return done, <-started
}

// converse copies the command's streams and returns the last word on the control port.
func converse(o Options, listeners []net.Listener) (answer string, err error) {
	conns := make([]net.Conn, len(listeners))
	for i, l := range listeners {
		if conns[i], err = l.Accept(); err != nil {
			return "", errNeverReady
		}
		defer conns[i].Close()
	}
	var copies sync.WaitGroup
	for i, w := range []io.Writer{o.Stdout, o.Stderr} {
		copies.Go(func() { _, _ = io.Copy(w, conns[i+1]) })
	}
	lines := bufio.NewScanner(conns[0])
	for lines.Scan() {
		if answer = strings.TrimSpace(lines.Text()); answer != "ready" {
			break
		}
	}
	switch answer {
	case "":
		return "", errNeverReady
	case "ready":
		return "", errEnded
	}
	// Init wrote the streams before its last word, and a write returns once the host has it: what is left is in the
	// sockets. A read that waits for more will wait in vain.
	for _, c := range conns[1:] {
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	}
	copies.Wait()
	return answer, nil
}

// buildInitrd compiles init and packs it with the modules the root file system needs.
func buildInitrd(ctx context.Context, o Options, k kernel, by accelerator, work string) error {
	s := spec.Spec{
		Command: o.Command, Dir: o.Dir, Env: o.environment(machine(by)...), Modules: k.modules, Load: loaded(), Near: startedOften(),
		Shares: []spec.Share{{Tag: artifactsTag, Path: o.Artifacts}},
	}
	if len(o.Forwards) > 0 {
		s.Load, s.Address = append(s.Load, reached), spec.Guest
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	program, err := buildInit(ctx, o.Dir, work)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(work, "initrd"))
	if err != nil {
		return err
	}
	defer f.Close()
	a := archive{w: f}
	a.file("init", program)
	a.file(strings.TrimPrefix(spec.Path, "/"), text)
	for _, dir := range []string{spec.ModulesDir, "/dev", "/proc", "/sys"} {
		a.dir(strings.TrimPrefix(dir, "/"))
	}
	files, err := k.order("9pnet_virtio", "9p", "overlay")
	if err != nil {
		return err
	}
	for i, file := range files {
		module, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		a.file(fmt.Sprintf("%s/%02d-%s", strings.TrimPrefix(spec.ModulesDir, "/"), i, filepath.Base(file)), module)
	}
	if err := a.close(); err != nil {
		return err
	}
	return f.Close()
}

// buildInit compiles process 1 statically; the Go tool's own cache makes that a moment's work.
func buildInit(ctx context.Context, dir, work string) ([]byte, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		goTool = "/usr/local/go/bin/go"
	}
	cmd := exec.CommandContext(ctx, goTool, "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(work, "init"), "polso/lab/boot/init")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build init: %w\n%s", err, out)
	}
	return os.ReadFile(filepath.Join(work, "init"))
}

// arguments is qemu's command line.
func arguments(o Options, k kernel, by accelerator, work, console string) []string {
	cpu := "max"
	if by == native {
		cpu = "host"
	}
	args := []string{
		"-accel", string(by), "-cpu", cpu, "-smp", strconv.Itoa(o.CPUs), "-m", o.Memory,
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-kernel", k.image, "-initrd", filepath.Join(work, "initrd"),
		"-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off audit=0 nokaslr random.trust_cpu=on apparmor=0 selinux=0",
		"-serial", "file:" + console,
		"-fsdev", "local,id=root,path=/,security_model=none,multidevs=remap,readonly=on",
		"-device", "virtio-9p-pci,fsdev=root,mount_tag=" + spec.RootTag,
		"-fsdev", "local,id=art,path=" + o.Artifacts + ",security_model=none",
		"-device", "virtio-9p-pci,fsdev=art,mount_tag=" + artifactsTag,
		"-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
	}
	for i, port := range ports() {
		id := "p" + strconv.Itoa(i)
		args = append(args, "-chardev", "socket,id="+id+",path="+filepath.Join(work, port),
			"-device", "virtserialport,chardev="+id+",name="+port)
	}
	return append(args, network(o.Forwards)...)
}

func hasKVM() bool {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// machine tells the command where it is: by POLSO_LAB_VM that kernel and clock are nobody else's, and by
// POLSO_LAB_EMULATED that the processors are a program: ten times slower, and slower still when this machine is busy.
func machine(by accelerator) []string {
	if by == native {
		return []string{"POLSO_LAB_VM=1"}
	}
	return []string{"POLSO_LAB_VM=1", "POLSO_LAB_EMULATED=1"}
}

// complaints are what qemu says. It goes on, with a machine that stands still, when KVM gives up (as some nested ones do at instructions
// that they do not know): unfit is called then.
type complaints struct {
	strings.Builder
	unfit func()
}

// Write implements io.Writer.
func (c *complaints) Write(text []byte) (int, error) {
	n, err := c.Builder.Write(text)
	if strings.Contains(c.String(), "KVM internal error") {
		c.unfit()
	}
	return n, err
}

// panicked tells whether the kernel said that it is at its end.
func panicked(console string) bool {
	text, err := os.ReadFile(console)
	return err == nil && bytes.Contains(text, []byte("Kernel panic"))
}

// consoleTail is what the kernel said last.
func consoleTail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return lastLines(strings.ReplaceAll(string(text), "\r", ""), 20)
}
