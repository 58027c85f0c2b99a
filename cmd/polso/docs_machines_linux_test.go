package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netns"

	"polso/tools/apart"
)

// machine has a network, a name and files of its own: namespaces that a process keeps, and in them a copy of this machine's files, written to in
// memory. What a page has typed on a router, a witness or a real server is typed there, at a terminal.
type machine struct {
	name string
	pid  string // of its keeper
}

// furnished prepares a machine's files: below $1 this machine's root, with what is Polso's taken out.
const furnished = `mount -t tmpfs tmpfs "$1"
mkdir "$1/written" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/written,workdir=$1/work" "$1/root"
for d in proc sys dev; do mount --rbind /$d "$1/root/$d"; done
mount --bind /tmp "$1/root/tmp"
hostname "$2"
ip link set lo up
exec chroot "$1/root" sh -ec 'rm -rf /etc/polso /run/polso /var/lib/polso; mkdir -p /etc/polso /run/polso /var/lib /root; cd /root; echo up; exec cat'`

// boot makes a machine with the link eth0 on the bridge br0 of this namespace, and eth1 on br1.
func boot(t *testing.T, name string, addresses ...string) *machine {
	t.Helper()
	keeper := exec.Command("unshare", "--net", "--mount", "--uts", "sh", "-euc", furnished, "-", t.TempDir(), name)
	keeper.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := keeper.StdinPipe() // it ends when nobody can write to it
	if err != nil {
		t.Fatal(err)
	}
	out, err := keeper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	keeper.Stderr = &said
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); keeper.Wait() })
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		keeper.Wait()
		apart.Lacking(t, "no namespaces, or no overlay of files: "+said.String())
	}
	m := &machine{name: name, pid: strconv.Itoa(keeper.Process.Pid)}
	shell(t, fmt.Sprintf("for i in 0 1; do ip link add %[1]s-$i type veth peer name eth$i netns %[2]s; ip link set %[1]s-$i master br$i up; done", name, m.pid))
	ups := "ip link set eth0 up; ip link set eth1 up"
	for _, a := range addresses {
		ups += "; ip addr add " + a
	}
	if said, code := m.types(t, ups, nil); code != 0 {
		t.Fatalf("%s: %s", name, said)
	}
	return m
}

func shell(t *testing.T, line string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// inside is a command in the machine.
func (m *machine) inside(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"-t", m.pid, "-n", "-m", "-u", "-r", "-w", "--"}, argv...)...)
	cmd.Env = append(os.Environ(), "HOME=/root", "SHELL=/bin/sh", "TERM=xterm", "NO_COLOR=1", "LC_ALL=C.UTF-8", "EDITOR=true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// writes writes a file of the machine's.
func (m *machine) writes(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile("/proc/"+m.pid+"/root"+path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runs has an agent run in the background until the test ends or stop is called, and waits until it answers.
func (m *machine) runs(t *testing.T, line string) (stop func()) {
	t.Helper()
	log := new(bytes.Buffer)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := m.inside(ctx, "sh", "-c", "exec "+line)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		cmd.Wait()
		if text := log.String(); t.Failed() {
			t.Logf("%s: %s\n%s", m.name, line, text[max(0, len(text)-4000):])
		}
	})
	t.Cleanup(func() { cmd.Process.Kill(); stop() })
	const comesUp = "until polso status --local >/dev/null 2>&1 || [ $? = 3 ]; do sleep 0.02; done" // another process: there is nothing to wait on
	if said, code := m.types(t, comesUp, nil); code != 0 {
		t.Fatalf("%s: `%s` does not come up\n%s", m.name, line, said)
	}
	return stop
}

// serves has a web server answer everything at an address, in this machine or in m.
func serves(t *testing.T, m *machine, addr string) {
	t.Helper()
	open := func() {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
	}
	if m == nil {
		open()
		return
	}
	pid, err := strconv.Atoi(m.pid)
	if err != nil {
		t.Fatal(err)
	}
	there, err := netns.GetFromPid(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	apart.In(t, there, open)
}
