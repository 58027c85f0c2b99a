package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Tunnel is how packets to a server are wrapped that is reached by tun. The zero Tunnel says nothing: IP in IP, or for a server
// what its virtual says.
type Tunnel struct {
	Type     TunnelType
	Port     uint16   // gue's: 6080 unless said otherwise; 0 with the others
	Checksum Checksum // of gue and gre: none unless said otherwise; "" with ipip
}

// TunnelType is an encapsulation, by ipvsadm's names.
type TunnelType string

// The encapsulations.
const (
	IPIP TunnelType = "ipip"
	GUE  TunnelType = "gue"
	GRE  TunnelType = "gre"
)

// Checksum says how the outer packet is protected, by ipvsadm's names.
type Checksum string

// The checksums.
const (
	NoChecksum     Checksum = "none"
	FullChecksum   Checksum = "csum"
	RemoteChecksum Checksum = "remcsum" // remote checksum offload; gue alone
)

// guePort is IANA's for GUE.
const guePort = 6080

// complete fills in what depends on the type.
func (t *Tunnel) complete() {
	if t.Type == GUE && t.Port == 0 {
		t.Port = guePort
	}
	if (t.Type == GUE || t.Type == GRE) && t.Checksum == "" {
		t.Checksum = NoChecksum
	}
}

// inherit fills in what a server's tunnel leaves out: its type, and what goes with the type if that is the virtual's.
func (t *Tunnel) inherit(from Tunnel) {
	if *t == (Tunnel{}) {
		return
	}
	t.Type = cmp.Or(t.Type, from.Type, IPIP)
	if t.Type == from.Type {
		t.Port, t.Checksum = cmp.Or(t.Port, from.Port), cmp.Or(t.Checksum, from.Checksum)
	}
}

// completeTunnels fills in the tunnels of a virtual whose servers have their forwarding methods. What is said and default is as if it
// were not said, unless the virtual says otherwise.
func (v *Virtual) completeTunnels() {
	plain := Tunnel{Type: IPIP}
	v.Tunnel.inherit(Tunnel{})
	v.Tunnel.complete()
	if v.Tunnel == plain {
		v.Tunnel = Tunnel{}
	}
	for _, s := range slices.Concat(pointers(v.Servers), pointers(v.Sorry)) {
		s.Tunnel.inherit(v.Tunnel)
		s.Tunnel.complete()
		switch {
		case s.Forward == Tun && s.Tunnel == Tunnel{}:
			s.Tunnel = v.Tunnel
		case s.Tunnel == plain && v.Tunnel == Tunnel{}:
			s.Tunnel = Tunnel{}
		}
	}
}

// tunnel reads a tunnel block.
func (r *reader) tunnel(t *Tunnel) blockSpec {
	return blockSpec{read: func(b *hclsyntax.Block, p path) {
		r.body(b.Body, p, map[string]func(value){
			"type":     setText(&t.Type),
			"port":     setPort(&t.Port),
			"checksum": setText(&t.Checksum),
		}, nil)
	}}
}

// tunnels checks the tunnels of a virtual and its servers.
func (v *verdicts) tunnels(p path, x Virtual) {
	used := x.Forward == Tun
	for i, s := range slices.Concat(x.Servers, x.Sorry) {
		used = used || s.Forward == Tun
		if s.Tunnel == (Tunnel{}) || s.Forward == Tun && s.Tunnel == x.Tunnel {
			continue // the virtual's has been looked at
		}
		kind := "server"
		if i >= len(x.Servers) {
			kind = "sorry_server"
		}
		p := p.block(kind, s.Name).attr("tunnel")
		if s.Forward != Tun {
			v.add(p, fmt.Sprintf("a tunnel does not go with forward %q", s.Forward), "", `Write forward = "tun", or remove the block.`)
			continue
		}
		v.tunnel(p, s.Tunnel)
	}
	if x.Tunnel != (Tunnel{}) && !used {
		v.add(p.attr("tunnel"), fmt.Sprintf("a tunnel does not go with forward %q", x.Forward), "", `Write forward = "tun", or remove the block.`)
		return
	}
	v.tunnel(p.attr("tunnel"), x.Tunnel)
}

func (v *verdicts) tunnel(p path, t Tunnel) {
	if t == (Tunnel{}) || !enum(v, p.attr("type"), "type of tunnel", t.Type, IPIP, GUE, GRE) {
		return
	}
	if t.Port != 0 && t.Type != GUE {
		v.add(p.attr("port"), fmt.Sprintf("a tunnel of type %q has no port", t.Type), "", `Remove it, or write type = "gue".`)
	}
	switch {
	case t.Type == IPIP && t.Checksum != "":
		v.add(p.attr("checksum"), `a tunnel of type "ipip" has no checksum`, "", `Remove it, or write type = "gue" or "gre".`)
	case t.Type == GRE && t.Checksum == RemoteChecksum:
		v.add(p.attr("checksum"), `checksum "remcsum" is for tunnels of type "gue"`, "", `Write "csum" or "none".`)
	case t.Type != IPIP:
		enum(v, p.attr("checksum"), "checksum", t.Checksum, NoChecksum, FullChecksum, RemoteChecksum)
	}
}

// mixed refuses servers of another family than their virtual's beside the sync daemon: the kernel has either.
func (v *verdicts) mixed(d Document) {
	if d.Cluster.SyncDaemon == nil {
		return
	}
	for _, x := range d.Virtuals {
		for _, s := range x.Servers {
			if s.Forward != Tun || !s.Address.IsValid() || !x.identified() || familyOf(s.Address.Addr()) == x.Family {
				continue
			}
			v.add(path("").block("virtual", x.Name).block("server", s.Name).attr("address"),
				fmt.Sprintf("server %q is %s, virtual %q is %s, and there is a sync_daemon", s.Name, familyOf(s.Address.Addr()), x.Name, x.Family),
				"The kernel tells others of no connections while it has a server of another family than its virtual, and takes none while it does.",
				"Give the server an address of the virtual's family, or remove the sync_daemon block.")
		}
	}
}

// thresholds checks how many connections a server takes.
func (v *verdicts) thresholds(p path, s Server) {
	for _, t := range []struct {
		name string
		n    int
	}{{"upper", s.Upper}, {"lower", s.Lower}} {
		if t.n < 0 || t.n > math.MaxInt32 {
			v.add(p.attr(t.name), fmt.Sprintf("%s %d is not between 0 and %d", t.name, t.n, math.MaxInt32), "", "")
		}
	}
	switch {
	case s.Lower > 0 && s.Upper == 0:
		v.add(p.attr("lower"), "lower means nothing without upper", "At upper connections a server takes no new one until it is below lower again.", "Add upper, or remove lower.")
	case s.Lower > s.Upper && s.Upper > 0:
		v.add(p.attr("lower"), fmt.Sprintf("lower %d is above upper %d", s.Lower, s.Upper), "", "")
	}
}

// tunnelText is a tunnel on one line.
func tunnelText(t Tunnel) string {
	text := string(t.Type)
	if t.Port != 0 {
		text += fmt.Sprintf(" port %d", t.Port)
	}
	if t.Checksum != "" && t.Checksum != NoChecksum {
		text += " " + string(t.Checksum)
	}
	return text
}

// tunnel writes a tunnel, unless it is what would be there anyway.
func (w writer) tunnel(t, otherwise Tunnel) {
	if t == otherwise {
		return
	}
	w = w.block("tunnel")
	w.text("type", string(t.Type))
	if t.Port != 0 {
		w.number("port", int(t.Port))
	}
	w.text("checksum", string(t.Checksum))
}
