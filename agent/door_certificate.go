package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"polso/api"
	"polso/consensus/store"
	"polso/consensus/trust"
)

// shown is what the door shows browsers: the operator's certificate, or one that follows from the cluster's CA. The latter is made when it is
// asked for and is not the one of before any more, so it needs no renewing.
type shown struct {
	a   *Agent
	own atomic.Pointer[tls.Certificate] // the operator's, as last read; nil: none
	why atomic.Pointer[string]          // what is wrong with the operator's; nil: nothing

	mu   sync.Mutex         // guards below
	by   *store.Credentials // that ca follows from; nil: from nothing
	ca   trust.WebAuthority
	of   string // what made was made of
	made tls.Certificate
}

// certificate fits tls.Config.GetCertificate.
func (s *shown) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if own := s.own.Load(); own != nil {
		return own, nil
	}
	_, c, err := s.make(time.Now())
	return c, err
}

// make is the certificate that this node makes for itself, and the CA that it is of.
func (s *shown) make(now time.Time) (trust.WebAuthority, *tls.Certificate, error) {
	b := s.a.current.Load()
	names, node := b.webNames(), ""
	s.mu.Lock()
	defer s.mu.Unlock()
	ca, err := s.authority(b)
	if err != nil {
		return ca, nil, err
	}
	if b.member != nil {
		node = b.member.id
	}
	of := fmt.Sprintf("%s %s %v %v", ca.CertPEM(), node, names, now.Truncate(trust.WebPeriod))
	if of == s.of {
		return ca, &s.made, nil
	}
	c, err := ca.Issue(node, names, now)
	if err != nil {
		return ca, nil, err
	}
	s.of, s.made = of, c
	s.a.log.Info("the certificate for browsers is another", "fingerprint", fingerprint(c), "until", c.Leaf.NotAfter)
	return ca, &c, nil
}

// authority is the CA for browsers: the cluster's, or one of this process alone on a node that has none.
func (s *shown) authority(b *body) (trust.WebAuthority, error) {
	var by *store.Credentials
	if b.closed() == nil {
		by = b.member.creds.Load()
	}
	if s.by == by && s.of != "" {
		return s.ca, nil
	}
	var ca trust.WebAuthority
	var err error
	if by == nil {
		ca, err = trust.NewWebAuthority(s.a.o.Name + ", in no cluster")
	} else {
		ca, err = webAuthority(*by)
	}
	if err == nil {
		s.by, s.ca = by, ca
	}
	return ca, err
}

func webAuthority(c store.Credentials) (trust.WebAuthority, error) {
	a, err := authorityOf(c, string(c.CA))
	if err != nil {
		return trust.WebAuthority{}, err
	}
	return a.Web()
}

// describe tells of what is shown at those addresses.
func (s *shown) describe(listen []string) (api.WebCertificate, error) {
	ca, c, err := s.make(time.Now())
	if err != nil {
		return api.WebCertificate{}, err
	}
	out := api.WebCertificate{Listen: listen, Source: "polso", Names: []string{}, CA: string(ca.CertPEM())}
	if own := s.own.Load(); own != nil {
		c, out.Source = own, "operator"
	}
	if why := s.why.Load(); why != nil {
		out.Trouble = *why
	}
	out.Names = append(out.Names, c.Leaf.DNSNames...)
	for _, a := range c.Leaf.IPAddresses {
		out.Names = append(out.Names, a.String())
	}
	out.Issuer, out.Serial, out.Fingerprint = c.Leaf.Issuer.String(), c.Leaf.SerialNumber.Text(16), fingerprint(*c)
	out.NotBefore, out.NotAfter = c.Leaf.NotBefore, c.Leaf.NotAfter
	return out, nil
}

func fingerprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// maxWebVIPs is how many virtual addresses a certificate names at most: a handshake carries it each time.
const maxWebVIPs = 200

// webNames are the names under which a browser may find this node.
func (b *body) webNames() trust.Names {
	n := trust.Names{
		Hosts:     []string{b.a.o.Name, "localhost"},
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()},
	}
	add := func(addrs []string) {
		for _, a := range addrs {
			host, _, err := net.SplitHostPort(a)
			if err != nil {
				continue
			}
			if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
				n.Addresses = append(n.Addresses, ip)
			}
		}
	}
	add(b.a.o.API)
	add(b.a.o.Listen)
	if b.member == nil || b.witness() {
		return n
	}
	s := b.snapshot()
	if self, ok := s.Node(b.member.id); ok {
		add(self.Addresses)
	}
	var vips []netip.Addr
	for _, v := range s.Document.VIPs {
		vips = append(vips, v.Address.Addr())
	}
	for _, v := range s.Document.Virtuals {
		if v.Address.IsValid() && len(vips) < maxWebVIPs {
			vips = append(vips, v.Address)
		}
	}
	n.Addresses = append(n.Addresses, vips[:min(len(vips), maxWebVIPs)]...)
	return n
}

// follow reads the operator's certificate, at first and whenever its files have changed, until ctx ends. A pair that cannot be used leaves the
// one of before.
func (s *shown) follow(ctx context.Context) error {
	if s.a.o.Certificate == "" {
		return nil
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	var last []byte
	for {
		text, err := s.read(last)
		switch {
		case err != nil:
			if why := s.why.Load(); why != nil && *why == err.Error() {
				break // said already
			}
			s.why.Store(new(err.Error()))
			s.a.log.Error("the certificate for browsers cannot be used; the one of before is shown", "err", err)
		default:
			last = text
			s.why.Store(nil)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// read reads the files and takes the pair if it is not the last one.
func (s *shown) read(last []byte) ([]byte, error) {
	cert, err := os.ReadFile(s.a.o.Certificate)
	if err != nil {
		return nil, fmt.Errorf("api_certificate: %w", err)
	}
	key, err := os.ReadFile(s.a.o.Key)
	if err != nil {
		return nil, fmt.Errorf("api_key: %w", err)
	}
	text := append(append(cert, 0), key...)
	if bytes.Equal(text, last) {
		return last, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", s.a.o.Certificate, s.a.o.Key, err)
	}
	s.own.Store(&pair)
	s.a.log.Info("the certificate for browsers is the operator's", "file", s.a.o.Certificate, "fingerprint", fingerprint(pair), "until", pair.Leaf.NotAfter)
	return text, nil
}
