package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/consensus/store"
	"polso/fsm"
)

// Nobody but a router that is a member is given the CA's key: here it is no member's connection at all.
func TestCAKeyIsForRouters(t *testing.T) {
	m := &member{state: fsm.New(fsm.Options{})}
	m.creds.Store(&store.Credentials{CA: []byte("ca"), CAKey: []byte("key")})
	got, err := new(body).giveCAKey(t.Context(), m, caKey{CA: "ca"})
	if api.CodeOf(err) != api.CodeDenied || got.Key != nil {
		t.Errorf("got %q, %v", got.Key, err)
	}
}

// A certificate that ends is warned of thirty days before.
func TestCertificateThatEnds(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		end     time.Time
		trouble string
	}{
		{"without an end", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), ""},
		{"in a year", now.Add(365 * 24 * time.Hour), ""},
		{"in 31 days", now.Add(31 * 24 * time.Hour), ""},
		{"in 29 days", now.Add(29 * 24 * time.Hour), "certificate it ends at 2026-12-21T10:00:00Z polso cert rotate; CA it ends at 2026-12-21T10:00:00Z polso cert rotate --ca"},
		{"it has ended", now.Add(-time.Hour), "certificate it ends at 2026-11-22T09:00:00Z polso cert rotate; CA it ends at 2026-11-22T09:00:00Z polso cert rotate --ca"},
	} {
		m := new(member)
		cert := certificateUntil(t, test.end)
		m.creds.Store(&store.Credentials{CA: cert, Cert: cert})
		well, trouble := m.certificates(now)
		var said []string
		for _, p := range trouble {
			said = append(said, p.What+" "+p.Why+" "+p.Fix)
		}
		if got := strings.Join(said, "; "); got != test.trouble || len(well)+len(trouble) != 2 {
			t.Errorf("%s: %q, want %q; well %v", test.name, got, test.trouble, well)
		}
	}
}

func certificateUntil(t *testing.T, end time.Time) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: end, URIs: []*url.URL{{Scheme: "polso", Host: "c1", Path: "/1/router/a"}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
