package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// issue makes the credentials of a member.
func issue(t *testing.T, a Authority, id Identity) Credentials {
	t.Helper()
	key, csr, err := NewRequest("r1")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Issue(csr, id)
	if err != nil {
		t.Fatal(err)
	}
	return Credentials{CA: a.CertPEM(), Cert: cert, Key: key}
}

func authority(t *testing.T, cluster string, generation uint64) Authority {
	t.Helper()
	a, err := NewAuthority(cluster, "web", generation)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func member(t *testing.T, c Credentials, removed ...string) *Membership {
	t.Helper()
	m, err := NewMembership(c, func(id string) bool {
		for _, r := range removed {
			if r == id {
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func router(cluster string, generation uint64, node string) Identity {
	return Identity{Cluster: cluster, Generation: generation, Node: node, Kind: KindRouter}
}

// meet runs a handshake over loopback and returns both ends' last word on it. In TLS 1.3 a client learns only from its
// first read whether the server liked its certificate.
func meet(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	var s *tls.Conn
	go func() {
		raw, err := ln.Accept()
		if err != nil {
			served <- err
			return
		}
		raw.SetDeadline(time.Now().Add(5 * time.Second))
		s = tls.Server(raw, server)
		defer s.Close()
		err = s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("k"))
		}
		served <- err
	}()
	raw, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	raw.SetDeadline(time.Now().Add(5 * time.Second))
	c := tls.Client(raw, client)
	defer c.Close()
	clientErr = c.Handshake()
	if clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	serverErr = <-served
	if serverErr == nil {
		state = s.ConnectionState()
	}
	return state, serverErr, clientErr
}

func TestMembersMeet(t *testing.T) {
	a := authority(t, "c1", 1)
	server := member(t, issue(t, a, router("c1", 1, "r1")))
	for _, tt := range []struct {
		name  string
		proto Protocol
		id    Identity
	}{
		{"router, raft", Raft, router("c1", 1, "r2")},
		{"router, peer", Peer, router("c1", 1, "r2")},
		{"witness, raft", Raft, Identity{"c1", 1, "w1", KindWitness}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := member(t, issue(t, a, tt.id))
			state, serverErr, clientErr := meet(t, server.ServerTLS(), client.ClientTLS(tt.proto, "r1"))
			if serverErr != nil || clientErr != nil {
				t.Fatalf("server: %v; client: %v", serverErr, clientErr)
			}
			id, err := server.Identify(state)
			if err != nil || id != tt.id {
				t.Errorf("identified %v, %v, want %v", id, err, tt.id)
			}
			if state.NegotiatedProtocol != string(tt.proto) || state.Version != tls.VersionTLS13 {
				t.Errorf("protocol %q, version %x", state.NegotiatedProtocol, state.Version)
			}
		})
	}
}

func TestStrangersAreRefused(t *testing.T) {
	a := authority(t, "c1", 2)
	server := member(t, issue(t, a, router("c1", 2, "r1")), "gone")
	// An impostor knows the cluster's name and generation and makes a CA of that name.
	impostor := authority(t, "c1", 2)
	noCert := func(c *tls.Config) *tls.Config { c.GetClientCertificate, c.VerifyConnection = nil, nil; return c }
	for _, tt := range []struct {
		name       string
		client     *tls.Config
		wantServer string // part of the server's error
	}{
		{"another CA of the same name", lax(member(t, issue(t, impostor, router("c1", 2, "r2"))), Raft), "signature"},
		{"another cluster", lax(member(t, issue(t, authority(t, "c2", 2), router("c2", 2, "r2"))), Raft), "another cluster, c2"},
		{"an older generation", lax(member(t, issue(t, authority(t, "c1", 1), router("c1", 1, "r2"))), Raft), "generation 1; this is 2: the node has to join again"},
		{"a removed node, raft", lax(member(t, issue(t, a, router("c1", 2, "gone"))), Raft), "gone: the node was removed"},
		{"a removed node, peer", lax(member(t, issue(t, a, router("c1", 2, "gone"))), Peer), "gone: the node was removed"},
		{"no certificate, raft", noCert(lax(server, Raft)), "didn't provide a certificate"},
		{"no certificate, peer", noCert(lax(server, Peer)), "didn't provide a certificate"},
		{"no protocol", &tls.Config{InsecureSkipVerify: true}, "none of the cluster's protocols"},
		{"a web browser", &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}, "none of the cluster's protocols"},
		{"join and raft offered, no certificate", &tls.Config{InsecureSkipVerify: true, NextProtos: []string{string(Join), string(Raft)}}, "didn't provide a certificate"},
		{"TLS 1.2", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{string(Raft)}}, "unsupported versions"},
		{"the CA's certificate as a member's", caAsMember(t, a), "not a member's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, serverErr, clientErr := meet(t, server.ServerTLS(), tt.client)
			if serverErr == nil || !strings.Contains(serverErr.Error(), tt.wantServer) {
				t.Errorf("server: %v, want %q", serverErr, tt.wantServer)
			}
			if clientErr == nil {
				t.Error("the client read the server's greeting")
			}
		})
	}
}

// lax is a member that lets itself be talked to by anybody: it shows what the server refuses.
func lax(m *Membership, p Protocol) *tls.Config {
	c := m.ClientTLS(p, "r1")
	c.VerifyConnection = nil
	return c
}

func caAsMember(t *testing.T, a Authority) *tls.Config {
	t.Helper()
	// A CA that signs itself a second certificate which names a router but is a CA's.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: a.cert.Subject, NotBefore: notBefore, NotAfter: notAfter,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{router("c1", 2, "r2").url()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{string(Raft)},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: a.key}},
	}
}

func TestClientChecksTheServer(t *testing.T) {
	a := authority(t, "c1", 2)
	client := member(t, issue(t, a, router("c1", 2, "r2")), "gone")
	server := func(a Authority, id Identity) *tls.Config {
		c := member(t, issue(t, a, id)).ServerTLS()
		c.GetConfigForClient = nil // it would want a certificate of its own cluster
		return c
	}
	for _, tt := range []struct {
		name   string
		server *tls.Config
		want   string
	}{
		{"another node", server(a, router("c1", 2, "r3")), "node r3 answers where r1 was expected"},
		{"removed", server(a, router("c1", 2, "gone")), "removed"},
		{"another CA", server(authority(t, "c1", 2), router("c1", 2, "r1")), "signature"},
		{"another cluster", server(authority(t, "c2", 2), router("c2", 2, "r1")), "another cluster"},
		{"another generation", server(authority(t, "c1", 3), router("c1", 3, "r1")), "later generation of the cluster: 3, and this node is of 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, clientErr := meet(t, tt.server, client.ClientTLS(Raft, "r1"))
			if clientErr == nil || !strings.Contains(clientErr.Error(), tt.want) {
				t.Errorf("client: %v, want %q", clientErr, tt.want)
			}
		})
	}
}

// resign makes a certificate as Issue does, of other dates.
func resign(t *testing.T, a Authority, caDates, leafDates [2]time.Time) Credentials {
	t.Helper()
	ca := *a.cert
	ca.NotBefore, ca.NotAfter = caDates[0], caDates[1]
	caDER, err := x509.CreateCertificate(rand.Reader, &ca, &ca, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	c := issue(t, a, router("c1", 1, "r1"))
	leaf, err := parseCertificate(c.Cert)
	if err != nil {
		t.Fatal(err)
	}
	leaf.NotBefore, leaf.NotAfter = leafDates[0], leafDates[1]
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, &ca, leaf.PublicKey.(ed25519.PublicKey), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return Credentials{
		CA:   pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: caDER}),
		Cert: pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: leafDER}),
		Key:  c.Key,
	}
}

func TestDatesAreIgnored(t *testing.T) {
	now := time.Now()
	valid := [2]time.Time{now.Add(-time.Hour), now.Add(time.Hour)}
	past := [2]time.Time{now.Add(-48 * time.Hour), now.Add(-24 * time.Hour)}
	future := [2]time.Time{now.Add(24 * time.Hour), now.Add(48 * time.Hour)}
	for _, tt := range []struct {
		name     string
		ca, leaf [2]time.Time
	}{
		{"expired certificate", valid, past},
		{"expired CA", past, valid},
		{"both expired", past, past},
		{"not yet valid", future, future},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := authority(t, "c1", 1)
			m := member(t, resign(t, a, tt.ca, tt.leaf))
			_, serverErr, clientErr := meet(t, m.ServerTLS(), m.ClientTLS(Raft, "r1"))
			if serverErr != nil || clientErr != nil {
				t.Errorf("between members: server: %v; client: %v", serverErr, clientErr)
			}
			_, serverErr, clientErr = meet(t, m.ServerTLS(), JoinTLS(pinOf(a.cert)))
			if serverErr != nil || clientErr != nil {
				t.Errorf("joining: server: %v; client: %v", serverErr, clientErr)
			}
		})
	}
}

func TestJoinPinsTheCA(t *testing.T) {
	a := authority(t, "c1", 1)
	server := member(t, issue(t, a, router("c1", 1, "r1")))
	if _, serverErr, clientErr := meet(t, server.ServerTLS(), JoinTLS(pinOf(a.cert))); serverErr != nil || clientErr != nil {
		t.Fatalf("right pin: server: %v; client: %v", serverErr, clientErr)
	}
	// An impostor that appends the true CA's certificate to a leaf of its own.
	mallory := authority(t, "c1", 1)
	forged := member(t, issue(t, mallory, router("c1", 1, "r1")))
	forged.proof.Load().cert.Certificate[1] = a.cert.Raw
	alone := member(t, issue(t, a, router("c1", 1, "r1")))
	alone.proof.Load().cert.Certificate = alone.proof.Load().cert.Certificate[:1]
	for _, tt := range []struct {
		name   string
		server *Membership
		want   string
	}{
		{"another cluster", member(t, issue(t, mallory, router("c1", 1, "r1"))), "its CA is"},
		{"the true CA's certificate over a leaf of another", forged, "signature"},
		{"no CA shown", alone, "shows 1 certificates"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, clientErr := meet(t, tt.server.ServerTLS(), JoinTLS(pinOf(a.cert)))
			if !errors.Is(clientErr, ErrPin) || !strings.Contains(clientErr.Error(), tt.want) {
				t.Errorf("client: %v, want ErrPin with %q", clientErr, tt.want)
			}
		})
	}
}

func TestAuthorityRoundTrip(t *testing.T) {
	a := authority(t, "c1", 3)
	key, err := a.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseAuthority(a.CertPEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cluster, generation := b.Cluster(); cluster != "c1" || generation != 3 {
		t.Errorf("is of %s, %d", cluster, generation)
	}
	one := member(t, issue(t, a, router("c1", 3, "r1")))
	two := member(t, issue(t, b, router("c1", 3, "r2")))
	if _, serverErr, clientErr := meet(t, one.ServerTLS(), two.ClientTLS(Peer, "r1")); serverErr != nil || clientErr != nil {
		t.Errorf("members of the two do not meet: %v, %v", serverErr, clientErr)
	}
	otherKey, err := authority(t, "c1", 3).KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAuthority(a.CertPEM(), otherKey); err == nil || !strings.Contains(err.Error(), "key is not the one") {
		t.Errorf("foreign key: %v", err)
	}
	c := issue(t, a, router("c1", 3, "r1"))
	if _, err := ParseAuthority(c.Cert, c.Key); err == nil {
		t.Error("a member's certificate passed as an authority")
	}
	if _, err := NewMembership(Credentials{CA: c.CA, Cert: c.Cert, Key: key}, nil); err == nil {
		t.Error("a membership with another's key")
	}
}

func TestIssueRefuses(t *testing.T) {
	a := authority(t, "c1", 1)
	_, csr, err := NewRequest("r1")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(csr)
	block.Bytes[len(block.Bytes)-1] ^= 1
	forged := pem.EncodeToMemory(block)
	for _, tt := range []struct {
		name string
		a    Authority
		csr  []byte
		id   Identity
		want string
	}{
		{"another cluster", a, csr, router("c2", 1, "r1"), "not of cluster c1"},
		{"another generation", a, csr, router("c1", 2, "r1"), "generation 1"},
		{"unknown kind", a, csr, Identity{"c1", 1, "r1", "ca"}, "kind"},
		{"name that needs escaping", a, csr, router("c1", 1, "../r1"), "allowed are"},
		{"no name", a, csr, router("c1", 1, ""), "empty"},
		{"long name", a, csr, router("c1", 1, strings.Repeat("x", 65)), "at most 64"},
		{"no request", a, nil, router("c1", 1, "r1"), "no PEM"},
		{"forged request", a, forged, router("c1", 1, "r1"), "request"},
		{"witness without authority", Authority{}, csr, router("c1", 1, "r1"), "no certificate authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.a.Issue(tt.csr, tt.id); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestIdentityRoundTrip(t *testing.T) {
	name := rapid.StringMatching(`[a-z0-9._-]{1,64}`)
	rapid.Check(t, func(t *rapid.T) {
		id := Identity{name.Draw(t, "cluster"), rapid.Uint64().Draw(t, "generation"), name.Draw(t, "node"), KindRouter}
		u, err := url.Parse(id.String())
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseIdentity(u)
		if err != nil || got != id {
			t.Fatalf("%s came back as %v, %v", id, got, err)
		}
	})
}

func TestIdentityRefuses(t *testing.T) {
	for _, text := range []string{
		"https://c1/1/router/r1", "polso://c1/1/router", "polso://c1/1/router/r1/x", "polso://c1/01/router/r1", "polso://c1/-1/router/r1",
		"polso://C1/1/router/r1", "polso://c1:80/1/router/r1", "polso://u@c1/1/router/r1", "polso://c1/1/router/r1?x", "polso://c1/1/router/r1#x",
		"polso://c1/1/boss/r1", "polso://c1/1/router/r%31", "polso:c1/1/router/r1", "polso:///1/router/r1",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := parseIdentity(u); err == nil {
			t.Errorf("%s was read as %s", text, id)
		}
	}
}
