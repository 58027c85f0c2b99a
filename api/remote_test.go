package api

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An agent elsewhere is asked by token, and only if its certificate is believed and for its name.
func TestRemoteClient(t *testing.T) {
	asked := 0
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/v1/version" {
			if got := r.Header.Get("Authorization"); got != "Bearer POLSO-A-x" {
				t.Errorf("authorization %q", got)
			}
			_, _ = w.Write([]byte(`{"version":"1"}`))
			return
		}
		http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
	}))
	defer srv.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	client := func(addr string, o RemoteOptions) *Client {
		t.Helper()
		c, err := NewRemoteClient(addr, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	c := client(srv.URL+"/", RemoteOptions{Token: "POLSO-A-x", CA: ca})
	if v, err := c.Version(t.Context()); err != nil || v.Version != "1" {
		t.Errorf("%+v, %v", v, err)
	}
	asked = 0
	for _, test := range []struct {
		name, addr string
		ca         []byte
		says, hint string
	}{
		{"an authority that nobody knows", srv.URL, nil, "nobody whom this machine believes", "polso cert show --ca"},
		{"another name", strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), ca, "is not for localhost: it is for example.com, *.example.com, 127.0.0.1", "ask for one of these"},
		{"no TLS", "https://" + plain(t), ca, "does not answer", "its port is 3636"},
		{"nobody", "https://127.0.0.1:1", ca, "https://127.0.0.1:1 does not answer", "polso agent --api"},
	} {
		_, err := client(test.addr, RemoteOptions{Token: "POLSO-A-x", CA: test.ca}).Version(t.Context())
		e, ok := err.(*Error)
		if !ok || e.Code != CodeUnreachable || !strings.Contains(e.Error(), test.says) || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%s: %v, hint %q", test.name, err, e.Hint)
		}
	}
	if asked != 0 {
		t.Errorf("a server that is not believed was asked %d times", asked)
	}
	for _, addr := range []string{"http://r1", "https://", "https://u:p@r1", "https://r1/v1", "https://r1?x", "r1", "unix:///x", "https://r1:port"} {
		if _, err := NewRemoteClient(addr, RemoteOptions{}); CodeOf(err) != CodeInvalid {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for what, o := range map[string]RemoteOptions{"no certificate": {CA: []byte("x")}, "two words": {Token: "a b"}, "two lines": {Token: "a\nb"}} {
		if _, err := NewRemoteClient("https://r1", o); CodeOf(err) != CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if c := client("https://[2001:db8::1]", RemoteOptions{}); c.base != "https://[2001:db8::1]:3636" {
		t.Errorf("base %q", c.base)
	}
}

// plain is the address of a server without TLS.
func plain(t *testing.T) string {
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}
