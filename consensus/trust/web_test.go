package trust

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// browser is what a browser makes of a certificate that a server of that name shows at that time.
func browser(ca WebAuthority, shown tls.Certificate, name string, at time.Time) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.CertPEM())
	_, err := shown.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

func TestWebAuthority(t *testing.T) {
	cluster := authority(t, "c1", 1)
	key, err := cluster.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := ParseAuthority(cluster.CertPEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	web := func(a Authority) WebAuthority {
		t.Helper()
		w, err := a.Web()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w, same, other := web(cluster), web(elsewhere), web(authority(t, "c1", 1))
	if !bytes.Equal(w.CertPEM(), same.CertPEM()) || bytes.Equal(w.CertPEM(), other.CertPEM()) {
		t.Error("the CA for browsers does not follow from the cluster's CA alone")
	}
	if _, err := (Authority{}).Web(); err == nil {
		t.Error("a witness has a CA for browsers")
	}
	now := time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	names := Names{Hosts: []string{"r1", "localhost"}, Addresses: []netip.Addr{netip.MustParseAddr("10.9.0.11"), netip.MustParseAddr("fe80::1%eth0")}}
	issue := func(w WebAuthority, node string, names Names, now time.Time) tls.Certificate {
		t.Helper()
		c, err := w.Issue(node, names, now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := issue(w, "n1", names, now)
	for _, name := range []string{"r1", "localhost", "10.9.0.11", "fe80::1"} {
		if err := browser(w, c, name, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if browser(w, c, "r2", now) == nil || browser(other, c, "r1", now) == nil {
		t.Error("it is good for another name, or by another CA")
	}
	for _, at := range []time.Duration{-WebPeriod, 2*WebPeriod - 25*time.Hour} {
		if err := browser(w, c, "r1", now.Add(at)); err != nil {
			t.Errorf("%v from now: %v", at, err)
		}
	}
	if browser(w, c, "r1", now.Add(3*WebPeriod)) == nil {
		t.Error("it has no end")
	}

	again := issue(same, "n1", Names{Hosts: []string{"r1", "localhost", "r1"}, Addresses: names.Addresses}, now.Add(time.Hour))
	if !bytes.Equal(again.Leaf.Raw, c.Leaf.Raw) {
		t.Error("the same node, names and period make another certificate")
	}
	seen := map[string]string{c.Leaf.SerialNumber.String(): "the first"}
	for what, d := range map[string]tls.Certificate{
		"another node": issue(w, "n2", names, now), "other names": issue(w, "n1", Names{Hosts: []string{"r1"}}, now),
		"another period": issue(w, "n1", names, now.Add(WebPeriod)),
	} {
		if twin, twice := seen[d.Leaf.SerialNumber.String()]; twice {
			t.Errorf("%s and %s have the same number", what, twin)
		}
		seen[d.Leaf.SerialNumber.String()] = what
	}
	if p := c.Leaf.ExtKeyUsage; len(p) != 1 || p[0] != x509.ExtKeyUsageServerAuth || c.Leaf.IsCA || c.Leaf.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("it is for %v, CA %v, key %v", p, c.Leaf.IsCA, c.Leaf.PublicKeyAlgorithm)
	}
}

// What a router shows to browsers opens nothing between members, even if the members' CA itself had signed it.
func TestMembersRefuseWebCertificates(t *testing.T) {
	ca := authority(t, "c1", 1)
	a := member(t, issue(t, ca, router("c1", 1, "a")))
	w, err := ca.Web()
	if err != nil {
		t.Fatal(err)
	}
	shown, err := w.Issue("b", Names{Hosts: []string{"b"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	id := router("c1", 1, "b")
	der, err := x509.CreateCertificate(nil, &x509.Certificate{
		SerialNumber: serialOf("b", w.key), Subject: shown.Leaf.Subject, NotBefore: notBefore, NotAfter: notAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, URIs: append(shown.Leaf.URIs, id.url()),
	}, ca.cert, ca.key.Public().(ed25519.PublicKey), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]tls.Certificate{
		"a web certificate":                         shown,
		"a server's certificate of the members' CA": {Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: ca.key},
	} {
		for _, p := range []Protocol{Raft, Peer} {
			client := lax(a, p)
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }
			if _, serverErr, _ := meet(t, a.ServerTLS(), client); serverErr == nil {
				t.Errorf("%s is a member's for %s", what, p)
			} else if strings.Contains(serverErr.Error(), "EOF") {
				t.Errorf("%s, %s: not refused by the server: %v", what, p, serverErr)
			}
			server := a.ServerTLS()
			server.GetConfigForClient = nil
			server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &c, nil }
			if _, _, clientErr := meet(t, server, a.ClientTLS(p, "b")); clientErr == nil {
				t.Errorf("%s passes for a member that is asked, for %s", what, p)
			}
		}
	}
}
