package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// PEM block types.
const (
	blockCertificate = "CERTIFICATE"
	blockRequest     = "CERTIFICATE REQUEST"
	blockKey         = "PRIVATE KEY" // PKCS #8
)

// NewRequest makes a node's private key, PEM (PKCS #8, Ed25519), which never leaves the node's data directory, and the
// certificate request that goes with it. Name is a label for people who read the request; the authority decides the identity.
func NewRequest(name string) (keyPEM, csrPEM []byte, err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("key: %w", err)
	}
	if keyPEM, err = encodeKey(key); err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate request: %w", err)
	}
	return keyPEM, pem.EncodeToMemory(&pem.Block{Type: blockRequest, Bytes: der}), nil
}

// Pin is the SHA-256 of a CA certificate's subject public key info: what a join token carries and a joining node checks.
type Pin [sha256.Size]byte

// String returns the pin in hex.
func (p Pin) String() string { return hex.EncodeToString(p[:]) }

// Fingerprint returns the pin of the CA certificate in caPEM.
func Fingerprint(caPEM []byte) (Pin, error) {
	ca, err := parseCertificate(caPEM)
	if err != nil {
		return Pin{}, fmt.Errorf("fingerprint: %w", err)
	}
	return pinOf(ca), nil
}

func pinOf(cert *x509.Certificate) Pin { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

func encodeKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), nil
}

func parseKey(keyPEM []byte) (ed25519.PrivateKey, error) {
	der, err := oneBlock(keyPEM, blockKey)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key: is %T, want Ed25519", parsed)
	}
	return key, nil
}

func parseCertificate(certPEM []byte) (*x509.Certificate, error) {
	der, err := oneBlock(certPEM, blockCertificate)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return cert, nil
}

// oneBlock returns the content of the only PEM block in text. A second block is refused: which of the two would count?
func oneBlock(text []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block found")
	}
	if block.Type != kind {
		return nil, fmt.Errorf("PEM block is %q, want %q", block.Type, kind)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("more than one PEM block")
	}
	return block.Bytes, nil
}
