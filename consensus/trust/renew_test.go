package trust

import (
	"strings"
	"testing"
)

// While the CA changes, members with a certificate of either meet; once the old one is dropped, who shows one of it is a stranger.
func TestChangeOfTheCA(t *testing.T) {
	old, next := authority(t, "c1", 1), authority(t, "c1", 1)
	id := func(node string) Identity { return router("c1", 1, node) }
	both := func(c Credentials, other Authority) Credentials { c.Other = other.CertPEM(); return c }
	meets := func(what string, a, b *Membership, want bool) {
		t.Helper()
		state, serverErr, clientErr := meet(t, a.ServerTLS(), b.ClientTLS(Raft, a.Self().Node))
		if ok := serverErr == nil && clientErr == nil; ok != want {
			t.Errorf("%s: server %v, client %v; want them to meet: %v", what, serverErr, clientErr, want)
		} else if ok {
			if who, err := a.Identify(state); err != nil || who.Node != b.Self().Node {
				t.Errorf("%s: %v, %v", what, who, err)
			}
		}
	}
	a, b := member(t, issue(t, old, id("a"))), member(t, issue(t, old, id("b")))
	stranger := member(t, both(issue(t, old, id("b")), next)) // who has b's old certificate
	unaware := member(t, issue(t, old, id("b")))
	meets("before", a, b, true)
	renew := func(m *Membership, c Credentials) {
		t.Helper()
		before := m.Proof()
		if err := m.Renew(c); err != nil {
			t.Fatal(err)
		}
		if m.Proof() != before+1 {
			t.Errorf("proof %d after %d", m.Proof(), before)
		}
	}
	renew(a, both(issue(t, old, id("a")), next))
	meets("one trusts both", a, b, true)
	meets("and the other way round", b, a, true)
	renew(b, both(issue(t, old, id("b")), next))
	renew(a, both(issue(t, next, id("a")), old))
	meets("one has a certificate of the new CA", a, b, true)
	meets("and the other way round", b, a, true)
	meets("the stranger while the old one is trusted", a, stranger, true)
	meets("one that never heard of the new CA", unaware, a, false)
	renew(b, both(issue(t, next, id("b")), old))
	renew(a, issue(t, next, id("a")))
	meets("the old one dropped", a, b, true)
	meets("and the other way round", b, a, true)
	meets("the stranger", a, stranger, false)
	meets("the stranger as a server", stranger, a, false)
}

// Renew keeps what there is when the new credentials are another node's, or do not belong together.
func TestRenewRefuses(t *testing.T) {
	ca, other := authority(t, "c1", 1), authority(t, "c1", 1)
	m := member(t, issue(t, ca, router("c1", 1, "a")))
	mixed := issue(t, ca, router("c1", 1, "a"))
	mixed.CA = other.CertPEM()
	foreign := issue(t, ca, router("c1", 1, "a"))
	foreign.Other = authority(t, "c2", 1).CertPEM()
	for what, test := range map[string]struct {
		c    Credentials
		want string
	}{
		"another node's":        {issue(t, ca, router("c1", 1, "b")), "and this node is"},
		"of another CA":         {mixed, "lacks the CA's signature"},
		"of another cluster":    {foreign, "other CA"},
		"of a later generation": {issue(t, authority(t, "c1", 2), router("c1", 2, "a")), "and this node is"},
	} {
		if err := m.Renew(test.c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", what, err, test.want)
		}
		if m.Proof() != 0 {
			t.Errorf("%s: renewed", what)
		}
	}
}

func TestDescribe(t *testing.T) {
	ca := authority(t, "c1", 1)
	c, err := Describe(issue(t, ca, router("c1", 1, "a")).Cert)
	if err != nil || c.Identity != router("c1", 1, "a") || c.Ends() || c.Serial == "" {
		t.Errorf("%+v, %v", c, err)
	}
	pin, err := Fingerprint(ca.CertPEM())
	if err != nil {
		t.Fatal(err)
	}
	if c, err = Describe(ca.CertPEM()); err != nil || c.Identity.Kind != kindCA || c.Pin != pin || c.Pin == Pin(c.Fingerprint) {
		t.Errorf("CA: %+v, %v", c, err)
	}
	if _, err := Describe([]byte("x")); err == nil {
		t.Error("described what is no certificate")
	}
}
