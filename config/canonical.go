package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Schema is the number of the canonical form that Canonical writes. FromCanonical reads this one and no other.
const Schema = 1

// ErrSchema means that a canonical document has a schema that this release does not read, or of its own one a field that it
// does not know: another release has written it.
var ErrSchema = errors.New("unknown schema of the document")

// Canonical returns d as JSON: schema number first, keys in snake_case and in a fixed order, durations as numbers of
// seconds, vips, virtuals and servers sorted by name, what is not set left out. Equal documents give equal bytes. It does
// not validate; it never changes d.
func Canonical(d Document) ([]byte, error) {
	w := toWire(sorted(d))
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return nil, fmt.Errorf("canonical document: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// FromCanonical reads what Canonical wrote, white space aside. It refuses anything after the document, and (ErrSchema) other
// schemas and unknown fields. It does not validate: what was written by another release may be wrong in meaning by this one's
// rules, and must be readable all the same.
func FromCanonical(text []byte) (Document, error) {
	var w wireDocument
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&w)
	if err != nil || w.Schema != Schema { // perhaps it is of a schema that has other fields
		if other := schemaOf(text); other != nil {
			return Document{}, fmt.Errorf("canonical document: %w", other)
		}
		if json.Unmarshal(text, new(wireDocument)) == nil { // it was the strictness alone
			err = fmt.Errorf("%w: %w", ErrSchema, err)
		}
		return Document{}, fmt.Errorf("canonical document: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Document{}, errors.New("canonical document: something follows the document")
	}
	return sorted(fromWire(w)), nil
}

// schemaOf says what is wrong with a text as far as its schema goes.
func schemaOf(text []byte) error {
	var version struct {
		Schema *int `json:"schema"`
	}
	switch err := json.Unmarshal(text, &version); {
	case err != nil:
		return err
	case version.Schema == nil:
		return fmt.Errorf("%w: it names none", ErrSchema)
	case *version.Schema != Schema:
		return fmt.Errorf("%w: %d, this release reads %d", ErrSchema, *version.Schema, Schema)
	}
	return nil
}

// wireDocument and the types below are the canonical form. Their field order is the order of the keys: add fields, never
// move or rename them without a new Schema.
type wireDocument struct {
	Schema   int           `json:"schema"`
	Cluster  wireCluster   `json:"cluster"`
	VIPs     []wireVIP     `json:"vips,omitempty"`
	Virtuals []wireVirtual `json:"virtuals,omitempty"`
	Notifies []wireNotify  `json:"notifies,omitempty"`

	RouterChecks []wireRouterCheck `json:"router_checks,omitempty"`
}

type wireCluster struct {
	Standby    Standby           `json:"standby,omitzero"`
	Prefer     []string          `json:"prefer,omitempty"`
	Failback   bool              `json:"failback,omitzero"`
	SyncDaemon *wireSyncDaemon   `json:"sync_daemon,omitzero"`
	Timeouts   wireTimeouts      `json:"timeouts,omitzero"`
	Sysctls    map[string]string `json:"sysctls,omitempty"`
}

type wireSyncDaemon struct {
	Interface string     `json:"interface"`
	ID        int        `json:"id"`
	Group     netip.Addr `json:"group,omitzero"`
	Port      uint16     `json:"port,omitzero"`
	TTL       int        `json:"ttl,omitzero"`
	MaxLen    int        `json:"maxlen,omitzero"`
}

type wireTimeouts struct {
	TCP    seconds `json:"tcp,omitzero"`
	TCPFin seconds `json:"tcp_fin,omitzero"`
	UDP    seconds `json:"udp,omitzero"`
}

type wireVIP struct {
	Name      string       `json:"name"`
	Address   netip.Prefix `json:"address"`
	Interface string       `json:"interface,omitzero"`
	Group     string       `json:"group,omitzero"`
}

type wireVirtual struct {
	Name        string          `json:"name"`
	Address     netip.Addr      `json:"address,omitzero"`
	Interface   string          `json:"interface,omitzero"`
	Ports       portList        `json:"ports,omitzero"`
	Protocol    Protocol        `json:"protocol,omitzero"`
	FWMark      uint32          `json:"fwmark,omitzero"`
	Family      Family          `json:"family,omitzero"`
	Scheduler   string          `json:"scheduler,omitzero"`
	Flags       []string        `json:"flags,omitempty"`
	Forward     Forward         `json:"forward,omitzero"`
	Tunnel      wireTunnel      `json:"tunnel,omitzero"`
	Masquerade  bool            `json:"masquerade,omitzero"`
	Persistent  *wirePersistent `json:"persistent,omitzero"`
	MinServers  int             `json:"min_servers,omitzero"`
	SorryServer *netip.AddrPort `json:"sorry_server,omitzero"` // the short form
	OnFailure   OnFailure       `json:"on_failure,omitzero"`
	Check       *wireCheck      `json:"check,omitzero"`
	Servers     []wireServer    `json:"servers,omitempty"`
	Hysteresis  int             `json:"hysteresis,omitzero"`
	Sorry       []wireServer    `json:"sorry_servers,omitempty"` // unless there is a short form
	Panic       int             `json:"panic,omitzero"`
	SlowStart   seconds         `json:"slow_start,omitzero"`
	SlowCurve   SlowCurve       `json:"slow_curve,omitzero"`
	Probe       Probing         `json:"probe,omitzero"`
	Votes       int             `json:"votes,omitzero"`
	Active      *bool           `json:"active,omitzero"` // false or nothing
}

type wirePersistent struct {
	Timeout seconds `json:"timeout"`
	Mask    int     `json:"mask,omitzero"`
	Engine  string  `json:"engine,omitzero"`
}

type wireTunnel struct {
	Type     TunnelType `json:"type"`
	Port     uint16     `json:"port,omitzero"`
	Checksum Checksum   `json:"checksum,omitzero"`
}

type wireServer struct {
	Name    string         `json:"name"`
	Address netip.AddrPort `json:"address"`
	Forward Forward        `json:"forward,omitzero"`
	Tunnel  wireTunnel     `json:"tunnel,omitzero"`
	Weight  int            `json:"weight"`
	Upper   int            `json:"upper,omitzero"`
	Lower   int            `json:"lower,omitzero"`
	Check   *wireCheck     `json:"check,omitzero"`
}
