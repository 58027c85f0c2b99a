package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
)

// A router whose agent is restarted goes on with the weights that its kernel has until its checks have decided, also with
// initial = "down": no connection to a server that is up is cut, and new ones find a server.
func TestRestartBeforeVerdicts(t *testing.T) {
	ctx, l := formOf(t, Options{Routers: 1, Beside: []string{"a", "b"}, Behind: []string{}})
	s, r := sceneOf(t, ctx, l), l.Routers[0]
	check := func(every time.Duration) string {
		return s.echo("", timed(`check "http"`, every, "port = 80", `initial = "down"`), "a", "b") + "}\n"
	}
	s.apply(check(s.every))
	s.within(startupTimeout, "up", "a 1", "b 1")
	s.apply(check(60 * s.every)) // what is known stays known; a new process has to find out
	s.within(0, "at another pace", "a 1", "b 1")
	say := s.talk()
	must(t, say())

	looking, stop := make(chan error, 1), make(chan struct{})
	go func() {
		for {
			if err := s.tables("a 1", "b 1"); err != nil {
				looking <- err
				return
			}
			select {
			case <-stop:
				looking <- nil
				return
			case <-time.After(often):
			}
		}
	}()
	began := time.Now()
	must(t, r.Term())
	must(t, r.Wait(ctx))
	must(t, r.Start(ctx))
	undecided := func(ctx context.Context) error {
		st, err := r.Status(ctx, Own)
		if state := st.ServerState("echo", "a"); err == nil && state != "down" {
			err = fmt.Errorf("the server is %q, want it assumed to be down", state)
		}
		return err
	}
	must(t, Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		has, err := r.Has(WebVIP)
		if err == nil && !has {
			err = errors.New("it does not hold the address")
		}
		return errors.Join(err, undecided(ctx))
	}))
	held := time.Since(began)
	if err := say(); err != nil {
		t.Errorf("a connection from before: %v", err)
	}
	if err := s.talk()(); err != nil {
		t.Errorf("a new connection: %v", err)
	}
	must(t, Pause(ctx, time.Second)) // another pass, and some
	must(t, undecided(ctx))
	close(stop)
	if err := <-looking; err != nil {
		t.Errorf("between the processes: %v", err)
	}
	t.Logf("the address was back after %v; connections old and new went on while no check had decided", held.Round(time.Millisecond))
}

// talk opens a connection to the echo and returns what says a line there and wants it back. In between it is silent, so that an outage
// does not have its kernel wait ever longer.
func (s scene) talk() func() error {
	s.t.Helper()
	var conn net.Conn
	opened := make(chan error, 1)
	s.l.Client.Go(func() {
		var err error
		conn, err = net.DialTimeout("tcp", netip.AddrPortFrom(WebVIP, echoPort).String(), startupTimeout)
		opened <- err
	})
	must(s.t, <-opened)
	s.t.Cleanup(func() { conn.Close() })
	lines := bufio.NewReader(conn)
	hear := func() error {
		if err := conn.SetReadDeadline(time.Now().Add(startupTimeout)); err != nil {
			return err
		}
		_, err := lines.ReadString('\n')
		return err
	}
	must(s.t, hear()) // who greets
	return func() error {
		if _, err := fmt.Fprintln(conn, "well?"); err != nil {
			return err
		}
		return hear()
	}
}
