package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCuts(t *testing.T) {
	ctx, l := build(t, Options{Routers: 1, Beside: []string{"a", "b"}, Behind: []string{}})
	a, b := l.Servers["a"].Node, l.Servers["b"].Node
	reaches := func(n *Node) bool {
		_, err := Fetch(ctx, l.Client, netip.AddrPortFrom(n.Addr(Outside), httpPort), 500*time.Millisecond)
		return err == nil
	}
	for _, tt := range []struct {
		name string
		cut  func() error
		heal *Node
		a, b bool // whether the client reaches them meanwhile
	}{
		{"whole", func() error { return l.Cut(ctx, a) }, a, false, true},
		{"what it sends", func() error { return l.CutOneWay(ctx, a, From) }, a, false, true},
		{"what it is sent", func() error { return l.CutOneWay(ctx, a, To) }, a, false, true},
		{"a pair", func() error { return l.CutPair(ctx, l.Client, a) }, l.Client, false, true},
		{"another pair", func() error { return l.CutPair(ctx, a, b) }, a, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			must(t, tt.cut())
			if gotA, gotB := reaches(a), reaches(b); gotA != tt.a || gotB != tt.b {
				t.Errorf("the client reaches a: %v, b: %v; want %v, %v", gotA, gotB, tt.a, tt.b)
			}
			must(t, l.Heal(ctx, tt.heal))
			must(t, eventually(ctx, often, 5*time.Second, func(context.Context) error { // neighbours have to be found again
				if !reaches(a) || !reaches(b) {
					return errors.New("not healed")
				}
				return nil
			}))
		})
	}
}

func TestTrouble(t *testing.T) {
	ctx, l := build(t, Options{Routers: 2, Beside: []string{}, Behind: []string{}})
	r1, r2 := l.Routers[0], l.Routers[1]
	var to *net.UDPConn
	must(t, r2.Do(func() (err error) {
		to, err = net.ListenUDP("udp", &net.UDPAddr{IP: r2.Addr(Outside).AsSlice(), Port: 9})
		return err
	}))
	defer to.Close()
	var from *net.UDPConn
	must(t, r1.Do(func() (err error) {
		from, err = net.DialUDP("udp", nil, to.LocalAddr().(*net.UDPAddr))
		return err
	}))
	defer from.Close()
	// travel sends datagrams and returns how many arrived, and how long the last took.
	travel := func(datagrams int) (arrived int, took time.Duration) {
		for range datagrams {
			sent := time.Now()
			if _, err := from.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			must(t, to.SetReadDeadline(sent.Add(600*time.Millisecond)))
			if _, err := to.Read(make([]byte, 16)); err == nil {
				arrived, took = arrived+1, time.Since(sent)
			}
		}
		return arrived, took
	}
	travel(1) // neighbours are known from here on
	must(t, l.Trouble(ctx, r1, Weather{Delay: 200 * time.Millisecond, Jitter: 10 * time.Millisecond}))
	if arrived, took := travel(2); arrived != 2 || took < 180*time.Millisecond {
		t.Errorf("delayed by 200 ms: %d of 2 arrived, in %v", arrived, took)
	}
	must(t, l.Calm(ctx, r1))
	must(t, l.Trouble(ctx, r1, Weather{Loss: 100}))
	if arrived, _ := travel(1); arrived != 0 {
		t.Error("something came through although all is lost")
	}
	must(t, l.Calm(ctx, r1))
	if arrived, took := travel(1); arrived != 1 || took > 150*time.Millisecond {
		t.Errorf("after the weather: %d of 1 arrived, in %v", arrived, took)
	}
}

func TestWeatherInWords(t *testing.T) {
	w := Weather{Delay: 30 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 7}
	if got, want := strings.Join(w.netem(), " "), "delay 30000us 5000us loss 7%"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Weather{}).netem(); len(got) != 0 {
		t.Errorf("fair weather: %q", got)
	}
}

func TestSieve(t *testing.T) {
	got := sieve("egress", port{inner, "r1-br1"}, "ether saddr 02:09:00:00:00:0c")
	for _, want := range []string{"chain egress_r1_br1 {", `hook egress device "r1-br1"`, "ether saddr 02:09:00:00:00:0c drop"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
