package vip_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"polso/vip"
	"polso/vip/viptest"
)

// answers asks from the peer who has addr.
func (w *world) answers(t *testing.T, addr netip.Addr) (found bool) {
	t.Helper()
	w.atPeer(t, func() {
		var err error
		if _, found, err = vip.Probe(t.Context(), "v1", addr); err != nil {
			t.Fatal(err)
		}
	})
	return found
}

// echoes returns how to ask from the peer, which knows where addr lives, whether datagrams for it pass, and those from it.
func (w *world) echoes(t *testing.T, addr netip.Addr) func() bool {
	t.Helper()
	here, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 7000)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close() })
	go func() {
		b := make([]byte, 64)
		for {
			n, from, err := here.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = here.WriteToUDPAddrPort(b[:n], from) // refused while the fence is shut
		}
	}()
	w.teach(t, addr, mac(t, "v0").String())
	var there *net.UDPConn
	w.atPeer(t, func() {
		there, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 7000)))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close() })
	n := 0
	return func() bool {
		n++
		word, b := fmt.Sprint("word ", n), make([]byte, 64)
		if err := there.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
			t.Fatal(err)
		}
		if _, err := there.Write([]byte(word)); err != nil {
			return false
		}
		for {
			n, err := there.Read(b)
			if err != nil || string(b[:n]) == word { // what comes late was asked before
				return err == nil
			}
		}
	}
}

// answerTime is how long an answer may take, on an emulated machine too.
const answerTime = 100 * time.Millisecond

// everything is what fenced has up.
var everything = []vip.Guarded{{Addr: viptest.Four, Link: "v0"}, {Addr: viptest.Six, Link: "v0"}}

// fenced is a world with both addresses up behind a fence that is shut.
func fenced(t *testing.T) (*world, *vip.KernelFence) {
	t.Helper()
	w, f := newWorld(t), new(vip.KernelFence)
	if err := f.Raise(everything); err != nil {
		t.Fatal(err)
	}
	link, _ := net.InterfaceByName("v0")
	for _, g := range everything {
		if err := w.kernel.Add(g.Addr, link.Index, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return w, f
}

func TestFenceShut(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w, f := fenced(t)
		for _, addr := range []netip.Addr{viptest.Four, viptest.Six} {
			passes := w.echoes(t, addr)
			if w.answers(t, addr) || passes() {
				t.Errorf("%v answers behind a fence that is shut", addr)
			}
			own := map[bool]string{true: "192.0.2.2", false: "2001:db8::2"}[addr.Is4()]
			if !w.answers(t, netip.MustParseAddr(own)) {
				t.Errorf("%s does not answer, and is behind no fence", own)
			}
			if err := f.Open(everything, time.Minute); err != nil {
				t.Fatal(err)
			}
			if !w.answers(t, addr) {
				t.Errorf("%v does not answer behind an open fence", addr)
			}
			eventually(t, "what is for it passes the open fence", passes)
			if err := f.Shut(everything); err != nil {
				t.Fatal(err)
			}
			if w.answers(t, addr) || passes() {
				t.Errorf("%v answers behind a fence that was shut again", addr)
			}
			if err := f.Guard(nil); err != nil {
				t.Fatal(err)
			}
			if !w.answers(t, addr) {
				t.Errorf("%v does not answer, and is behind no fence any more", addr)
			}
			eventually(t, "what is for it passes", passes)
			if err := f.Guard(everything); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestFenceClosesByItself(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w, f := fenced(t)
		for _, addr := range []netip.Addr{viptest.Four, viptest.Six} {
			passes := w.echoes(t, addr)
			began := time.Now()
			if err := f.Open(everything, 300*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			for range 5 { // renewed before its end, it stays open
				time.Sleep(100 * time.Millisecond)
				began = time.Now()
				if err := f.Renew(700 * time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			var last time.Time
			for time.Since(began) < 1200*time.Millisecond {
				asked := time.Now()
				if passes() {
					last = asked
				}
			}
			open := last.Sub(began)
			t.Logf("%v: open for 700 ms, last answered what was asked after %v", addr, open)
			if open > 715*time.Millisecond || open < 500*time.Millisecond {
				t.Errorf("%v: open for 700 ms, last answered what was asked after %v", addr, open)
			}
			if err := f.Renew(time.Minute); !errors.Is(err, vip.ErrShut) {
				t.Errorf("renewed after its end: %v", err)
			}
			if passes() {
				t.Errorf("%v: the late renewal has opened it", addr)
			}
		}
	})
}

func TestFenceHoldsAnnouncementsBack(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w, f := fenced(t)
		link, _ := net.InterfaceByName("v0")
		always := func() bool { return true }
		arp, na := w.capture(t, unix.ETH_P_ARP), w.capture(t, unix.ETH_P_IPV6)
		for _, addr := range []netip.Addr{viptest.Four, viptest.Six} {
			_ = w.kernel.Announce(addr, link.Index, always) // may say that nothing left
		}
		if got := append(arp.lines(t, 1, 300*time.Millisecond, describeARP), na.lines(t, 1, 300*time.Millisecond, describeNA)...); len(got) > 0 {
			t.Errorf("heard from behind a fence that is shut: %q", got)
		}
		if err := f.Open(everything, time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, addr := range []netip.Addr{viptest.Four, viptest.Six} {
			if err := w.kernel.Announce(addr, link.Index, always); err != nil {
				t.Error(err)
			}
		}
		if got := append(arp.lines(t, 2, time.Second, describeARP), na.lines(t, 1, time.Second, describeNA)...); len(got) != 3 {
			t.Errorf("heard from behind an open fence: %q", got)
		}
	})
}

func TestFenceTakenAway(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		f := new(vip.KernelFence)
		none := func(name string, err error) {
			t.Helper()
			if !errors.Is(err, vip.ErrNoFence) {
				t.Errorf("%s: %v, want %v", name, err, vip.ErrNoFence)
			}
		}
		none("guard", f.Guard(nil))
		none("open", f.Open(nil, time.Minute))
		none("shut", f.Shut(nil))
		if err := f.Renew(time.Minute); !errors.Is(err, vip.ErrShut) {
			t.Errorf("renew: %v", err)
		}
		for range 2 {
			if err := errors.Join(f.Raise(nil), f.Open(nil, time.Minute), f.Renew(time.Minute)); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			if err := f.Raze(); err != nil {
				t.Error(err)
			}
		}
		none("open", f.Open(nil, time.Minute))
	})
}

// What an operator sees is readable, and says what this file's sources say.
func TestFenceInNftsWords(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("nft is not installed")
	}
	inNamespace(t, func(t *testing.T) {
		fenced(t)
		out, err := exec.CommandContext(t.Context(), nft, "list", "ruleset").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range []string{
			"type filter hook prerouting priority raw; policy accept;",
			"ip daddr @vips meta protocol != @lease fib daddr type local counter packets 0 bytes 0 drop",
			"ip6 saddr @vips6 meta protocol != @lease fib saddr type local counter packets 0 bytes 0 drop",
			`type filter hook egress device "v0" priority filter; policy accept;`,
			"elements = { 192.0.2.50 }", "elements = { 2001:db8::50 }",
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("no %q", want)
			}
		}
		t.Logf("%s", out)
	})
}

// BenchmarkFence is what a takeover and each renewal cost. It wants a network namespace: unshare -n go test -bench Fence ./vip
func BenchmarkFence(b *testing.B) {
	f := new(vip.KernelFence)
	if err := f.Raise(nil); err != nil {
		b.Skip(err)
	}
	defer func() {
		if err := f.Raze(); err != nil {
			b.Error(err)
		}
	}()
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if err := f.Open([]vip.Guarded{{Addr: viptest.Four, Link: "lo"}, {Addr: viptest.Six, Link: "lo"}}, time.Minute); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("renew", func(b *testing.B) {
		for b.Loop() {
			if err := f.Renew(time.Minute); err != nil {
				b.Fatal(err)
			}
		}
	})
}
