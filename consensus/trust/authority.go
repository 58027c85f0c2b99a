package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// Authority is the cluster's CA with its key. Routers hold it, witnesses never do. The zero value can do nothing.
type Authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
	id   Identity // Kind is kindCA
}

// Certificates are valid for ever on paper (RFC 5280 section 4.1.2.5: 99991231235959Z means "no well-defined expiration"),
// and from a date that no router's clock precedes. Nothing in the cluster looks at them.
var (
	notBefore = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
)

// NewAuthority makes the CA of a cluster's generation. Cluster is the cluster's ID, name a label for people who read the
// certificate.
func NewAuthority(cluster, name string, generation uint64) (Authority, error) {
	id := Identity{Cluster: cluster, Generation: generation, Kind: kindCA, Node: kindCA}
	if err := id.validateNames(); err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"Polso"}, CommonName: fmt.Sprintf("%s CA, generation %d", name, generation)},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		URIs:                  []*url.URL{id.url()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	return Authority{cert: cert, key: key, id: id}, nil
}

// ParseAuthority reads what CertPEM and KeyPEM wrote. It refuses a key that is not the certificate's.
func ParseAuthority(certPEM, keyPEM []byte) (Authority, error) {
	cert, id, err := parseCA(certPEM)
	if err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return Authority{}, fmt.Errorf("authority: %w", err)
	}
	if public, ok := cert.PublicKey.(ed25519.PublicKey); !ok || !public.Equal(key.Public()) {
		return Authority{}, errors.New("authority: the key is not the one of the certificate")
	}
	return Authority{cert: cert, key: key, id: id}, nil
}

// CertPEM returns the CA's certificate, which every member has.
func (a Authority) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: a.cert.Raw})
}

// KeyPEM returns the CA's private key, which only routers may have.
func (a Authority) KeyPEM() ([]byte, error) { return encodeKey(a.key) }

// Cluster returns the ID of the cluster and its generation that the CA stands for.
func (a Authority) Cluster() (id string, generation uint64) { return a.id.Cluster, a.id.Generation }

// Issue makes the certificate of a member from its request. Only the request's key counts, and that the sender has its
// private half; the identity is the caller's decision, and must be of this cluster and generation.
func (a Authority) Issue(csrPEM []byte, id Identity) (certPEM []byte, err error) {
	if a.cert == nil {
		return nil, errors.New("issue: no certificate authority here; a witness has none")
	}
	if err := id.Validate(); err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	if id.Cluster != a.id.Cluster || id.Generation != a.id.Generation {
		return nil, fmt.Errorf("issue: identity %s is not of cluster %s, generation %d", id, a.id.Cluster, a.id.Generation)
	}
	der, err := oneBlock(csrPEM, blockRequest)
	if err != nil {
		return nil, fmt.Errorf("issue: request: %w", err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("issue: request: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("issue: request: %w", err)
	}
	if _, ok := request.PublicKey.(ed25519.PublicKey); !ok {
		return nil, fmt.Errorf("issue: request: key is %s, want Ed25519", request.PublicKeyAlgorithm)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	certDER, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"Polso"}, CommonName: id.Node},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{id.url()},
	}, a.cert, request.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: certDER}), nil
}

// newSerial returns a positive random number of 127 bits (RFC 5280 section 4.1.2.2 allows 20 octets).
func newSerial() (*big.Int, error) {
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return nil, err
	}
	return n.Add(n, big.NewInt(1)), nil
}
