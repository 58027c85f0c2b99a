package config

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// maxExpiry is how long before its end a certificate may be a warning.
const maxExpiry = 10 * 365 * 24 * time.Hour

// maxPEM is how many bytes of certificates a check may hold.
const maxPEM = 64 << 10

// IsPEM reports whether what a check says of its ca is certificates themselves, rather than a file of them.
func IsPEM(ca string) bool { return strings.Contains(ca, "-----BEGIN") }

// certificates checks what a check says of TLS.
func (v *verdicts) certificates(p path, c Check, secure bool) {
	if !secure {
		for _, a := range checkAttributes {
			switch a.name {
			case "verify", "ca", "server_name", "client_cert", "client_key", "expiry_warn":
				if a.said(c) != "" {
					v.add(p.attr(a.name), fmt.Sprintf("%s means nothing without tls", a.name), "", "Add tls = true, or remove it.")
				}
			}
		}
		return
	}
	v.hostName(p.attr("server_name"), "server_name", c.ServerName, "")
	switch {
	case strings.Contains(c.CA, "PRIVATE KEY"):
		v.add(p.attr("ca"), "ca has a private key in it", "Who may read the document would have it.", "Write the certificates alone.")
	case IsPEM(c.CA):
		if len(c.CA) > maxPEM || !x509.NewCertPool().AppendCertsFromPEM([]byte(c.CA)) {
			v.add(p.attr("ca"), fmt.Sprintf("ca has no certificate that can be read, or is longer than %d KiB", maxPEM>>10), "", "")
		}
	default:
		v.file(p.attr("ca"), "ca", c.CA)
	}
	v.file(p.attr("client_cert"), "client_cert", c.ClientCert)
	v.file(p.attr("client_key"), "client_key", c.ClientKey)
	if (c.ClientCert == "") != (c.ClientKey == "") {
		given, missing := "client_cert", "client_key"
		if c.ClientCert == "" {
			given, missing = missing, given
		}
		v.add(p.attr(given), fmt.Sprintf("%s needs %s", given, missing), "", "Name both files, or neither.")
	}
	if c.NoVerify && c.CA != "" {
		v.add(p.attr("ca"), "ca does not go with verify = false", "", "Remove one of the two.")
	}
	if c.ExpiryWarn != 0 {
		v.within(p.attr("expiry_warn"), c.ExpiryWarn, time.Hour, maxExpiry)
	}
}

// file checks the name of a file that every router has.
func (v *verdicts) file(p path, what, name string) {
	switch {
	case name == "":
	case IsPEM(name):
		v.add(p, what+" is a file, not what stands in it", "Who may read the document would have the key.", `Write the file's name, such as "/etc/polso/client.pem".`)
	case !strings.HasPrefix(name, "/") || len(name) > maxPath:
		v.add(p, fmt.Sprintf("%s %q is not an absolute path", what, name), "It is a file on every router.", "")
	}
}
