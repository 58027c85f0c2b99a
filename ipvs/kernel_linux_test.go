package ipvs_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go.uber.org/goleak"

	"polso/ipvs"
	"polso/ipvs/ipvstest"
	"polso/tools/apart"
)

// requireIPVS skips a test that needs a kernel with IPVS unless POLSO_LAB asks for such tests; with POLSO_LAB=require the
// lack of IPVS is a failure.
func requireIPVS(t *testing.T) {
	t.Helper()
	lab := os.Getenv("POLSO_LAB")
	if lab == "" {
		t.Skip("needs a kernel with IPVS and root: set POLSO_LAB, or run it in the lab")
	}
	k, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		if errors.Is(err, ipvs.ErrNoIPVS) && lab != "require" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
}

// namespace makes a network namespace for the test, with this goroutine's thread in it so that programs it starts are
// too, and returns its path.
func namespace(t *testing.T) string {
	t.Helper()
	runtime.LockOSThread()
	old, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil { // else no address counts as a host's and no server is taken
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netns.Set(old); err != nil {
			t.Errorf("back to the old network namespace: %v", err)
			return // and leave the thread locked: it ends with the goroutine
		}
		fresh.Close()
		old.Close()
		runtime.UnlockOSThread()
	})
	return fmt.Sprintf("/proc/self/fd/%d", int(fresh))
}

// open returns a running Kernel of a namespace of its own.
func open(t *testing.T) *ipvs.Kernel {
	t.Helper()
	k, err := ipvs.Open(ipvs.Options{NetNS: namespace(t)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, k)
	return k
}

// run runs the Kernel until the test ends.
func run(t *testing.T, k *ipvs.Kernel) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := k.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func TestKernelConforms(t *testing.T) {
	requireIPVS(t)
	ipvstest.Run(t, func(t *testing.T) ipvstest.Edge { return open(t) })
}

// TestKernelReadsForeign lists a table that ipvsadm made, with everything in it that ipvsadm can write, and
// compares with ipvsadm's own listings byte by byte; then it makes the table its own.
func TestKernelReadsForeign(t *testing.T) {
	requireIPVS(t)
	if _, err := exec.LookPath("ipvsadm"); err != nil {
		apart.Lacking(t, err.Error())
	}
	k := open(t)
	for line := range strings.Lines(foreign) {
		ipvsadm(t, strings.Fields(line)...)
	}
	traffic(t)
	tab, st := counted(t, k, 5)
	info, err := k.Info()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := withoutThresholds(tab.String()), ipvsadm(t, "-Sn"); got != want {
		t.Errorf("the rules are\n%swant\n%s", got, want)
	}
	for _, o := range []ipvs.FormatOptions{{}, {View: ipvs.Totals}, {View: ipvs.RateView}, {View: ipvs.Totals, Exact: true}} {
		args := strings.Fields("-Ln " + o.View.String())
		if o.Exact {
			args = append(args, "--exact")
		}
		o.Info = info
		var b strings.Builder
		if err := ipvs.Format(&b, tab, st, o); err != nil {
			t.Fatal(err)
		}
		got, want := b.String(), ipvsadm(t, args...)
		for i := 0; got != want && o.View == ipvs.RateView && i < 5; i++ { // the kernel estimates every 2 s, also between the two
			tab, st = counted(t, k, 5)
			b.Reset()
			if err := ipvs.Format(&b, tab, st, o); err != nil {
				t.Fatal(err)
			}
			got, want = b.String(), ipvsadm(t, args...)
		}
		if got != want {
			t.Errorf("%v:\n%swant\n%s", args, got, want)
		}
	}

	want := ipvs.Table{Services: []ipvs.Service{
		{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("[fd00::1]:443")), Scheduler: "rr"},
		{Key: ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort("10.0.0.1:56")), Scheduler: "rr", Destinations: []ipvs.Destination{
			{Addr: netip.MustParseAddrPort("10.1.0.9:56"), Forward: ipvs.Tun, Weight: 1},
		}},
		{Key: ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort("10.0.0.1:5060")), Scheduler: "rr", Persistent: time.Minute},
	}}
	for _, o := range ipvs.Plan(want, tab) {
		if err := k.Do(o); err != nil {
			t.Errorf("repair: %v", err)
		}
	}
	if got, want := ipvsadm(t, "-Sn"), want.String(); got != want {
		t.Errorf("repaired to\n%swant\n%s", got, want)
	}
}

// counted returns the table once the kernel, which adds up its counters every 2 s, has counted the packets of traffic.
func counted(t *testing.T, k *ipvs.Kernel, packets uint64) (ipvs.Table, ipvs.Stats) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-again.C {
		tab, st, err := k.Table()
		if err != nil {
			t.Fatal(err)
		}
		s := st[ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort("10.0.0.1:57"))]
		d := s.Destinations[netip.MustParseAddrPort("10.1.0.9:57")]
		if s.PacketsIn == packets && d.PacketsIn == packets && d.Inactive > 0 {
			return tab, st
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d packets were counted as %+v", packets, s)
		}
	}
}

// traffic sends five datagrams to the service 10.0.0.1:57, whose server is on a link that swallows them.
func traffic(t *testing.T) {
	t.Helper()
	dummy := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "d0"}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(netlink.LinkAdd(dummy))
	link, err := netlink.LinkByName("d0")
	must(err)
	lo, err := netlink.LinkByName("lo")
	must(err)
	must(netlink.LinkSetUp(link))
	for _, a := range []struct {
		link netlink.Link
		addr string
	}{{link, "10.1.0.254/24"}, {lo, "10.0.0.1/32"}} {
		addr, err := netlink.ParseAddr(a.addr)
		must(err)
		must(netlink.AddrAdd(a.link, addr))
	}
	must(netlink.NeighAdd(&netlink.Neigh{
		LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT,
		IP: net.IPv4(10, 1, 0, 9), HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9},
	}))
	for range 5 {
		c, err := net.Dial("udp", "10.0.0.1:57") // from this thread's namespace
		must(err)
		_, err = c.Write([]byte("hallo"))
		must(err)
		must(c.Close())
	}
}

// foreign has every form of service and server that there is.
const foreign = `-A -t 10.0.0.1:80 -s wlc -p 300
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -i -w 2 -x 100 -y 50
-a -t 10.0.0.1:80 -r 10.1.0.3:8080 -m -w 65535
-a -t 10.0.0.1:80 -r 127.0.0.1:80 -g -w 1
-A -t 10.0.0.1:0 -s rr -p 360 -M 255.255.255.0
-A -u 10.0.0.1:53 -s sh -b sh-port,sh-fallback -o
-A -u 10.0.0.1:54 -s mh -b mh-port
-A -u 10.0.0.1:55 -s wrr -b flag-3
-A -u 10.0.0.1:56 -s rr -b flag-1,flag-2,flag-3
-a -u 10.0.0.1:56 -r 10.1.0.9 -i --tun-type gue --tun-port 6080
-a -u 10.0.0.1:56 -r 10.1.0.10 -i --tun-type gre --tun-csum
-a -u 10.0.0.1:56 -r 10.1.0.11 -i --tun-type gue --tun-port 6080 --tun-remcsum
-A -u 10.0.0.1:57 -s rr
-a -u 10.0.0.1:57 -r 10.1.0.9:57 -g
-A --sctp-service 10.0.0.1:99 -s rr
-a --sctp-service 10.0.0.1:99 -r 10.1.0.1 -m
-A -f 7 -s rr
-a -f 7 -r 10.1.0.1:0 -g
-A -f 7 -6 -s rr -p 60 -M 64
-a -f 7 -6 -r [fd00::99]:0 -g
-A -t [fd00::1]:443 -s wrr -p 60 -M 64
-a -t [fd00::1]:443 -r [fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:9]:443 -m -w 3
-a -t [fd00::1]:443 -r 10.1.0.1:443 -i -w 3
-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip -o
`

// ipvsadm runs the program in this thread's namespace and returns what it prints.
func ipvsadm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ipvsadm", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ipvsadm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// withoutThresholds takes out what ipvsadm 1.31 forgets to save.
func withoutThresholds(s string) string {
	return strings.ReplaceAll(s, " -x 100 -y 50", "")
}

func TestKernelSchedulers(t *testing.T) {
	requireIPVS(t)
	got, err := ipvs.Schedulers(t.Context(), ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(got)
	for _, want := range []string{"rr", "wrr", "lc", "wlc", "sh", "mh"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s among %v", want, got)
		}
	}
}

// TestKernelLifetime holds calls before, beside and after Run to answering within their time.
func TestKernelLifetime(t *testing.T) {
	requireIPVS(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	k, err := ipvs.Open(ipvs.Options{NetNS: namespace(t), Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Table(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("before Run: %v, want a deadline's end", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if _, _, err := k.Table(); err != nil {
					t.Errorf("beside Run: %v", err)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	if _, _, err := k.Table(); !errors.Is(err, ipvs.ErrClosed) {
		t.Errorf("after Run: %v, want ErrClosed", err)
	}
	if err := k.Do(addService("10.0.0.1:80")); !errors.Is(err, ipvs.ErrClosed) {
		t.Errorf("after Run: %v, want ErrClosed", err)
	}
	if err := k.Run(t.Context()); !errors.Is(err, ipvs.ErrClosed) {
		t.Errorf("second Run: %v, want ErrClosed", err)
	}
	for range 2 {
		if err := k.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	if _, err := ipvs.Open(ipvs.Options{NetNS: "/nonexistent"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a namespace that is not there: %v", err)
	}
	asked := ""
	k, err := ipvs.Open(ipvs.Options{Modprobe: func(_ context.Context, module string) error {
		asked = module
		return errors.New("module ip_vs not found")
	}})
	if err == nil {
		k.Close()
		t.Skip("this kernel has IPVS")
	}
	if !errors.Is(err, ipvs.ErrNoIPVS) || !strings.Contains(err.Error(), "module ip_vs not found; install") {
		t.Errorf("%v: want ErrNoIPVS with modprobe's word and the next step", err)
	}
	if asked != "ip_vs" {
		t.Errorf("asked for module %q", asked)
	}
}

// TestOpenOnThisKernel asks the machine's real modprobe, where there is no IPVS to find.
func TestOpenOnThisKernel(t *testing.T) {
	k, err := ipvs.Open(ipvs.Options{})
	if err == nil {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		t.Skip("this kernel has IPVS")
	}
	t.Log(err)
	if !errors.Is(err, ipvs.ErrNoIPVS) || !strings.Contains(err.Error(), "modprobe") {
		t.Errorf("%v: want ErrNoIPVS and what modprobe said", err)
	}
}

// TestKernelUnprivileged reads as a user without any capability.
func TestKernelUnprivileged(t *testing.T) {
	requireIPVS(t)
	if os.Getenv("POLSO_TEST_UNPRIVILEGED") != "" {
		k, err := ipvs.Open(ipvs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		run(t, k)
		_, _, err = k.Table()
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "it takes root or CAP_NET_ADMIN") {
			t.Errorf("table: %v", err)
		}
		err = k.Do(addService("10.0.0.1:80"))
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "it takes root or CAP_NET_ADMIN") {
			t.Errorf("do: %v", err)
		}
		return
	}
	exe, err := os.ReadFile("/proc/self/exe") // where a nobody may not look
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "polso")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "ipvs.test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(program, exe, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestKernelUnprivileged$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "POLSO_TEST_UNPRIVILEGED=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}
