package api

import "time"

// Certificates are a router's own certificate and the CA's.
type Certificates struct {
	Schema      string       `json:"schema"`
	Node        string       `json:"node" doc:"the router that answers"`
	Certificate Certificate  `json:"certificate"`
	CA          Certificate  `json:"ca" doc:"that the certificate is of"`
	OtherCA     *Certificate `json:"other_ca,omitempty" doc:"trusted as well, while the CA changes"`
	CAKey       bool         `json:"ca_key" doc:"this router holds the CA's key; a witness never does"`
	Change      *CAChange    `json:"ca_change,omitempty" doc:"the change of the CA that is under way"`

	Web *WebCertificate `json:"web,omitempty" doc:"what is shown to browsers; absent: this is a witness"`
}

// WebCertificate is what a router shows to browsers, and to the command line over HTTPS.
type WebCertificate struct {
	Listen      []string  `json:"listen" nullable:"false" doc:"where; none: HTTPS is switched off"`
	Source      string    `json:"source" enum:"polso,operator" doc:"who made it"`
	Names       []string  `json:"names" nullable:"false" doc:"host names and addresses that it is good for"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial" doc:"hexadecimal"`
	Fingerprint string    `json:"fingerprint" doc:"SHA-256 of the certificate, hexadecimal: what a browser shows of it"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	CA          string    `json:"ca" doc:"the CA for browsers of every certificate that Polso makes, PEM"`
	Trouble     string    `json:"trouble,omitempty" doc:"why the operator's files are not what is shown"`
}

// Certificate is what people want to know of one.
type Certificate struct {
	Identity    string     `json:"identity" doc:"whose it is: polso://CLUSTER/GENERATION/KIND/ID"`
	Kind        string     `json:"kind" enum:"router,witness,ca"`
	ID          string     `json:"id,omitempty" doc:"of the router"`
	Generation  uint64     `json:"generation"`
	Serial      string     `json:"serial" doc:"hexadecimal"`
	Fingerprint string     `json:"fingerprint" doc:"SHA-256 of the certificate, hexadecimal"`
	Pin         string     `json:"pin" doc:"SHA-256 of its public key, hexadecimal; a CA's is what join tokens carry"`
	NotBefore   time.Time  `json:"not_before"`
	NotAfter    *time.Time `json:"not_after,omitempty" doc:"absent: it has no end. Members look at no date"`
}

// CAChange is a change of the CA that is under way.
type CAChange struct {
	Step    string   `json:"step" enum:"trust,issue" doc:"trust: every router begins to trust the new CA; issue: each gets a certificate of it. Then the old one is dropped"`
	Waiting []string `json:"waiting_for" nullable:"false" doc:"names of the routers that have not said that they have"`
}

// RotateRequest asks for new certificates.
type RotateRequest struct {
	All bool `json:"all,omitempty" doc:"for every router, not this one alone"`
	CA  bool `json:"ca,omitempty" doc:"a new CA, and with it new certificates for all"`
}
