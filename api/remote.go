package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// RemotePort is the port of an agent's HTTPS listener where an address names none.
const RemotePort = "3636"

// RemoteOptions are what an agent elsewhere is asked with.
type RemoteOptions struct {
	Token string // an access token; "": nobody asks, who may hardly do anything
	CA    []byte // whom to believe, PEM; nil: whom this machine believes
}

// NewRemoteClient speaks to the agent at addr over HTTPS: https://HOST, with a port where it is not 3636. Nothing is asked of a server whose
// certificate is not good for that host.
func NewRemoteClient(addr string, o RemoteOptions) (*Client, error) {
	u, err := url.Parse(addr)
	if err == nil && u.Scheme == "http" {
		u.Scheme = "https"
		return nil, Errorf(CodeInvalid, "address %q is of plain HTTP, by which anybody between here and the router could read the token; routers speak HTTPS alone", addr).WithHint("give %s", u)
	}
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, Errorf(CodeInvalid, "address %q is not understood", addr).WithHint("give https://HOST or https://HOST:PORT, as in https://10.9.0.11:3636")
	}
	host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), RemotePort))
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, Errorf(CodeInvalid, "there is no certificate among whom to believe").WithHint("polso cert show --ca on a router prints the one that its routers are of")
		}
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, Errorf(CodeInvalid, "the access token has characters that none has").WithHint("it is one word: polso token create --role ROLE prints it")
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for this host alone
	return &Client{base: "https://" + host, addr: "https://" + host, http: &http.Client{Transport: asBearer{transport, o.Token}, CheckRedirect: stay}}, nil
}

// asBearer says with every request who asks.
type asBearer struct {
	*http.Transport
	token string
}

// RoundTrip implements http.RoundTripper.
func (b asBearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.Transport.RoundTrip(r)
}

// distrust says in an operator's words why an agent's certificate is not believed; nil if err is of something else.
func (c *Client) distrust(err error) *Error {
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		names := wrong.Certificate.DNSNames
		for _, ip := range wrong.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return Errorf(CodeUnreachable, "the certificate of %s is not for %s", c.addr, wrong.Host).WithDetail("it is for %s", strings.Join(names, ", ")).
			WithHint("ask for one of these; if none is this router, somebody else answers there")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if b, remote := c.http.Transport.(asBearer); remote && b.TLSClientConfig.RootCAs != nil {
			return Errorf(CodeUnreachable, "the CA that was given does not vouch for %s", c.addr).
				WithHint("is it of another cluster, or was it replaced? on that router: polso cert show --ca > polso-ca.pem; here: --cacert polso-ca.pem, or POLSO_CACERT")
		}
		return Errorf(CodeUnreachable, "nobody whom this machine believes vouches for %s", c.addr).
			WithHint("on a router: polso cert show --ca > polso-ca.pem; here: --cacert polso-ca.pem, or POLSO_CACERT")
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return Errorf(CodeUnreachable, "the certificate of %s is not valid", c.addr).WithReason(bad).WithHint("are both clocks right? polso doctor on that router looks at its certificate")
	}
	return nil
}

// nameless adds to a refusal of who has not said who asks how that is said.
func (c *Client) nameless(err error) error {
	e, ok := errors.AsType[*Error](err)
	if b, remote := c.http.Transport.(asBearer); ok && remote && b.token == "" && e.Status == http.StatusUnauthorized {
		return e.WithHint("POLSO_TOKEN or --token-file says who asks, by an access token: polso token create --role ROLE on a router makes one")
	}
	return err
}

// silent says what to do about an agent elsewhere that does not answer.
func silent(err error) string {
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return "what listens there is not Polso's agent; its port is " + RemotePort + " unless told otherwise"
	}
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		return "is the router there, and does a packet filter keep you from its port? another router answers as well"
	}
	return "is the agent running, and does it listen there? polso agent --api; polso doctor on that router; another router answers as well"
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
