package boot

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseForward(t *testing.T) {
	want := Forward{netip.MustParseAddrPort("127.0.0.1:8000"), 80}
	if got, err := ParseForward("127.0.0.1:8000=80"); got != want || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "127.0.0.1:8000", "127.0.0.1=80", "127.0.0.1:0=80", "127.0.0.1:8000=0", "127.0.0.1:8000=70000", "[::1]:8000=80", "localhost:8000=80"} {
		if f, err := ParseForward(s); err == nil {
			t.Errorf("%q is read as %v", s, f)
		}
	}
}

func TestNetworkOfAMachine(t *testing.T) {
	if got := network(nil); got != nil {
		t.Errorf("a machine that nobody asks has a network: %q", got)
	}
	got := strings.Join(network([]Forward{{netip.MustParseAddrPort("127.0.0.1:8000"), 80}, {netip.MustParseAddrPort("127.0.0.2:8001"), 81}}), " ")
	want := "-netdev user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:8000-:80,hostfwd=tcp:127.0.0.2:8001-:81 -device virtio-net-pci,netdev=net,romfile="
	if got != want {
		t.Errorf("qemu %s\nwant %s", got, want)
	}
}

// A namespace of its own is reached from here, as soon as somebody listens there.
func TestRelay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const port = 8000
	thread, listen, listening := make(chan int), make(chan struct{}), make(chan net.Listener, 1)
	go func() {
		runtime.LockOSThread() // for good: the namespace goes with the thread
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
		}
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		thread <- unix.Gettid()
		<-listen
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			t.Error(err)
		}
		listening <- l
		<-t.Context().Done()
	}()
	tid := <-thread
	r, err := newRelay([]Forward{{netip.MustParseAddrPort("127.0.0.1:0"), port}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.run(t.Context(), tid)
	ask := func() string {
		c, err := net.DialTimeout("tcp", r.listeners[0].Addr().String(), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, "who")
		text, _ := io.ReadAll(c) // an error and an end are the same: no answer
		return string(text)
	}
	if got := ask(); got != "" {
		t.Errorf("%q answers where nobody listens", got)
	}
	close(listen)
	l := <-listening
	if l == nil {
		t.FailNow()
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.ReadFull(c, make([]byte, len("who"))) // what is not read would reset the connection
			_, _ = io.WriteString(c, "there")
			c.Close()
		}
	}()
	if got := ask(); got != "there" {
		t.Errorf("answered by %q", got)
	}
	young := exec.Command("sleep", "60")
	if err := young.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = young.Process.Kill(); _ = young.Wait() }()
	if err := enter(young.Process.Pid); !errors.Is(err, errOurs) {
		t.Errorf("a process that has no namespace of its own yet is entered: %v", err)
	}
	if _, err := newRelay([]Forward{{netip.MustParseAddrPort("127.0.0.1:0"), 1}, {r.listeners[0].Addr().(*net.TCPAddr).AddrPort(), 2}}); err == nil {
		t.Error("an address that is taken is listened at")
	}
}
