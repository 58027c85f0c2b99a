package health

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"polso/config"
)

// askHTTP sends a GET, whose status must be in the check's ranges.
func askHTTP(ctx context.Context, p prober, t Target) answer {
	tr := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx, "tcp", t.Addr) },
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true, ServerName: serverName(t.Check.Host)},
	}
	defer tr.CloseIdleConnections()
	req, err := request(ctx, t)
	if err != nil {
		return answer{Err: err}
	}
	res, err := tr.RoundTrip(req) // not a Client: a redirect is an answer
	if err != nil {
		return answer{Err: err}
	}
	// The status line was the answer; a body is not waited for.
	_ = res.Body.Close()
	return answer{OK: accepts(t.Check.Status, res.StatusCode), Words: strconv.Itoa(res.StatusCode)}
}

func request(ctx context.Context, t Target) (*http.Request, error) {
	path := t.Check.Path
	if path == "" {
		path = "/"
	}
	u, err := url.Parse(t.scheme() + "://" + t.Addr.String() + path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if t.Check.Host != "" {
		req.Host = t.Check.Host
	}
	req.Header.Set("User-Agent", "polso-check")
	return req, nil
}

// accepts tells whether code is in one of the ranges; without ranges every 2xx is.
func accepts(ranges []config.StatusRange, code int) bool {
	if len(ranges) == 0 {
		return code >= 200 && code <= 299
	}
	for _, r := range ranges {
		if code >= r.From && code <= r.To {
			return true
		}
	}
	return false
}

// serverName is the name to ask for in the TLS handshake: the host without a port.
func serverName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
