package health

import (
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"polso/config"
)

const (
	patience = 2 * time.Second        // of a check
	lull     = 500 * time.Millisecond // how long a slow server is stopped
)

// TestRealServers asks the programs that the kinds are made for, in every state of the page's table: up; answering something else;
// slow (stopped, and let go on); hanging (stopped: the kernel answers, the program does not); closing (killed while a client
// waits); gone. Garbage alone comes from a server of the test's own. It has to be asked for: `make servers`, as root.
func TestRealServers(t *testing.T) {
	if os.Getenv("POLSO_SERVERS") == "" || os.Geteuid() != 0 {
		t.Skip("POLSO_SERVERS=1 and root start real servers")
	}
	ca := newAuthority(t, "ca")
	for _, s := range realServers() {
		t.Run(s.row+" by "+s.by, func(t *testing.T) {
			t.Parallel()
			s.try(t, ca)
		})
	}
}

// TestServersTable: the page's table is what TestRealServers wants to see.
func TestServersTable(t *testing.T) {
	text, err := os.ReadFile("../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := serversTable(); !strings.Contains(string(text), "\n\n"+want+"\n") {
		t.Errorf("docs/checks.md does not have this table:\n%s", want)
	}
}

func serversTable() string {
	var b strings.Builder
	b.WriteString("| check | server | up | wrong answer | slow | hangs | closes | garbage | gone |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range realServers() {
		code := func(text string) string {
			if text == "" {
				return "–"
			}
			return "`" + text + "`"
		}
		hangs, garbage := code(s.hangs()), "down"
		if s.kernel {
			hangs, garbage = "up", "up"
		}
		b.WriteString("| " + strings.Join([]string{s.row, s.by, code(s.up), code(s.wrong.says), "up", hangs, code(s.closes()), garbage, code(s.gone())}, " | ") + " |\n")
	}
	return b.String()
}

func (s server) datagrams() bool {
	return s.check.Kind == config.CheckUDP || s.check.Kind == config.CheckDNS || s.check.Kind == config.CheckSIP
}

func (s server) hangs() string { return "no answer within " + patience.String() }

// closes is "" where a server that dies is none that closes.
func (s server) closes() string {
	if s.datagrams() || s.kernel {
		return ""
	}
	if s.check.Kind == config.CheckTLS || s.check.TLS && s.check.Kind != config.CheckSMTP && s.check.Kind != config.CheckPostgreSQL { // which begin in clear
		return "the server reset the connection during the TLS handshake"
	}
	return "connection reset by peer"
}

func (s server) gone() string {
	if s.datagrams() {
		return "port unreachable"
	}
	return "connection refused"
}

func (s server) try(t *testing.T, ca authority) {
	if w := s.wrong; w.command != nil || w.files != nil {
		other := s
		if w.command != nil {
			other.command = w.command
		}
		if w.files != nil {
			other.files = w.files
		}
		r := other.start(t, ca)
		r.until(s.check, false, w.says)
		r.kill()
	}
	r := s.start(t, ca)
	r.until(s.check, true, s.up)
	if s.wrong.check.Kind != "" {
		r.now(s.wrong.check, false, s.wrong.says)
	}
	for range s.often {
		r.now(s.check, true, s.up)
	}

	r.stop()
	goOn := time.AfterFunc(lull, func() { r.signal(syscall.SIGCONT) })
	if got := r.now(s.check, true, s.up); !s.kernel && got.Took < lull/2 {
		t.Errorf("slow: it took %v", got.Took)
	}
	if goOn.Stop() {
		r.signal(syscall.SIGCONT)
	} else {
		time.Sleep(10 * time.Millisecond) // the timer's function is about its work
	}

	r.stop()
	if s.kernel {
		r.now(s.check, true, s.up)
	} else {
		r.now(s.check, false, s.hangs())
	}
	if want := s.closes(); want != "" {
		time.AfterFunc(lull/2, func() { r.signal(syscall.SIGKILL) })
		r.now(s.check, false, want)
	}
	r.kill()
	r.until(s.check, false, s.gone())

	r.at = garbage(t, s.datagrams())
	if got := r.ask(s.check); got.OK != s.kernel {
		t.Errorf("garbage: %+v", got)
	}
}

// garbage listens on loopback and answers whatever it hears, or is there to hear, with bytes of no protocol.
func garbage(t *testing.T, datagrams bool) netip.AddrPort {
	const bytes = "\xff\xfe\x00garbage\x00\x01\x80\r\n\r\n\xc3\x28"
	if !datagrams {
		return answering(t, greets(bytes))
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() { // until Close
		for b := make([]byte, 2048); ; {
			_, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo([]byte(bytes), from)
		}
	}()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// started is a server that runs.
type started struct {
	t    *testing.T
	at   netip.AddrPort
	cmd  *exec.Cmd
	fill *strings.Replacer
	log  string
}

// start prepares and starts the server in a directory of its own.
func (s server) start(t *testing.T, ca authority) *started {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "server") // not t.TempDir, which other users cannot look into
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	r := &started{t: t, at: closed(t), log: filepath.Join(dir, "stderr")}
	r.fill = strings.NewReplacer("DIR", dir, "PORT", strconv.Itoa(int(r.at.Port())), "OTHER", strconv.Itoa(int(closed(t).Port())))
	for name, text := range s.files {
		r.write(filepath.Join(dir, name), r.fill.Replace(text))
	}
	r.certify(dir, ca, ca.sign(t, -time.Hour, time.Hour, "127.0.0.1"))
	if s.prepare != nil {
		if out, err := r.command(s.prepare).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", s.prepare, err, out)
		}
	}
	log, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r.cmd = r.command(s.command)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	return r
}

// certify puts certificates where servers of all users can read them.
func (r *started) certify(dir string, ca authority, own tls.Certificate) {
	cert, key := files(r.t, own)
	for name, from := range map[string]string{"cert": cert, "key": key} {
		text, err := os.ReadFile(from)
		if err != nil {
			r.t.Fatal(err)
		}
		r.write(filepath.Join(dir, name), string(text))
	}
	r.write(filepath.Join(dir, "ca"), ca.pem)
}

func (r *started) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *started) command(words []string) *exec.Cmd {
	args := make([]string, len(words))
	for i, w := range words {
		args[i] = r.fill.Replace(w)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (r *started) signal(s syscall.Signal) { _ = syscall.Kill(-r.cmd.Process.Pid, s) } // an error means that nobody is left

// stop stops every thread; the kernel takes a moment.
func (r *started) stop() {
	r.signal(syscall.SIGSTOP)
	time.Sleep(lull / 10)
}

func (r *started) kill() {
	if r.cmd.ProcessState == nil {
		r.signal(syscall.SIGKILL)
		_ = r.cmd.Wait() // killed
	}
}

func (r *started) ask(c config.Check) Result {
	c.Timeout, c.CA = patience, r.fill.Replace(c.CA)
	return Probe(r.t.Context(), Target{Addr: r.at, Check: c})
}

// now asks once.
func (r *started) now(c config.Check, ok bool, says string) Result {
	r.t.Helper()
	got := r.ask(c)
	if got.OK != ok || !strings.Contains(got.Reason, says) {
		text, _ := os.ReadFile(r.log)
		r.t.Fatalf("%v %s\nwant %v %s\n%s", got.OK, got.Reason, ok, says, text)
	}
	return got
}

// until asks until the answer is as wanted.
func (r *started) until(c config.Check, ok bool, says string) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got := r.ask(c); got.OK == ok && strings.Contains(got.Reason, says) {
			return
		}
	}
	r.now(c, ok, says)
}
