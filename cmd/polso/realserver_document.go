package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"polso/api"
	"polso/config"
	"polso/realserver"
)

// documentWishes are the virtual addresses that the named servers of a document take requests for, and the servers' names; without names,
// of those that have an address of this machine.
func (a *app) documentWishes(paths, names []string) ([]realserver.Wish, []string, error) {
	files, err := a.read(paths)
	if err != nil {
		return nil, nil, err
	}
	in := make([]config.File, len(files))
	for i, f := range files {
		in[i] = config.File{Name: f.Name, Text: []byte(f.Text)}
	}
	doc, err := config.Load(in...)
	if err != nil {
		return nil, nil, api.DocumentError(err)
	}
	var own []netip.Addr
	if len(names) == 0 {
		m, err := a.server().Host.Observe()
		if err != nil {
			return nil, nil, err
		}
		for _, p := range m.Addresses {
			own = append(own, p.Prefix.Addr())
		}
	}
	return wishesOf(doc, names, own)
}

// wishesOf are the wishes for the servers with one of the names or, without names, one of the addresses; and their names.
func wishesOf(doc config.Document, names []string, own []netip.Addr) (wishes []realserver.Wish, found []string, err error) {
	nothing := 0
	for _, v := range doc.Virtuals {
		for _, s := range v.Servers {
			name := v.Name + "/" + s.Name
			if !slices.Contains(names, name) && !(len(names) == 0 && slices.Contains(own, s.Address.Addr())) {
				continue
			}
			found = append(found, name)
			if s.Forward == config.NAT || s.Forward == config.Local {
				nothing++
				continue
			}
			if !v.Address.IsValid() {
				return nil, nil, api.Errorf(api.CodeInvalid, "virtual %s goes by a mark, so the document does not say its addresses", v.Name).
					WithHint("give them: polso realserver setup ADDRESS... --method %s", s.Forward)
			}
			w, err := wishOf(v, s)
			if err != nil {
				return nil, nil, api.Errorf(api.CodeInvalid, "server %s: %v", name, err)
			}
			if wishes, err = merged(wishes, w); err != nil {
				return nil, nil, api.Errorf(api.CodeInvalid, "server %s: %v", name, err)
			}
		}
	}
	for _, name := range names {
		if !slices.Contains(found, name) {
			return nil, nil, api.Errorf(api.CodeNotFound, "the document has no server %s", name).WithHint("name it as VIRTUAL/SERVER: --server web/a")
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil, api.Errorf(api.CodeNotFound, "no server of the document has an address of this machine").WithHint("name it: --server web/a")
	case nothing == len(found):
		return nil, nil, api.Errorf(api.CodeRefused, "%s is reached by nat or locally and needs nothing of this; nothing was changed", strings.Join(found, ", ")).
			WithHint("with nat its default gateway is the address that moves with the director, unless the virtual masquerades")
	}
	return wishes, found, nil
}

// wishOf is what a server of a virtual needs.
func wishOf(v config.Virtual, s config.Server) (realserver.Wish, error) {
	w := realserver.Wish{Address: v.Address}
	if v.Protocol == config.TCP {
		for _, port := range v.Ports {
			if port != 0 {
				w.Services = append(w.Services, port)
			}
		}
	}
	if s.Forward == config.Tun {
		if s.Tunnel.Type == config.GRE && s.Tunnel.Checksum == config.FullChecksum {
			return w, fmt.Errorf("its gre tunnel has checksums, which the kernel's own device does not expect: make one by hand, `ip link add rs type gre local %s icsum`, as docs/realserver.md says", s.Address.Addr())
		}
		w.Method, w.Outer = realserver.Tun, realserver.IPv4
		w.Tunnel, w.TunnelPort = realserver.Tunnel(s.Tunnel.Type), s.Tunnel.Port
		if s.Address.Addr().Is6() {
			w.Outer = realserver.IPv6
		}
	}
	return w.Complete()
}

// merged adds a wish, to the one for the same address if there is one.
func merged(wishes []realserver.Wish, w realserver.Wish) ([]realserver.Wish, error) {
	i := slices.IndexFunc(wishes, func(other realserver.Wish) bool { return other.Address == w.Address })
	if i < 0 {
		return append(wishes, w), nil
	}
	if a, b := wishes[i].String(), w.String(); a != b {
		return nil, fmt.Errorf("%s, and another virtual has it as %s: set them up one after the other by address", b, a)
	}
	wishes[i].Services = append(wishes[i].Services, w.Services...)
	return wishes, nil
}
