package health

import (
	"strings"

	"polso/config"
)

// server is a program as Debian has it, which listens on a port of loopback, and what a kind of check says of it. In commands and
// files DIR stands for a directory with cert, key and ca in it, PORT and OTHER for ports.
type server struct {
	row     string // what the page calls the check
	by      string // and the server
	prepare []string
	command []string
	files   map[string]string
	check   config.Check
	up      string // what the reason has while it is up
	wrong   wrong
	kernel  bool // the kernel alone answers, for a program that is stopped, too
	often   int  // probes in a row that the server has to bear
}

// wrong is what makes the server, or another, answer what is not wanted; what is empty is as with the right one.
type wrong struct {
	command []string
	files   map[string]string
	check   config.Check
	says    string // what the reason has then
}

const postgres = "/usr/lib/postgresql/15/bin/"

// realServers are the rows of the page's table.
func realServers() []server {
	const certified = "ssl_certificate DIR/cert; ssl_certificate_key DIR/key; ssl_protocols TLSv1.3;"
	nginx := func(listen, tls, body string) map[string]string {
		return map[string]string{"conf": "daemon off; pid DIR/pid; error_log DIR/log; worker_processes 1; events {}\nhttp { access_log off; server { listen 127.0.0.1:PORT " +
			listen + "; " + tls + " location = /healthz { return 200 \"" + body + "\\n\"; } location / { return 404; } } }\n"}
	}
	web := func(row, listen, tls string, check config.Check) server {
		s := server{row: row, by: "nginx", command: []string{"nginx", "-c", "DIR/conf"}, files: nginx(listen, tls, "well"), check: check, up: "200", wrong: wrong{check: check, says: "404"}}
		s.check.Kind, s.check.Path, s.check.Contains = config.CheckHTTP, "/healthz", "well"
		s.wrong.check = s.check
		s.wrong.check.Path = "/gone"
		return s
	}
	secure := config.Check{TLS: true, CA: "DIR/ca"}
	says := func(listen, line string) map[string]string { // of its own accord, to who connects
		return map[string]string{"conf": "load_module /usr/lib/nginx/modules/ngx_stream_module.so; daemon off; pid DIR/pid; error_log DIR/log; worker_processes 1; events {}\n" +
			"stream { server { listen 127.0.0.1:PORT " + listen + "; " + certified + " return \"" + line + "\\n\"; } }\n"}
	}
	agent := func(row string, check config.Check, well, ill map[string]string) server {
		check.Kind = config.CheckAgent
		return server{
			row: row, by: "nginx", command: []string{"nginx", "-c", "DIR/conf"}, files: well, check: check, up: `said "up 75%`, wrong: wrong{files: ill, says: `said "down # disk full`},
		}
	}
	secure2 := secure
	secure2.Version = "2"
	elsewhere := config.Check{Kind: config.CheckTLS, CA: "DIR/ca", ServerName: "other.example.org"}
	const stranger = "certificate is of 127.0.0.1, not of other.example.org"
	zone := map[string]string{
		"conf": `options { directory "DIR"; pid-file "DIR/pid"; session-keyfile "DIR/session"; listen-on port PORT { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; };
controls { };
zone "example.org" { type primary; file "DIR/zone"; };
`,
		"zone": "$TTL 60\n@ SOA a b 1 60 60 60 60\n@ NS a\na A 192.0.2.6\nwww A 192.0.2.7\n",
	}
	const question = `\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03`
	redis := []string{"redis-server", "--bind", "127.0.0.1", "--port", "PORT", "--save", "", "--dir", "DIR"}
	noPing := append(redis[:len(redis):len(redis)], "--rename-command", "PING", "")
	rediss := append(redis[:3:3], "--port", "0", "--tls-port", "PORT", "--tls-cert-file", "DIR/cert", "--tls-key-file", "DIR/key", "--tls-auth-clients", "no", "--save", "", "--dir", "DIR")
	dovecotd := []string{"dovecot", "-F", "-c", "DIR/conf"}
	mail := []string{"exim", "-C", "DIR/conf", "-bdf", "-oX", "127.0.0.1.PORT"}
	const spool = "spool_directory = DIR/spool\nlog_file_path = DIR/%slog\npid_file_path = DIR/pid\n"
	kamailiod := []string{"kamailio", "-f", "DIR/cfg", "-DD", "-E", "-P", "DIR/pid", "-Y", "DIR"}
	return []server{
		{row: "tcp", by: "nginx", command: []string{"nginx", "-c", "DIR/conf"}, files: nginx("", "", "well"), check: config.Check{Kind: config.CheckTCP}, up: "connected", kernel: true},
		{
			row: "tls", by: "nginx", command: []string{"nginx", "-c", "DIR/conf"}, files: nginx("ssl", certified, "well"), check: config.Check{Kind: config.CheckTLS, CA: "DIR/ca"}, up: "TLS 1.3",
			wrong: wrong{check: elsewhere, says: stranger},
		},
		web("http", "", "", config.Check{}),
		web("http, version 2", "http2", "", config.Check{Version: "2"}),
		web("https", "ssl", certified, secure),
		web("https, version 2", "ssl http2", certified, secure2),
		{
			row: "http", by: "haproxy, and another through it", command: []string{"haproxy", "-db", "-f", "DIR/cfg"}, files: map[string]string{"cfg": haproxy},
			check: config.Check{Kind: config.CheckHTTP, Path: "/healthz", Contains: "well"}, up: "200",
			wrong: wrong{check: config.Check{Kind: config.CheckHTTP, Path: "/gone"}, says: "503"},
		},
		{
			row: "grpc", by: "grpc-go's health service", prepare: []string{"go", "build", "-C", "testdata/grpchealth", "-o", "DIR/grpchealth", "."}, command: []string{"DIR/grpchealth", "127.0.0.1:PORT"},
			check: config.Check{Kind: config.CheckGRPC}, up: "SERVING", wrong: wrong{check: config.Check{Kind: config.CheckGRPC, Service: "sleeping"}, says: "NOT_SERVING"},
		},
		{
			row: "grpc, tls", by: "grpc-go's health service", prepare: []string{"go", "build", "-C", "testdata/grpchealth", "-o", "DIR/grpchealth", "."},
			command: []string{"DIR/grpchealth", "127.0.0.1:PORT", "DIR/cert", "DIR/key"}, check: config.Check{Kind: config.CheckGRPC, TLS: true, CA: "DIR/ca"}, up: "SERVING",
			wrong: wrong{check: config.Check{Kind: config.CheckGRPC, TLS: true, CA: "DIR/ca", Service: "sleeping"}, says: "NOT_SERVING"},
		},
		{
			row: "send", by: "redis", command: redis, check: config.Check{Kind: config.CheckSend, Send: `PING\r\n`, Expect: "+PONG"}, up: `answered "+PONG`,
			wrong: wrong{check: config.Check{Kind: config.CheckSend, Send: `PONG\r\n`, Expect: "+PONG"}, says: `unexpected answer "-ERR unknown command`},
		},
		{
			row: "send, tls", by: "redis", command: rediss, check: config.Check{Kind: config.CheckSend, Send: `PING\r\n`, Expect: "+PONG", TLS: true, CA: "DIR/ca"}, up: `answered "+PONG`,
			wrong: wrong{check: config.Check{Kind: config.CheckSend, Send: `PONG\r\n`, Expect: "+PONG", TLS: true, CA: "DIR/ca"}, says: `unexpected answer "-ERR unknown command`},
		},
		{
			row: "udp", by: "bind", command: []string{"named", "-g", "-c", "DIR/conf"}, files: zone, up: `answered`,
			check: config.Check{Kind: config.CheckUDP, Send: question + `org\x00\x00\x01\x00\x01`, Expect: `\x124\x85\x00`},
			wrong: wrong{check: config.Check{Kind: config.CheckUDP, Send: question + `com\x00\x00\x01\x00\x01`, Expect: `\x124\x85\x00`}, says: "unexpected answer"},
		},
		{
			row: "dns", by: "bind", command: []string{"named", "-g", "-c", "DIR/conf"}, files: zone, up: "NOERROR, 192.0.2.7",
			check: config.Check{Kind: config.CheckDNS, Query: "www.example.org", Answer: "192.0.2.7"},
			wrong: wrong{check: config.Check{Kind: config.CheckDNS, Query: "gone.example.org"}, says: "NXDOMAIN"},
		},
		{
			row: "smtp", by: "exim", command: mail, files: map[string]string{"conf": spool}, check: config.Check{Kind: config.CheckSMTP}, up: "ESMTP Exim",
			wrong: wrong{files: map[string]string{"conf": spool + "acl_smtp_connect = no\nbegin acl\nno:\n  deny\n"}, says: "550 Administrative prohibition"},
		},
		{
			row: "smtp, tls", by: "exim", command: mail, files: map[string]string{"conf": spool + "tls_advertise_hosts = *\ntls_certificate = DIR/cert\ntls_privatekey = DIR/key\n"},
			check: config.Check{Kind: config.CheckSMTP, TLS: true, CA: "DIR/ca"}, up: "ESMTP Exim",
			wrong: wrong{check: config.Check{Kind: config.CheckSMTP, TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		{
			row: "redis", by: "redis", command: redis, check: config.Check{Kind: config.CheckRedis}, up: `answered "+PONG`,
			wrong: wrong{command: noPing, says: `unexpected answer "-ERR unknown command`},
		},
		{
			row: "redis, tls", by: "redis", command: rediss,
			check: config.Check{Kind: config.CheckRedis, TLS: true, CA: "DIR/ca"}, up: `answered "+PONG`,
			wrong: wrong{check: config.Check{Kind: config.CheckRedis, TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		{
			row: "mysql", by: "mariadb", prepare: []string{"mariadb-install-db", "--no-defaults", "--datadir=DIR/data", "--user=mysql", "--skip-test-db"},
			command: []string{"mariadbd", "--no-defaults", "--datadir=DIR/data", "--user=mysql", "--port=PORT", "--socket=DIR/sock", "--bind-address=127.0.0.1", "--pid-file=DIR/pid"},
			check:   config.Check{Kind: config.CheckMySQL}, up: "Access denied for user 'polso'", often: 120, // max_connect_errors is 100
			wrong: wrong{check: config.Check{Kind: config.CheckMySQL, User: "stranger"}, says: "Access denied for user 'stranger'"},
		},
		{
			row: "postgresql", by: "postgresql", prepare: []string{"runuser", "-u", "nobody", "--", postgres + "initdb", "-N", "-D", "DIR/data", "-U", "polso", "-A", "trust"},
			command: []string{"runuser", "-u", "nobody", "--", postgres + "postgres", "-D", "DIR/data", "-p", "PORT", "-k", "DIR"},
			check:   config.Check{Kind: config.CheckPostgreSQL, User: "polso"}, up: `answered "R`,
			wrong: wrong{check: config.Check{Kind: config.CheckPostgreSQL, User: "stranger"}, says: "FATAL"},
		},
		{
			row: "postgresql, tls", by: "postgresql", prepare: []string{"sh", "-c", "runuser -u nobody -- " + postgres + "initdb -N -D DIR/data -U polso -A trust && install -o nobody -m 600 DIR/cert DIR/key DIR/data"},
			command: []string{"runuser", "-u", "nobody", "--", postgres + "postgres", "-D", "DIR/data", "-p", "PORT", "-k", "DIR", "-c", "ssl=on", "-c", "ssl_cert_file=cert", "-c", "ssl_key_file=key"},
			check:   config.Check{Kind: config.CheckPostgreSQL, User: "polso", TLS: true, CA: "DIR/ca"}, up: `answered "R`,
			wrong: wrong{check: config.Check{Kind: config.CheckPostgreSQL, User: "polso", TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		{
			row: "ldap", by: "slapd", files: map[string]string{"conf": "pidfile DIR/pid\n"}, command: []string{"slapd", "-d", "0", "-h", "ldap://127.0.0.1:PORT", "-f", "DIR/conf"},
			check: config.Check{Kind: config.CheckLDAP}, up: "answered",
			wrong: wrong{files: map[string]string{"conf": "pidfile DIR/pid\nrestrict bind\n"}, says: "unexpected answer"},
		},
		{
			row: "ldap, tls", by: "slapd", files: map[string]string{"conf": "pidfile DIR/pid\nTLSCertificateFile DIR/cert\nTLSCertificateKeyFile DIR/key\n"}, command: []string{"slapd", "-d", "0", "-h", "ldaps://127.0.0.1:PORT", "-f", "DIR/conf"},
			check: config.Check{Kind: config.CheckLDAP, TLS: true, CA: "DIR/ca"}, up: "answered",
			wrong: wrong{check: config.Check{Kind: config.CheckLDAP, TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		{
			row: "sip", by: "kamailio", files: map[string]string{"cfg": kamailio("udp", "200")}, command: kamailiod, check: config.Check{Kind: config.CheckSIP}, up: `answered "SIP/2.0 200`,
			wrong: wrong{files: map[string]string{"cfg": kamailio("udp", "503")}, says: `unexpected answer "SIP/2.0 503`},
		},
		{
			row: "sip-tcp", by: "kamailio", files: map[string]string{"cfg": kamailio("tcp", "200")}, command: kamailiod, check: config.Check{Kind: config.CheckSIPTCP}, up: `answered "SIP/2.0 200`,
			wrong: wrong{files: map[string]string{"cfg": kamailio("tcp", "503")}, says: `unexpected answer "SIP/2.0 503`},
		},
		{
			row: "sip-tcp, tls", by: "kamailio", files: map[string]string{"cfg": kamailio("tls", "200")}, command: kamailiod,
			check: config.Check{Kind: config.CheckSIPTCP, TLS: true, CA: "DIR/ca"}, up: `answered "SIP/2.0 200`,
			wrong: wrong{files: map[string]string{"cfg": kamailio("tls", "503")}, says: `unexpected answer "SIP/2.0 503`},
		},
		{
			row: "ftp", by: "vsftpd", files: map[string]string{"conf": vsftpd},
			prepare: []string{"mkdir", "-m", "555", "DIR/empty"}, command: []string{"vsftpd", "DIR/conf"}, check: config.Check{Kind: config.CheckFTP}, up: `answered "220`,
			wrong: wrong{command: dovecotd, files: map[string]string{"conf": dovecot("imap")}, says: `unexpected answer "* OK`},
		},
		{
			row: "ftp, tls", by: "vsftpd", files: map[string]string{"conf": vsftpd + "ssl_enable=YES\nimplicit_ssl=YES\nrsa_cert_file=DIR/cert\nrsa_private_key_file=DIR/key\n"},
			prepare: []string{"mkdir", "-m", "555", "DIR/empty"}, command: []string{"vsftpd", "DIR/conf"}, check: config.Check{Kind: config.CheckFTP, TLS: true, CA: "DIR/ca"}, up: `answered "220`,
			wrong: wrong{check: config.Check{Kind: config.CheckFTP, TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		{
			row: "imap", by: "dovecot", files: map[string]string{"conf": dovecot("imap")}, command: dovecotd, check: config.Check{Kind: config.CheckIMAP}, up: `answered "* OK`,
			wrong: wrong{files: map[string]string{"conf": dovecot("pop3")}, says: `unexpected answer "+OK`},
		},
		{
			row: "imap, tls", by: "dovecot", files: map[string]string{"conf": dovecots("imap")}, command: dovecotd, check: config.Check{Kind: config.CheckIMAP, TLS: true, CA: "DIR/ca"}, up: `answered "* OK`,
			wrong: wrong{check: config.Check{Kind: config.CheckIMAP, TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		{
			row: "pop3", by: "dovecot", files: map[string]string{"conf": dovecot("pop3")}, command: dovecotd, check: config.Check{Kind: config.CheckPOP3}, up: `answered "+OK`,
			wrong: wrong{files: map[string]string{"conf": dovecot("imap")}, says: `unexpected answer "* OK`},
		},
		{
			row: "pop3, tls", by: "dovecot", files: map[string]string{"conf": dovecots("pop3")}, command: dovecotd, check: config.Check{Kind: config.CheckPOP3, TLS: true, CA: "DIR/ca"}, up: `answered "+OK`,
			wrong: wrong{check: config.Check{Kind: config.CheckPOP3, TLS: true, CA: "DIR/ca", ServerName: "other.example.org"}, says: stranger},
		},
		agent("agent", config.Check{}, says("", "up 75%"), says("", "down # disk full")),
		agent("agent, tls", secure, says("ssl", "up 75%"), says("ssl", "down # disk full")),
		agent("agent, path", config.Check{Path: "/healthz"}, nginx("", "", "up 75%"), nginx("", "", "down # disk full")),
		agent("agent, path and tls", config.Check{Path: "/healthz", TLS: true, CA: "DIR/ca"}, nginx("ssl", certified, "up 75%"), nginx("ssl", certified, "down # disk full")),
	}
}

// haproxy hands on to a server that is haproxy's own.
const haproxy = `defaults
 mode http
 timeout client 5s
 timeout connect 5s
 timeout server 5s
frontend f
 bind 127.0.0.1:PORT
 http-request deny deny_status 503 if { path /gone }
 default_backend b
backend b
 server other 127.0.0.1:OTHER
frontend other
 bind 127.0.0.1:OTHER
 http-request return status 200 content-type text/plain string "well"
`

const vsftpd = "listen=YES\nlisten_address=127.0.0.1\nlisten_port=PORT\nbackground=NO\nsecure_chroot_dir=DIR/empty\n"

func kamailio(network, status string) string {
	tls := ""
	if network == "tls" {
		tls = "loadmodule \"tls.so\"\nmodparam(\"tls\", \"certificate\", \"DIR/cert\")\nmodparam(\"tls\", \"private_key\", \"DIR/key\")\nmodparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n"
	}
	return "log_stderror=yes\n" + map[bool]string{true: "enable_tls=yes\n"}[tls != ""] + "listen=" + network + ":127.0.0.1:PORT\nchildren=1\nmpath=\"/usr/lib/x86_64-linux-gnu/kamailio/modules\"\nloadmodule \"sl.so\"\n" +
		tls + "request_route { sl_send_reply(\"" + status + "\", \"Words\"); }\n"
}

// dovecots is a dovecot that listens for TLS alone.
func dovecots(protocol string) string {
	return strings.NewReplacer("ssl = no", "ssl = yes\nssl_cert = <DIR/cert\nssl_key = <DIR/key", protocol+" {\n port = PORT", protocol+" {\n port = 0",
		protocol+"s {\n port = 0", protocol+"s {\n port = PORT\n ssl = yes").Replace(dovecot(protocol))
}

func dovecot(protocol string) string {
	return "base_dir = DIR/run\nprotocols = " + protocol + "\nlisten = 127.0.0.1\nlog_path = DIR/log\nssl = no\nmail_location = maildir:DIR/mail\n" +
		"service " + protocol + "-login {\n inet_listener " + protocol + " {\n port = PORT\n }\n inet_listener " + protocol + "s {\n port = 0\n }\n}\n" +
		"passdb {\n driver = static\n args = nopassword=y\n}\nuserdb {\n driver = static\n args = uid=nobody gid=nogroup home=DIR\n}\n"
}
