package health

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// grpcServer answers as a gRPC server does: frame, and then trailers.
func grpcServer(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	if r.Method != "POST" || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("Te") != "trailers" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	frame, status, message := "", "0", ""
	switch string(sent) {
	case "\x00\x00\x00\x00\x02\x0a\x00": // the whole server
		frame = "\x00\x00\x00\x00\x02\x08\x01"
	case "\x00\x00\x00\x00\x0a\x0a\x08sleeping":
		frame = "\x00\x00\x00\x00\x02\x08\x02"
	case "\x00\x00\x00\x00\x07\x0a\x05strip":
		frame = "\x00\x00\x00\x00\x00"
	case "\x00\x00\x00\x00\x09\x0a\x07watched":
		frame = "\x00\x00\x00\x00\x02\x08\x03"
	case "\x00\x00\x00\x00\x08\x0a\x06future":
		frame = "\x00\x00\x00\x00\x02\x08\x09"
	case "\x00\x00\x00\x00\x09\x0a\x07garbage":
		frame = "\x00\x00\x00\x00\x09\x08\x01"
	case "\x00\x00\x00\x00\x07\x0a\x05other":
		frame = "\x00\x00\x00\x00\x02\x10\x01"
	case "\x00\x00\x00\x00\x06\x0a\x04full":
		status, message = "14", "too%20busy"
	case "\x00\x00\x00\x00\x06\x0a\x04none":
		status = "12"
	default:
		status, message = "5", "unknown service"
	}
	_, _ = io.WriteString(w, frame)
	w.Header().Set("Grpc-Status", status)
	w.Header().Set("Grpc-Message", message)
}

func TestGRPC(t *testing.T) {
	ca := newAuthority(t, "CA")
	clear := serveWith(t, nil, both, grpcServer)
	secure := serveWith(t, shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1", "grpc.example")), both, grpcServer)
	trailersOnly := serveWith(t, nil, two, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "5")
	})
	for _, tt := range []struct {
		name  string
		at    netip.AddrPort
		check config.Check
		ok    bool
		want  string
	}{
		{"whole server", clear, config.Check{}, true, `SERVING after \S+ ms`},
		{"not serving", clear, config.Check{Service: "sleeping"}, false, `NOT_SERVING \(service "sleeping"\) after \S+ ms`},
		{"nothing said", clear, config.Check{Service: "strip"}, false, `UNKNOWN \(service "strip"\) after \S+ ms`},
		{"unknown by trailer", clear, config.Check{Service: "who"}, false, `SERVICE_UNKNOWN \(service "who"\) after \S+ ms`},
		{"unknown by status", clear, config.Check{Service: "watched"}, false, `SERVICE_UNKNOWN \(service "watched"\) after \S+ ms`},
		{"a status of the future", clear, config.Check{Service: "future"}, false, `serving status 9 \(service "future"\) after \S+ ms`},
		{"a frame that is cut", clear, config.Check{Service: "garbage"}, false, `the answer is no HealthCheckResponse after \S+ ms`},
		{"another message", clear, config.Check{Service: "other"}, false, `the answer is no HealthCheckResponse after \S+ ms`},
		{"an error", clear, config.Check{Service: "full"}, false, `gRPC status 14: "too busy" after \S+ ms`},
		{"no health service", clear, config.Check{Service: "none"}, false, `the server has no health service after \S+ ms`},
		{"trailers alone", trailersOnly, config.Check{Service: "x"}, false, `SERVICE_UNKNOWN \(service "x"\) after \S+ ms`},
		{"tls", secure, config.Check{TLS: true, CA: ca.pem}, true, `SERVING after \S+ ms`},
		{"tls by name", secure, config.Check{TLS: true, CA: ca.pem, ServerName: "grpc.example"}, true, `SERVING after \S+ ms`},
		{"tls of another name", secure, config.Check{TLS: true, CA: ca.pem, ServerName: "x.example"}, false, `certificate is of grpc\.example, 127\.0\.0\.1, not of x\.example after \S+ ms`},
		{"tls without HTTP/2", serveWith(t, shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1")), one, proto), config.Check{TLS: true, CA: ca.pem}, false,
			`(the server refused the TLS handshake: no application protocol|the server does not offer HTTP/2) after \S+ ms`},
		{"tls asked of clear", clear, config.Check{TLS: true, CA: ca.pem}, false, `not TLS: .* after \S+ ms`},
		{"HTTP/1.1", serve(t, status(200)), config.Check{}, false, `the server speaks HTTP/1\.1, not HTTP/2 after \S+ ms`},
		{"HTTP/2, and no gRPC", serveWith(t, nil, two, status(404)), config.Check{}, false, `404, which no gRPC server says after \S+ ms`},
		{"HTTP/2, and says 200", serveWith(t, nil, two, status(200)), config.Check{}, false, `no gRPC server answers there after \S+ ms`},
		{"refuses", closed(t), config.Check{}, false, `connection refused after \S+ ms`},
		{"hangs", listen(t, "tcp4", "127.0.0.1:0"), config.Check{Timeout: 50 * time.Millisecond}, false, `no answer within 50ms`},
		{"hangs within the answer", serveWith(t, nil, two, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), config.Check{Timeout: 100 * time.Millisecond}, false, `no answer within 100ms`},
		{"slow", serveWith(t, nil, two, func(w http.ResponseWriter, r *http.Request) { time.Sleep(100 * time.Millisecond); grpcServer(w, r) }), config.Check{}, true, `SERVING after \d{3,} ms`},
		{"closes", talk(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }), config.Check{}, false, `(the server closed before it had answered|connection reset by peer) after \S+ ms`},
		{"garbage", talk(t, func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("x", 100)) }), config.Check{}, false, `.+ after \S+ ms`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Kind = config.CheckGRPC
			says(t, tt.at, tt.check, tt.ok, "grpc: "+tt.want)
		})
	}
}

func TestTraceOfGRPC(t *testing.T) {
	result, steps := traced(t, serveWith(t, nil, two, grpcServer), config.Check{Kind: config.CheckGRPC})
	all := strings.Join(steps, "\n")
	for _, want := range []string{`sent "POST /grpc.health.v1.Health/Check HTTP/2.0\r\n`, `\r\n\r\n\x00\x00\x00\x00\x02\n\x00"`, `received "HTTP/2.0 200 OK\r\n`, `\r\n\r\n\x00\x00\x00\x00\x02\b\x01"`, "\nclosed"} {
		if !result.OK || !strings.Contains(all, want) {
			t.Errorf("got %+v\n%s\nwhich lacks %s", result, all, want)
		}
	}
}

func FuzzServingStatus(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02\x08\x01"))
	f.Add([]byte("\x00\x00\x00\x00\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(_ *testing.T, frame []byte) { _, _ = servingStatus(frame) })
}
