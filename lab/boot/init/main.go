// Command init is process 1 of the laboratory's virtual machine: it mounts the host's files under a layer of memory, runs
// one command as root, hands its streams and status to the host and ends.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"polso/lab/boot/spec"
)

func main() {
	ctl, err := run()
	if err != nil {
		say(ctl, "fail %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// say writes one line to the control port, or to the console while there is none.
func say(ctl *os.File, format string, args ...any) {
	if ctl == nil {
		ctl = os.Stderr
	}
	fmt.Fprintf(ctl, format+"\n", args...)
}

// run does everything but the power switch. The control port is returned as soon as it is open, with or without an error.
func run() (ctl *os.File, err error) {
	for _, m := range []mount{{"dev", "/dev", "devtmpfs", 0, ""}, {"proc", "/proc", "proc", 0, ""}, {"sys", "/sys", "sysfs", 0, ""}} {
		if err := m.do(); err != nil {
			return nil, err
		}
	}
	ports, err := openPorts(spec.PortControl, spec.PortOut, spec.PortErr)
	if err != nil {
		return nil, err
	}
	ctl = ports[0]

	text, err := os.ReadFile(spec.Path)
	if err != nil {
		return ctl, err
	}
	var s spec.Spec
	if err := json.Unmarshal(text, &s); err != nil {
		return ctl, err
	}
	if err := loadModules(spec.ModulesDir); err != nil {
		return ctl, err
	}
	if err := enterRoot(s); err != nil {
		return ctl, err
	}
	bringNear(s)
	prepare(s)
	pin(s)
	say(ctl, "ready")
	status, err := command(s, ports[1], ports[2])
	if err != nil {
		return ctl, err
	}
	say(ctl, "exit %d", status)
	return ctl, nil
}

// openPorts finds virtio serial ports by the names the host gave them. devtmpfs knows them by number only.
func openPorts(names ...string) ([]*os.File, error) {
	dirs, err := filepath.Glob("/sys/class/virtio-ports/*")
	if err != nil {
		return nil, err
	}
	ports := make([]*os.File, len(names))
	for _, dir := range dirs {
		name, err := os.ReadFile(dir + "/name")
		if err != nil {
			continue
		}
		for i, want := range names {
			if strings.TrimSpace(string(name)) != want {
				continue
			}
			if ports[i], err = os.OpenFile("/dev/"+filepath.Base(dir), os.O_RDWR, 0); err != nil {
				return nil, err
			}
		}
	}
	for i, p := range ports {
		if p == nil {
			return nil, fmt.Errorf("port %s is not there", names[i])
		}
	}
	return ports, nil
}

// loadModules loads every file of dir in the order of names; the host has put dependencies first.
func loadModules(dir string) error {
	files, err := filepath.Glob(dir + "/*.ko")
	if err != nil {
		return err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil && err != unix.EEXIST {
			return fmt.Errorf("load %s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

// command runs the command, copying its streams to the ports until both have ended. The ports can be opened once only,
// so that the command gets pipes: it may then open /dev/stderr like anywhere else.
func command(s spec.Spec, stdout, stderr io.Writer) (status int, err error) {
	name := s.Command[0]
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		name = filepath.Join(s.Dir, name) // this process is elsewhere
	}
	path, err := lookPath(name, s.Env)
	if err != nil {
		return 127, copyError(stderr, err)
	}
	var copies sync.WaitGroup
	var ends [2]*os.File
	for i, w := range []io.Writer{stdout, stderr} {
		r, end, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		ends[i] = end
		copies.Go(func() { _, _ = io.Copy(w, r) })
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	p, err := os.StartProcess(path, s.Command, &os.ProcAttr{
		Dir: s.Dir, Env: s.Env, Files: []*os.File{null, ends[0], ends[1]},
	})
	if err != nil {
		return 126, copyError(stderr, err)
	}
	for _, end := range ends {
		end.Close()
	}
	status = reap(p.Pid)
	// What the command left running would hold the pipes open for good.
	_ = unix.Kill(-1, unix.SIGKILL)
	copies.Wait()
	return status, nil
}

// copyError tells the person at the host why nothing ran; that this is said is all the error handling there is.
func copyError(w io.Writer, err error) error {
	_, werr := fmt.Fprintf(w, "labvm: %v\n", err)
	return werr
}

// reap waits for pid and, as process 1 must, for every orphan that ends before it.
func reap(pid int) (status int) {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 125
		case got != pid:
		case ws.Exited():
			return ws.ExitStatus()
		case ws.Signaled():
			return 128 + int(ws.Signal())
		}
	}
}

// lookPath finds a command the way a shell with this environment would.
func lookPath(name string, env []string) (string, error) {
	os.Clearenv()
	for _, e := range env {
		if k, v, ok := strings.Cut(e, "="); ok {
			os.Setenv(k, v)
		}
	}
	return exec.LookPath(name)
}
