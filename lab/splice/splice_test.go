package splice

import (
	"io"
	"net"
	"testing"
	"time"
)

// pair is the two ends of a connection.
func pair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	for _, c := range []net.Conn{near, far} {
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	return near.(*net.TCPConn), far.(*net.TCPConn)
}

// A question that has ended is answered: each direction ends for itself.
func TestBoth(t *testing.T) {
	client, from := pair(t)
	to, server := pair(t)
	done := make(chan struct{})
	go func() { Both(from, to); close(done) }()
	if _, err := io.WriteString(client, "question"); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
		t.Errorf("the server reads %q, %v", got, err)
	}
	if _, err := io.WriteString(server, "answer"); err != nil {
		t.Fatal(err)
	}
	if err := server.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Errorf("the client reads %q, %v", got, err)
	}
	<-done
	if _, err := from.Write([]byte("x")); err == nil {
		t.Error("a connection is left open")
	}
}
