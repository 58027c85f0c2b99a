package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"polso/api"
)

// examine says what is wrong with the HTTPS listener.
func (d *door) examine(ctx context.Context, now time.Time) []api.Finding {
	const name, certificate = "https", "certificate for browsers"
	if len(d.sockets) == 0 {
		return []api.Finding{ok(name, "switched off: no browser and no command line from elsewhere gets in")}
	}
	var found []api.Finding
	for _, at := range d.addresses() {
		if err := d.answers(ctx, at); err != nil {
			found = append(found, fail(name, fmt.Sprintf("%s does not answer this router itself: %v", at, err), "see that no packet filter keeps this machine's own packets from it; restart the agent"))
			continue
		}
		found = append(found, ok(name, "answers at "+at))
	}
	if why := d.shown.why.Load(); why != nil {
		found = append(found, fail(certificate, *why+"; another is shown meanwhile", "mend api_certificate and api_key; they are read again within seconds"))
	}
	if own := d.shown.own.Load(); own != nil {
		found = append(found, examineOwn(certificate, own.Leaf, d.a.o, now))
	}
	b := d.a.current.Load()
	if s := b.snapshot(); b.closed() == nil && s.Known && len(s.Users) == 0 && len(s.Accesses) == 0 {
		found = append(found, warn("users", "there are none, so nobody can sign in at "+name, "polso user add NAME --role admin"))
	}
	return found
}

// examineOwn looks at the operator's certificate.
func examineOwn(name string, c *x509.Certificate, o Options, now time.Time) api.Finding {
	if info, err := os.Stat(o.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
		return warn(name, "everybody on this machine can read its key, "+o.Key, "chmod o= "+o.Key)
	}
	end := c.NotAfter.UTC().Format(time.RFC3339)
	switch {
	case c.NotAfter.Before(now):
		return fail(name, "yours has ended, at "+end, "put a new one into "+o.Certificate+"; it is read within seconds")
	case c.NotAfter.Before(now.Add(ending)):
		return warn(name, "yours ends at "+end, "put a new one into "+o.Certificate+"; it is read within seconds")
	case c.NotBefore.After(now):
		return warn(name, "yours is not valid before "+c.NotBefore.UTC().Format(time.RFC3339), "is this router's clock right?")
	}
	return ok(name, "yours, until "+end)
}

// answers makes a handshake with the listener at that address, as a browser would, and looks whether it shows what it should. Where that is
// every address, this machine is asked (net.Dial).
func (d *door) answers(ctx context.Context, at string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // it is compared with what is shown, below
	conn, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	want, err := d.shown.certificate(nil)
	if err != nil {
		return err
	}
	if got := conn.(*tls.Conn).ConnectionState().PeerCertificates; !bytes.Equal(got[0].Raw, want.Certificate[0]) {
		return fmt.Errorf("somebody else answers there, with a certificate of %s", got[0].Subject)
	}
	return nil
}
