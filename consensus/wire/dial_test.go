package wire

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"polso/consensus/trust"
)

func TestDialTriesAddressesInTurn(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	good := g.where("r1")[0]
	mute := newSilent(t)
	refusing := func() string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		return ln.Addr().String()
	}()
	other := g.node("r3").Addrs()[0].String()
	for _, tt := range []struct {
		name string
		bad  []string
	}{
		{"nobody listens on the first", []string{refusing}},
		{"the first says nothing", []string{mute.Addr().String()}},
		{"another node has the first", []string{other}},
		{"three bad ones before it", []string{mute.Addr().String(), refusing, other}},
		{"the first is no address", []string{"a:b:c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.place("r1", append(tt.bad, good)...)
			d := g.dialer(r2.membership)
			start := time.Now()
			c, err := d.Dial(t.Context(), "r1", trust.Raft)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
			accept(t, r1.Raft())
		})
	}
}

func TestDialRemembersWhatWorked(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	mute, good := newSilent(t).Addr().String(), g.where("r1")[0]
	g.place("r1", mute, good)
	order := func() string { return strings.Join(r2.addresses("r1"), " ") }
	if got := order(); got != mute+" "+good {
		t.Errorf("before: %s", got)
	}
	r2.dial(t, "r1", trust.Raft)
	accept(t, r1.Raft())
	if got := order(); got != good+" "+mute {
		t.Errorf("after: %s", got)
	}
	r2.Dialer.CloseNode("r1")
	if got := order(); got != mute+" "+good {
		t.Errorf("forgotten: %s", got)
	}
}

func TestDialNobody(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1")
	mute := newSilent(t)
	g.place("mute", mute.Addr().String())
	g.place("r3", r1.Addrs()[0].String())
	for _, tt := range []struct {
		id, want string
		within   time.Duration
	}{
		{"unknown", "no address of it is known", 20 * time.Second},
		{"mute", "deadline exceeded", 200 * time.Millisecond},
		{"r3", "node r1 answers where r3 was expected", 20 * time.Second},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), tt.within)
		_, err := r1.Dial(ctx, tt.id, trust.Raft)
		cancel()
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.id, err, tt.want)
		}
	}
}

// What a node that is dialled thinks of this one comes after the handshake, and the last word counts.
func TestAnswer(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	want := func(what string, want Answer) {
		t.Helper()
		if got := r2.Answer("r1"); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	dialled := func(says string) {
		t.Helper()
		c := r2.dial(t, "r1", trust.Peer)
		if says != "" {
			if _, err := accept(t, r1.Peer()).Write([]byte(says)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Read(make([]byte, 1)); (err == nil) != (says != "") {
			t.Errorf("read: %v", err)
		}
	}
	want("not dialled yet", Unasked)
	dialled("hello")
	want("it speaks", Accepts)
	g.remove("r2")
	dialled("")
	want("removed", Refuses)
	r1.stop()
	if _, err := r2.Dial(t.Context(), "r1", trust.Peer); err == nil {
		t.Error("dialled a node that has gone")
	}
	want("gone", Silent)
	c := &conn{Conn: broken{err: errors.New("connection reset")}, answered: func(a Answer) { t.Errorf("any other error is %v", a) }}
	if _, err := c.Read(nil); err == nil {
		t.Error("no error")
	}
}

// A node of a generation before hears that it is, and is not spoken to; the other way round nobody listens.
func TestAnswerOfALaterGeneration(t *testing.T) {
	old, next := newGeneration(t, 1), newGeneration(t, 2)
	r1, r2 := next.node("r1"), old.node("r2")
	old.place("r1", r1.Addrs()[0].String())
	next.place("r2", r2.Addrs()[0].String())
	if _, err := r2.Dial(t.Context(), "r1", trust.Raft); !errors.Is(err, ErrUnreachable) || !errors.Is(err, trust.ErrNewer) {
		t.Errorf("got %v, want ErrUnreachable and trust.ErrNewer", err)
	}
	if got := r2.Answer("r1"); got != Newer {
		t.Errorf("answer %v, want Newer", got)
	}
	if _, err := r1.Dial(t.Context(), "r2", trust.Raft); !errors.Is(err, ErrUnreachable) || errors.Is(err, trust.ErrNewer) {
		t.Errorf("the other way round: %v", err)
	}
	if got := r1.Answer("r2"); got != Silent {
		t.Errorf("answer %v, want Silent", got)
	}
}
