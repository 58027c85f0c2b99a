package health

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// askGRPC asks the standard health service of a gRPC server (grpc.health.v1.Health/Check), over HTTP/2.
func askGRPC(ctx context.Context, p prober, t Target) answer {
	c, s, err := p.connect(ctx, t, "h2")
	if err != nil {
		return s.on(answer{Err: err})
	}
	scheme := "http"
	if t.Check.TLS {
		scheme = "https"
	}
	// A message is a byte that says that it is not compressed, its length, and itself: HealthCheckRequest{service: 1}.
	message := binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(t.Check.Service)))
	message = append(message, t.Check.Service...)
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	host := t.Check.ServerName
	if host == "" {
		host = t.Addr.String()
	}
	req := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: scheme, Host: t.Addr.String(), Path: "/grpc.health.v1.Health/Check"}, Host: host,
		Header: http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {"polso-check"}},
	}
	res, end, err := p.roundTrip2(c, req.WithContext(ctx), frame)
	defer end()
	if err != nil {
		return s.on(answer{Err: httpFault(err)})
	}
	return s.on(grpcAnswer(p, res, t.Check.Service))
}

func grpcAnswer(p prober, res *http.Response, service string) answer {
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // the answer has seven bytes; only after it are there trailers
	p.steps2("received", res.Proto+" "+res.Status, res.Header, body)
	status := res.Trailer.Get("Grpc-Status")
	if status == "" {
		status = res.Header.Get("Grpc-Status") // an answer of trailers alone
	}
	of := ""
	if service != "" {
		of = fmt.Sprintf(" (service %q)", service)
	}
	switch {
	case err != nil:
		return answer{Err: httpFault(err)}
	case res.StatusCode != http.StatusOK:
		return answer{Words: strconv.Itoa(res.StatusCode) + ", which no gRPC server says"}
	case status == "":
		return answer{Words: "no gRPC server answers there"}
	case status == "5": // NOT_FOUND
		return answer{Words: "SERVICE_UNKNOWN" + of}
	case status == "12": // UNIMPLEMENTED
		return answer{Words: "the server has no health service"}
	case status != "0":
		message, err := url.PathUnescape(res.Trailer.Get("Grpc-Message") + res.Header.Get("Grpc-Message"))
		if err != nil {
			message = ""
		}
		return answer{Words: fmt.Sprintf("gRPC status %s: %q", short(status), short(message))}
	}
	serving, err := servingStatus(body)
	if err != nil {
		return answer{Err: err}
	}
	switch serving {
	case 0:
		return answer{Words: "UNKNOWN" + of}
	case 1:
		return answer{OK: true, Words: "SERVING" + of}
	case 2:
		return answer{Words: "NOT_SERVING" + of}
	case 3:
		return answer{Words: "SERVICE_UNKNOWN" + of}
	default:
		return answer{Words: fmt.Sprintf("serving status %d%s", serving, of)}
	}
}

// servingStatus reads a HealthCheckResponse{status: 1} in its frame; one without a status says 0.
func servingStatus(frame []byte) (uint64, error) {
	garbled := errors.New("the answer is no HealthCheckResponse")
	if len(frame) < 5 || frame[0] != 0 || uint64(binary.BigEndian.Uint32(frame[1:])) != uint64(len(frame)-5) {
		return 0, garbled
	}
	var status uint64
	for b := frame[5:]; len(b) > 0; {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, garbled
		}
		b = b[n:]
		if tag != 1<<3 { // only that one field has ever been defined
			return 0, garbled
		}
		if status, n = binary.Uvarint(b); n <= 0 {
			return 0, garbled
		}
		b = b[n:]
	}
	return status, nil
}
