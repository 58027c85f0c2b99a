package trust

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Certificate is what people want to know of one.
type Certificate struct {
	Identity    Identity // Kind is "ca" for a CA's
	Serial      string   // hex
	Fingerprint [sha256.Size]byte
	Pin         Pin // of its key; a CA's is what join tokens carry
	NotBefore   time.Time
	NotAfter    time.Time
}

// Ends tells whether the certificate has an end. Those that this package issues have none.
func (c Certificate) Ends() bool { return c.NotAfter.Before(notAfter) }

// Describe reads a certificate of the cluster, a member's or a CA's, PEM.
func Describe(certPEM []byte) (Certificate, error) {
	cert, err := parseCertificate(certPEM)
	if err != nil {
		return Certificate{}, err
	}
	id, err := identityOf(cert)
	if err != nil {
		return Certificate{}, fmt.Errorf("certificate: %w", err)
	}
	return Certificate{
		Identity: id, Serial: cert.SerialNumber.Text(16), Fingerprint: sha256.Sum256(cert.Raw), Pin: pinOf(cert),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
	}, nil
}
