package fsm

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/config"
)

// t0 is when the tests' cluster was made; the log's entries are a second apart.
var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

var admin = Actor{Kind: "local", Name: "root"}

const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

func hashOf(digit string) string { return strings.Repeat(digit, 64) }

// doc builds a document from words: "web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80 mail=…": a virtual, then its servers.
// A virtual's name has a capital letter.
func doc(words string) config.Document {
	d := config.Document{Cluster: config.Cluster{Standby: config.Warm}}
	for w := range strings.FieldsSeq(words) {
		name, addr, _ := strings.Cut(w, "=")
		at := netip.MustParseAddrPort(addr)
		if strings.ToLower(name) != name {
			d.Virtuals = append(d.Virtuals, config.Virtual{
				Name: name, Address: at.Addr(), Ports: []uint16{at.Port()}, Protocol: config.TCP, Family: config.IPv4,
				Scheduler: "wlc", Forward: config.DR, MinServers: 1, OnFailure: config.Remove,
			})
			continue
		}
		v := &d.Virtuals[len(d.Virtuals)-1]
		v.Servers = append(v.Servers, config.Server{Name: name, Address: at, Forward: config.DR, Weight: 1})
	}
	return d
}

func canonical(t testing.TB, words string) []byte {
	t.Helper()
	b, err := config.Canonical(doc(words))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func found(t testing.TB) *Found {
	t.Helper()
	return &Found{
		Cluster:  Cluster{ID: "c1", Name: "edge", Profile: "lan", Generation: 1, CA: pem},
		Node:     Node{ID: "n1", Name: "r1", Kind: Router, Addresses: []string{"10.9.0.11:5390"}},
		Document: canonical(t, ""),
	}
}

func token(id, digit string) *AddToken {
	return &AddToken{Token{ID: id, Hash: hashOf(digit), Kind: Router, Uses: 2, Expires: t0.Add(time.Hour)}}
}

const phc = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2E$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

func newUser(name string, role Role) *SetUser {
	return &SetUser{User: name, Role: role, Hash: phc, New: true}
}

func access(id, digit string) *AddAccess {
	return &AddAccess{Access{ID: id, Hash: hashOf(digit), Role: Operator, Note: "ci <deploys>", Expires: t0.Add(time.Hour)}}
}

func join(id, name, token string) *AddNode {
	return &AddNode{Node: Node{ID: id, Name: name, Kind: Router, Addresses: []string{"10.9.1." + id[1:] + ":5390"}}, Token: token}
}

func set(t testing.TB, words string) *SetDocument {
	t.Helper()
	return &SetDocument{Source: "# " + words, Document: canonical(t, words), LeaveUntil: t0.Add(time.Hour)}
}

// restore brings back a history that begins with revision first, in a cluster that is at revision 1.
func restore(t testing.TB, first uint64, cluster string, words ...string) *Restore {
	t.Helper()
	r := &Restore{Base: 1, ClusterID: cluster, LeaveUntil: t0.Add(time.Hour)}
	for i, w := range words {
		r.History = append(r.History, Revision{Number: first + uint64(i), At: t0, Author: admin, Source: "# " + w, Document: canonical(t, w)})
	}
	return r
}

// machine is an FSM with a log in front.
type machine struct {
	t testing.TB
	*FSM
	index, term uint64
	log         []*raft.Log
}

func newMachine(t testing.TB) *machine {
	return &machine{t: t, FSM: New(Options{}), term: 2}
}

// entry encodes a command as the log's next entry: one second later than the one before, with a request ID of its own.
func (m *machine) entry(c Command) *raft.Log {
	m.t.Helper()
	return m.entryBy(admin, c)
}

func (m *machine) entryBy(by Actor, c Command) *raft.Log {
	m.t.Helper()
	m.index++
	b, err := Encode(Envelope{
		Request: fmt.Sprintf("req-%d", m.index), Actor: by, At: t0.Add(time.Duration(m.index) * time.Second), Command: c,
	})
	if err != nil {
		m.t.Fatalf("encode %s: %v", c.Name(), err)
	}
	l := &raft.Log{Index: m.index, Term: m.term, Data: b}
	m.log = append(m.log, l)
	return l
}

func (m *machine) do(c Command) Result {
	m.t.Helper()
	return m.doAs(admin, c)
}

// doAs applies a command that somebody else asked for.
func (m *machine) doAs(by Actor, c Command) Result {
	m.t.Helper()
	r, err := DecodeResult(m.Apply(m.entryBy(by, c)).([]byte))
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

// must applies commands that are not refused.
func (m *machine) must(list ...Command) {
	m.t.Helper()
	for _, c := range list {
		if r := m.do(c); r.Refusal != nil {
			m.t.Fatalf("%s: %v", c.Name(), r.Refusal)
		}
	}
}

// cluster is a machine with a cluster of one router, a token k1 and the document given.
func cluster(t testing.TB, words string) *machine {
	t.Helper()
	m := newMachine(t)
	m.must(&TakeLead{Node: "n1", Reason: "first"}, found(t), token("k1", "a"))
	if words != "" {
		m.must(set(t, words))
	}
	return m
}

func textOf(t testing.TB, s *Snapshot) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func restored(t testing.TB, snapshot string) *FSM {
	t.Helper()
	f := New(Options{})
	if err := f.Restore(readCloser{strings.NewReader(snapshot)}); err != nil {
		t.Fatal(err)
	}
	return f
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// sign adds the tail to the lines of a snapshot.
func sign(body string, records int) string {
	return body + fmt.Sprintf(`{"tail":{"records":%d,"sha256":"%x"}}`, records, sha256.Sum256([]byte(body))) + "\n"
}
