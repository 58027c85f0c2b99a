//go:build linux

// Package apart runs tests in network namespaces of their own, on the kernel at hand. It is for tests alone.
package apart

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// inside is the environment variable that tells a test that it runs in a network namespace of its own.
const inside = "POLSO_TEST_INSIDE"

// Inside tells whether this process is the one that Run has made for the test.
func Inside(t *testing.T) bool { return os.Getenv(inside) == t.Name() }

// Run runs a test in a process that has a network namespace of its own: goroutines wander between threads, so nothing less
// will do. The process ends with the test, within five minutes. Who is not root skips the test, see Lacking.
func Run(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if Inside(t) {
		test(t)
		return
	}
	if os.Geteuid() != 0 {
		Lacking(t, "needs root, to make a network namespace")
	}
	parts := strings.Split(t.Name(), "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	switch text := string(out); {
	case err == nil && strings.Contains(text, "--- PASS: "+t.Name()):
	case err == nil && strings.Contains(text, "--- SKIP: "+t.Name()):
		t.Skip(text)
	default:
		t.Fatalf("in its namespace: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, ".go:") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// Lacking skips the test for want of something, unless the laboratory runs it: that has everything.
func Lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("POLSO_LAB") == "require" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Namespace makes another namespace, which lives as long as the test, and comes back.
func Namespace(t *testing.T) netns.NsHandle {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := netns.Set(here); err != nil {
		panic(err) // the thread must not go on in the wrong namespace
	}
	t.Cleanup(func() { there.Close() })
	return there
}

// In runs do on a thread in that namespace.
func In(t *testing.T, there netns.NsHandle, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if err := netns.Set(there); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := netns.Set(here); err != nil {
			panic(err) // the thread must not go on in the wrong namespace
		}
	}()
	do()
}
