package health

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"polso/config"
)

// server is a program as Debian has it, which listens on a port of loopback.
type server struct {
	kind    config.CheckKind
	prepare []string // a command before
	command []string
	files   map[string]string
	check   config.Check
	want    string // the reason while it is up
}

// TestRealServers asks the programs that the kinds are made for: up while they run, down when they are stopped (the kernel
// answers, the program does not) and when they are gone. In commands and files DIR and PORT stand for a directory and a
// port. It takes minutes and programs that few have, so it has to be asked for: POLSO_SERVERS=1, as root.
func TestRealServers(t *testing.T) {
	if os.Getenv("POLSO_SERVERS") == "" || os.Geteuid() != 0 {
		t.Skip("POLSO_SERVERS=1 and root start real servers")
	}
	const postgres = "/usr/lib/postgresql/15/bin/"
	for _, s := range []server{
		{kind: config.CheckRedis, command: []string{"redis-server", "--bind", "127.0.0.1", "--port", "PORT", "--save", "", "--dir", "DIR"}, want: `answered "\+PONG`},
		{
			kind: config.CheckMySQL, prepare: []string{"mariadb-install-db", "--no-defaults", "--datadir=DIR/data", "--user=mysql", "--skip-test-db"},
			command: []string{"mariadbd", "--no-defaults", "--datadir=DIR/data", "--user=mysql", "--port=PORT", "--socket=DIR/sock", "--bind-address=127.0.0.1", "--pid-file=DIR/pid"},
			want:    `answered .*#28000Access denied for user 'polso'`,
		},
		{
			kind: config.CheckPostgreSQL, prepare: []string{"runuser", "-u", "nobody", "--", postgres + "initdb", "-D", "DIR/data", "-U", "polso", "-A", "trust"},
			command: []string{"runuser", "-u", "nobody", "--", postgres + "postgres", "-D", "DIR/data", "-p", "PORT", "-k", "DIR"},
			check:   config.Check{User: "polso"}, want: `answered "R`,
		},
		{kind: config.CheckLDAP, files: map[string]string{"conf": "pidfile DIR/pid\n"}, command: []string{"slapd", "-d", "0", "-h", "ldap://127.0.0.1:PORT", "-f", "DIR/conf"}, want: "answered "},
		{
			kind: config.CheckSIP, files: map[string]string{"cfg": kamailio("udp")}, command: []string{"kamailio", "-f", "DIR/cfg", "-DD", "-E", "-P", "DIR/pid", "-Y", "DIR"}, want: `answered "SIP/2.0 200`,
		},
		{
			kind: config.CheckSIPTCP, files: map[string]string{"cfg": kamailio("tcp")}, command: []string{"kamailio", "-f", "DIR/cfg", "-DD", "-E", "-P", "DIR/pid", "-Y", "DIR"}, want: `answered "SIP/2.0 200`,
		},
		{
			kind: config.CheckFTP, files: map[string]string{"conf": "listen=YES\nlisten_address=127.0.0.1\nlisten_port=PORT\nbackground=NO\nsecure_chroot_dir=DIR/empty\n"},
			prepare: []string{"mkdir", "-m", "555", "DIR/empty"}, command: []string{"vsftpd", "DIR/conf"}, want: `answered "220 `,
		},
		{kind: config.CheckIMAP, files: map[string]string{"conf": dovecot("imap")}, command: []string{"dovecot", "-F", "-c", "DIR/conf"}, want: `answered "\* OK`},
		{kind: config.CheckPOP3, files: map[string]string{"conf": dovecot("pop3")}, command: []string{"dovecot", "-F", "-c", "DIR/conf"}, want: `answered "\+OK`},
		{
			kind: config.CheckSMTP, files: map[string]string{"conf": "spool_directory = DIR/spool\nlog_file_path = DIR/%slog\npid_file_path = DIR/pid\n"},
			command: []string{"exim", "-C", "DIR/conf", "-bdf", "-oX", "127.0.0.1.PORT"}, want: `answered ".* ESMTP Exim`,
		},
		{
			kind: config.CheckDNS, check: config.Check{Query: "www.example.org", Answer: "192.0.2.7"}, want: "NOERROR, 192.0.2.7",
			files: map[string]string{
				"conf": `options { directory "DIR"; pid-file "DIR/pid"; session-keyfile "DIR/key"; listen-on port PORT { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; };
controls { };
zone "example.org" { type primary; file "DIR/zone"; };
`,
				"zone": "$TTL 60\n@ SOA a b 1 60 60 60 60\n@ NS a\na A 192.0.2.6\nwww A 192.0.2.7\n",
			},
			command: []string{"named", "-g", "-c", "DIR/conf"},
		},
	} {
		t.Run(string(s.kind), func(t *testing.T) { s.try(t) })
	}
}

func kamailio(network string) string {
	return "log_stderror=yes\nlisten=" + network + ":127.0.0.1:PORT\nchildren=1\nmpath=\"/usr/lib/x86_64-linux-gnu/kamailio/modules\"\nloadmodule \"sl.so\"\nrequest_route { sl_send_reply(\"200\", \"OK\"); }\n"
}

func dovecot(protocol string) string {
	return "base_dir = DIR/run\nprotocols = " + protocol + "\nlisten = 127.0.0.1\nlog_path = DIR/log\nssl = no\nmail_location = maildir:DIR/mail\n" +
		"service " + protocol + "-login {\n inet_listener " + protocol + " {\n port = PORT\n }\n inet_listener " + protocol + "s {\n port = 0\n }\n}\n" +
		"passdb {\n driver = static\n args = nopassword=y\n}\nuserdb {\n driver = static\n args = uid=nobody gid=nogroup home=DIR\n}\n"
}

func (s server) try(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "server") // not t.TempDir, which other users cannot look into
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	at := closed(t)
	fill := strings.NewReplacer("DIR", dir, "PORT", strconv.Itoa(int(at.Port())))
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := func(words []string) *exec.Cmd {
		args := make([]string, len(words))
		for i, w := range words {
			args[i] = fill.Replace(w)
		}
		if _, err := exec.LookPath(args[0]); err != nil {
			t.Skip(err)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	if s.prepare != nil {
		if out, err := command(s.prepare).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", s.prepare, err, out)
		}
	}
	log, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(s.command)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	t.Cleanup(end)

	s.check.Kind, s.check.Timeout = s.kind, 2*time.Second
	ask := func() Result { return Probe(t.Context(), Target{Addr: at, Check: s.check}) }
	s.until(t, log.Name(), ask, true, s.want)
	for range 120 { // more than servers forgive a client that they do not like
		if got := ask(); !got.OK {
			t.Fatalf("%+v", got)
		}
	}
	t.Log(ask().Reason)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.until(t, log.Name(), ask, false, "no answer within 2s")
	end()
	s.until(t, log.Name(), ask, false, "(connection refused|port unreachable)")
}

// until asks until the answer is as wanted.
func (s server) until(t *testing.T, log string, ask func() Result, ok bool, want string) {
	t.Helper()
	var got Result
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got = ask(); got.OK == ok && regexp.MustCompile(want).MatchString(got.Reason) {
			return
		}
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("%+v, want %v %s\n%s", got, ok, want, text)
}
