package lab

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	r := &Router{Node: &Node{Name: "r1"}, cmd: cmd, exited: make(chan struct{})}
	u, err := r.Usage()
	must(t, err)
	if u.PID != cmd.Process.Pid || u.Descriptors < 3 || u.Sockets != 0 || u.Threads != 1 {
		t.Errorf("%+v", u)
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
