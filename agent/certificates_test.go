package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"polso/api"
	"polso/consensus/trust"
	"polso/consensus/wire"
)

// Certificates and the CA are rotated under writes on every router: none fails and the lead stays where it is. A router that is
// away holds the change of the CA up. Once it is through, a certificate of the old CA opens nothing.
func TestRotateCertificates(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	r1, r2 := w.nodes[0], w.nodes[1]
	ctx := t.Context()
	made := w.gather("wan") // no election by a busy machine
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}}); err != nil {
		t.Fatal(err)
	}
	term := r1.status("three voters", settled(3, 2)).Term
	shown := func() (certs, cas []string) {
		t.Helper()
		for _, r := range w.nodes {
			c, err := r.client.Certificates(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if c.Certificate.Kind != "router" || c.Certificate.NotAfter != nil || !c.CAKey {
				t.Errorf("%s shows %+v", r.name, c)
			}
			certs, cas = append(certs, c.Certificate.Fingerprint), append(cas, c.CA.Pin)
		}
		return certs, cas
	}
	certs, cas := shown()
	if cas[0] != cas[1] || cas[1] != cas[2] {
		t.Fatalf("CAs %v", cas)
	}
	// undisturbed runs do, which ends when it is true everywhere, under writes.
	undisturbed := func(what string, do func()) {
		t.Helper()
		written := w.writing()
		do()
		n, failed := written()
		st := r1.status("after "+what, settled(3, 2))
		t.Logf("%s: %d writes, term %d", what, n, st.Term)
		if len(failed) > 0 || st.Term != term {
			t.Errorf("%s: %d writes, failed: %v; term %d, was %d", what, n, failed, st.Term, term)
		}
	}

	undisturbed("rotating every certificate", func() {
		done, err := r2.client.RotateCertificates(ctx, api.RotateRequest{All: true})
		if err != nil || len(done.Done) != 3 {
			t.Errorf("rotate: %+v, %v", done, err)
		}
	})
	certs2, cas2 := shown()
	for i := range certs {
		if certs2[i] == certs[i] || cas2[i] != cas[i] {
			t.Errorf("%s: certificate %s, was %s; CA %s, was %s", w.nodes[i].name, certs2[i], certs[i], cas2[i], cas[i])
		}
	}

	stolen := credentialsOf(t, r2)
	if err := opens(t, stolen, r1); err != nil {
		t.Errorf("r2's certificate opens nothing at r1: %v", err)
	}
	through := func(st api.Status) error {
		if st.CAChange != nil {
			return fmt.Errorf("CA change %+v, members %+v", st.CAChange, st.Members)
		}
		for _, r := range w.nodes {
			c, err := r.client.Certificates(ctx)
			if err != nil || c.OtherCA != nil || slices.Contains(cas, c.CA.Pin) || !c.CAKey {
				return fmt.Errorf("%s shows %+v, %v", r.name, c, err)
			}
		}
		return nil
	}
	undisturbed("rotating the CA", func() {
		if _, err := r2.client.RotateCertificates(ctx, api.RotateRequest{CA: true}); err != nil {
			t.Error(err)
		}
		r1.status("all have a certificate of the new CA", through)
	})
	_, now := shown()
	if now[0] != now[1] || now[1] != now[2] {
		t.Errorf("CAs %v", now)
	}
	w.eventually("the old certificate opens nothing", func() error {
		for _, r := range []*router{r1, w.nodes[2]} {
			if err := opens(t, stolen, r); err == nil {
				return errors.New("it opens " + r.name)
			}
		}
		return nil
	})
	_, err := w.stranger("r4").client.Join(ctx, api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: []string{"127.0.0.1:1"}})
	refused(t, "join with a token of the old CA", err, api.CodeDenied, "polso token create")

	// A router that is away is waited for, with the old CA trusted. Asked again, another CA takes the new one's place.
	away := w.nodes[2]
	if r1.status("before", settled(3, 2)).Active == away.name {
		away = r2
	}
	away.halt()
	cas = now
	for range 2 {
		if _, err := r1.client.RotateCertificates(ctx, api.RotateRequest{CA: true}); err != nil {
			t.Fatal(err)
		}
	}
	waits := func(st api.Status) error {
		if c := st.CAChange; c == nil || c.Step != "trust" || !slices.Equal(c.Waiting, []string{away.name}) {
			return fmt.Errorf("CA change %+v", c)
		}
		return nil
	}
	r1.status("it waits for "+away.name, waits)
	time.Sleep(2 * fresh) // time in which it must not move on
	r1.status("it waits still", waits)
	if c, err := r1.client.Certificates(ctx); err != nil || c.CA.Pin != cas[0] || c.OtherCA == nil || c.Change == nil {
		t.Errorf("r1 shows %+v, %v", c, err)
	}
	// One that joins meanwhile takes part in it.
	token, err := r1.client.CreateToken(ctx, api.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	r4 := w.strangers[0]
	if _, err := r4.client.Join(ctx, api.JoinRequest{Addresses: made.Addresses, Token: token.Text, Advertise: []string{r4.listen}}); err != nil {
		t.Fatal(err)
	}
	w.watch(r4)
	w.strangers = nil
	away.start()
	r1.status("all trust the new CA", func(st api.Status) error {
		if c := st.CAChange; c != nil && c.Step == "trust" {
			return fmt.Errorf("CA change %+v", c)
		}
		return nil
	})
	r1.status("all four have a certificate of the new CA", through)
	r1.status("four voters", settled(4, 2))
}

// credentialsOf reads what a router proves itself with from its data directory, as a thief would.
func credentialsOf(t *testing.T, r *router) trust.Credentials {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.home(), "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ CA, Cert, Key string }
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return trust.Credentials{CA: []byte(f.CA), Cert: []byte(f.Cert), Key: []byte(f.Key)}
}

// caKeysOf reads the keys of CAs from a node's data directory.
func caKeysOf(t *testing.T, r *router) (key, other string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.home(), "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Key   string `json:"ca_key"`
		Other string `json:"other_ca_key"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f.Key, f.Other
}

// A witness has no CA's key: the leader makes its certificates, and it follows a change of the CA all the same.
func TestWitnessRotatesCertificates(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 2)
	w.add("w1")
	r1, w1 := w.router("r1"), w.router("w1")
	formPair(t, w, "r2", "w1")
	ctx := t.Context()
	of := func(r *router) api.Certificates {
		t.Helper()
		c, err := r.client.Certificates(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := of(w1)
	if done, err := r1.client.RotateCertificates(ctx, api.RotateRequest{All: true}); err != nil || len(done.Done) != 3 {
		t.Fatalf("rotate all: %+v, %v", done, err)
	}
	own := of(w1)
	if own.Certificate.Fingerprint == before.Certificate.Fingerprint || own.Certificate.Kind != trust.KindWitness || own.CA.Pin != before.CA.Pin {
		t.Errorf("after rotating all it shows %+v, before %+v", own, before)
	}
	_, err := w1.client.RotateCertificates(ctx, api.RotateRequest{CA: true})
	refused(t, "a new CA by a witness", err, api.CodeRefused, "a witness never holds the CA's key")
	if _, err := r1.client.RotateCertificates(ctx, api.RotateRequest{CA: true}); err != nil {
		t.Fatal(err)
	}
	w.eventually("the CA is another everywhere", func() error {
		for _, r := range w.nodes {
			if c := of(r); c.CA.Pin == before.CA.Pin || c.OtherCA != nil || c.Change != nil || c.CAKey != (r != w1) {
				return fmt.Errorf("%s shows %+v", r.name, c)
			}
		}
		return nil
	})
	if c := of(w1); c.Certificate.Kind != trust.KindWitness {
		t.Errorf("the witness has a certificate for a %s", c.Certificate.Kind)
	}
	if key, other := caKeysOf(t, w1); key != "" || other != "" {
		t.Error("a CA's key came to the witness")
	}
	r1.status("all three are well", settled(3, 2))
}

// opens reports why r's port does not accept a member that shows c; it believes whatever r shows.
func opens(t *testing.T, c trust.Credentials, r *router) error {
	t.Helper()
	now := credentialsOf(t, r)
	c.Other = now.CA
	if string(c.Other) == string(c.CA) {
		c.Other = nil
	}
	m, err := trust.NewMembership(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	shows, err := trust.Describe(now.Cert)
	if err != nil {
		t.Fatal(err)
	}
	id := shows.Identity.Node
	d := wire.NewDialer(wire.DialerOptions{Membership: m, Addresses: func(string) []string { return []string{r.listen} }})
	defer d.Close()
	conn, err := d.Dial(t.Context(), id, trust.Peer)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: r1\r\n\r\n", pathLocal); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}
