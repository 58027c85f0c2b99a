package lab

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What a process has open is counted: a socket more is one more.
func TestUsage(t *testing.T) {
	with := func(files ...*os.File) Usage {
		t.Helper()
		cmd := exec.Command("cat")
		cmd.ExtraFiles = files
		stdin, err := cmd.StdinPipe()
		must(t, err)
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		// What answers has long been loaded: while it is, the loader has a library open now and then.
		_, err = stdin.Write([]byte("."))
		must(t, err)
		_, err = io.ReadFull(stdout, make([]byte, 1))
		must(t, err)
		r := &Router{Node: &Node{Name: "r1"}, cmd: cmd, exited: make(chan struct{})}
		u, err := r.Usage()
		must(t, err)
		if u.PID != cmd.Process.Pid || u.Descriptors < 3 || u.Threads != 1 || u.Memory < 1<<16 {
			t.Errorf("%+v", u)
		}
		return u
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	socket := os.NewFile(uintptr(fd), "socket")
	defer socket.Close()
	// A laboratory may have left the test a descriptor of its own, at the place where the first further file comes.
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	without, one := with(null, null), with(null, socket)
	if one.Sockets != without.Sockets+1 || one.Descriptors != without.Descriptors {
		t.Errorf("with a socket %+v, without %+v", one, without)
	}
}

func TestCountGoroutines(t *testing.T) {
	dump := `time=2026-01-01 level=INFO msg="goroutine 7 [not]"
SIGQUIT: quit
PC=0x47 m=0 sigcode=0

goroutine 0 gp=0x1 m=0 mp=0x1 [idle]:
runtime.futex(...)

goroutine 1 gp=0xc000002380 m=nil [select, 3 minutes]:
main.main()

goroutine 41 [chan receive]:
net.x()
created by main.main in goroutine 1
`
	if n := countGoroutines(bufio.NewScanner(strings.NewReader(dump))); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
}

// The name of a process may have anything in it.
func TestProcessor(t *testing.T) {
	stat := "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 75 0 0 20 0 9 0 100 1000 50"
	if got, err := processor(stat); err != nil || got != 3250*time.Millisecond {
		t.Errorf("%v, %v; want 3.25s", got, err)
	}
	if _, err := processor("7 (a) S 1"); err == nil {
		t.Error("a line cut short is read")
	}
}
