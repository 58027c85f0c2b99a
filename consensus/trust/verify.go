package trust

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// ErrNewer means that the other end's certificate names a later generation of this cluster: the cluster was recovered without
// this node, which has to join again. Nothing proves it, for that generation's CA is not known here.
var ErrNewer = errors.New("certificate is of a later generation of the cluster")

// parseCA reads a CA certificate and the cluster it stands for.
func parseCA(certPEM []byte) (*x509.Certificate, Identity, error) {
	cert, err := parseCertificate(certPEM)
	if err != nil {
		return nil, Identity{}, err
	}
	if err := checkCA(cert); err != nil {
		return nil, Identity{}, err
	}
	id, err := identityOf(cert)
	if err != nil {
		return nil, Identity{}, err
	}
	if id.Kind != kindCA {
		return nil, Identity{}, fmt.Errorf("certificate of %s is a member's, not the CA's", id)
	}
	return cert, id, nil
}

func checkCA(cert *x509.Certificate) error {
	if !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		return errors.New("certificate is not a CA's")
	}
	return nil
}

// checkLeaf tells who leaf is, provided that ca signed it as a member of ca's cluster and generation. It looks at no
// date: x509.Certificate.Verify does, which is why it is not used here.
func checkLeaf(leaf, ca *x509.Certificate, of Identity) (Identity, error) {
	id, err := identityOf(leaf)
	if err != nil {
		return Identity{}, err
	}
	if id.Cluster != of.Cluster {
		return Identity{}, fmt.Errorf("certificate is of another cluster, %s; this is %s", id.Cluster, of.Cluster)
	}
	if id.Generation > of.Generation {
		return Identity{}, fmt.Errorf("%w: %d, and this node is of %d", ErrNewer, id.Generation, of.Generation)
	}
	if id.Generation < of.Generation {
		return Identity{}, fmt.Errorf("certificate is of the cluster's generation %d; this is %d: the node has to join again", id.Generation, of.Generation)
	}
	return id, checkSigned(leaf, ca)
}

// checkSigned tells whether leaf is a member's certificate that ca signed, whoever it names.
func checkSigned(leaf, ca *x509.Certificate) error {
	if !bytes.Equal(leaf.RawIssuer, ca.RawSubject) {
		return errors.New("certificate was issued by another CA")
	}
	if err := leaf.CheckSignatureFrom(ca); err != nil {
		return fmt.Errorf("certificate lacks the CA's signature: %w", err)
	}
	if leaf.IsCA || leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return errors.New("certificate is not a member's")
	}
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return errors.New("certificate is not for both ends of a connection between members")
	}
	if len(leaf.UnhandledCriticalExtensions) > 0 {
		return fmt.Errorf("certificate has the unknown critical extension %s", leaf.UnhandledCriticalExtensions[0])
	}
	return nil
}

// identityOf reads the only identity a certificate of the cluster carries.
func identityOf(cert *x509.Certificate) (Identity, error) {
	if len(cert.URIs) != 1 {
		return Identity{}, fmt.Errorf("certificate has %d URI names, want the one with its identity", len(cert.URIs))
	}
	return parseIdentity(cert.URIs[0])
}

// KindOf tells the kind of the member at the other end of a connection whose handshake JoinTLS let end well; "" if it is none.
func KindOf(s tls.ConnectionState) string {
	if len(s.PeerCertificates) == 0 {
		return ""
	}
	id, err := identityOf(s.PeerCertificates[0])
	if err != nil {
		return ""
	}
	return id.Kind
}
