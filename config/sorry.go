package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// SorryServer is the server that sorry_server = "ADDRESS" stands for; it is forwarded to as the virtual says.
func SorryServer(a netip.AddrPort) Server { return Server{Name: "sorry", Address: a, Weight: 1} }

// sorryShort is the address of the one sorry server, if that says it all.
func (v Virtual) sorryShort() (netip.AddrPort, bool) {
	if len(v.Sorry) != 1 {
		return netip.AddrPort{}, false
	}
	s := v.Sorry[0]
	plain := SorryServer(s.Address)
	plain.Forward = v.Forward
	if plain.Forward == Tun {
		plain.Tunnel = v.Tunnel
	}
	return s.Address, s == plain
}

// sorryServer reads a sorry_server block.
func (r *reader) sorryServer(b *hclsyntax.Block, p path, v *Virtual) {
	if len(b.Labels) == 0 {
		return
	}
	s := Server{Name: b.Labels[0], Weight: 1}
	r.body(b.Body, p, map[string]func(value){
		"address": func(a value) { a.addressPort(func(x netip.AddrPort) { s.Address = x }) },
		"forward": setText(&s.Forward),
		"weight":  setInt(&s.Weight),
	}, map[string]blockSpec{"tunnel": r.tunnel(&s.Tunnel), "check": r.oneCheck(&s.Check)})
	v.Sorry = append(v.Sorry, s)
}

// sorryText is the sorry servers of a virtual on one line.
func sorryText(v Virtual) string {
	if a, short := v.sorryShort(); short {
		return hostPort(a)
	}
	var parts []string
	for _, s := range v.Sorry {
		text := fmt.Sprintf("%s %s", s.Name, serverText(v, s))
		if s.Check != nil {
			text += " with " + s.Check.within(Check{})
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// sorryServers checks the servers that answer while the virtual is down.
func (v *verdicts) sorryServers(p path, x Virtual) {
	for i, s := range x.Sorry {
		p := p.block("sorry_server", s.Name)
		if slices.ContainsFunc(x.Sorry[:i], func(t Server) bool { return t.Name == s.Name }) {
			v.add(p, fmt.Sprintf("sorry_server %q is there twice in virtual %q", s.Name, x.Name), "", "Rename one of them.")
		}
		if slices.ContainsFunc(x.Sorry[:i], func(t Server) bool { return t.Address == s.Address }) {
			v.add(p.attr("address"), fmt.Sprintf("%s is another sorry server's too", hostPort(s.Address)), "", "Remove one of the two.")
		}
		if j := slices.IndexFunc(x.Servers, func(t Server) bool { return t.Address == s.Address && s.Address.IsValid() }); j >= 0 {
			v.add(p.attr("address"), fmt.Sprintf("%s is the address of server %q", hostPort(s.Address), x.Servers[j].Name),
				"Who answers while the servers are down is none of them.", "")
		}
		v.server(p, x, s)
	}
}
