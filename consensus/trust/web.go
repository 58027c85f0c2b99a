package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"time"
)

// WebAuthority is the CA of what routers show to browsers. It is not the members': these know only Ed25519, of which browsers know
// nothing, and no member believes it. The zero value can do nothing.
type WebAuthority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	seed []byte // of the keys that it issues certificates for
}

// WebPeriod is how long one certificate of a WebAuthority is the right one. It is good for one such period before and two after,
// for browsers whose clocks are wrong and pages that are left open.
const WebPeriod = 30 * 24 * time.Hour

// Names are what a certificate for browsers is good for.
type Names struct {
	Hosts     []string
	Addresses []netip.Addr
}

// Web returns the CA for browsers of the CA's cluster. It is made of the CA's key and of nothing else, so that every router has the same
// one, down to the last byte of its certificate, and no key of it is ever kept or sent.
func (a Authority) Web() (WebAuthority, error) {
	if a.cert == nil {
		return WebAuthority{}, fmt.Errorf("CA for browsers: no certificate authority here; a witness has none")
	}
	return webAuthority(a.key.Seed(), a.cert.Subject.CommonName+", for browsers")
}

// NewWebAuthority makes a CA for browsers that belongs to no cluster and is not kept: for a node that is in none.
func NewWebAuthority(name string) (WebAuthority, error) {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // it never fails
	return webAuthority(seed, name)
}

func webAuthority(secret []byte, name string) (WebAuthority, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, "polso web authority 1", 32)
	if err != nil {
		return WebAuthority{}, fmt.Errorf("CA for browsers: %w", err)
	}
	key, err := webKey(seed, "CA")
	if err != nil {
		return WebAuthority{}, fmt.Errorf("CA for browsers: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serialOf(name, key),
		Subject:               pkix.Name{Organization: []string{"Polso"}, CommonName: name},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := sign(template, template, key, key)
	if err != nil {
		return WebAuthority{}, fmt.Errorf("CA for browsers: %w", err)
	}
	return WebAuthority{cert: cert, key: key, seed: seed}, nil
}

// CertPEM returns the CA's certificate, which a browser can be told to trust.
func (w WebAuthority) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: w.cert.Raw})
}

// Issue makes the certificate of the node with that ID for the period that now is in, with its key and the CA. It bears the first of the hosts'
// names, of which there is one at least. The same node, names and period make the same certificate again.
func (w WebAuthority) Issue(node string, names Names, now time.Time) (tls.Certificate, error) {
	key, err := webKey(w.seed, "node "+node)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for browsers: %w", err)
	}
	period := now.Truncate(WebPeriod).UTC()
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Polso"}, CommonName: names.Hosts[0]},
		NotBefore:             period.Add(-WebPeriod),
		NotAfter:              period.Add(3 * WebPeriod),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              slices.Compact(slices.Sorted(slices.Values(names.Hosts))),
	}
	for _, a := range slices.Compact(slices.SortedFunc(slices.Values(names.Addresses), netip.Addr.Compare)) {
		template.IPAddresses = append(template.IPAddresses, a.WithZone("").AsSlice())
	}
	// Another certificate must have another number: browsers refuse two that share one.
	template.SerialNumber = serialOf(fmt.Sprint(node, period, template.DNSNames, template.IPAddresses), key)
	cert, err := sign(template, w.cert, key, w.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for browsers: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw, w.cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// webKey is the key on P-256 that seed makes for that purpose. About one number of 2³² is no key.
func webKey(seed []byte, purpose string) (key *ecdsa.PrivateKey, err error) {
	for range 4 {
		number, failed := hkdf.Key(sha256.New, seed, nil, purpose, 32)
		if failed != nil {
			return nil, failed
		}
		if key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), number); err == nil {
			return key, nil
		}
		purpose += "+"
	}
	return nil, err
}

// serialOf is a positive number of 127 bits that follows from what a certificate says.
func serialOf(says string, key *ecdsa.PrivateKey) *big.Int {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(fmt.Sprintf("trust: key on P-256: %v", err))
	}
	sum := sha256.Sum256(append(point, says...))
	sum[0] = sum[0]&0x7f | 0x40
	return new(big.Int).SetBytes(sum[:16])
}

// sign makes a certificate whose signature follows from its content alone (RFC 6979).
func sign(template, parent *x509.Certificate, of, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(nil, template, parent, of.Public(), by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
