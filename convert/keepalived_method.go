package convert

import (
	"strings"

	"polso/config"
)

// kaMethod reads a forwarding method, and with TUN what the tunnel is.
func kaMethod(forward *config.Forward, tunnel *config.Tunnel) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid {
		*tunnel = config.Tunnel{}
		switch n.word(0) {
		case "NAT":
			*forward = config.NAT
		case "DR":
			*forward = config.DR
		case "TUN":
			*forward, tunnel.Type = config.Tun, config.IPIP
			return kaTunnel(n.words[2:], tunnel)
		default:
			return kaSay(Lost, "no method is called %q", n.word(0))
		}
		return kaSaid{}
	}
}

// kaTunnel reads `type ipip`, `type gue port N [nocsum|csum|remcsum]` or `type gre [nocsum|csum]`.
func kaTunnel(words []string, t *config.Tunnel) kaSaid {
	sums := map[string]config.Checksum{"nocsum": config.NoChecksum, "csum": config.FullChecksum, "remcsum": config.RemoteChecksum}
	for i := 0; i < len(words); i++ {
		word, next := words[i], ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		sum, known := sums[word]
		kind := config.TunnelType(next)
		port, isPort := kaPort(next)
		switch {
		case word == "type" && (kind == config.IPIP || kind == config.GUE || kind == config.GRE):
			t.Type = kind
			i++
		case word == "port" && t.Type == config.GUE && isPort && port != 0:
			t.Port = port
			i++
		case known && (t.Type == config.GUE || t.Type == config.GRE && sum != config.RemoteChecksum):
			t.Checksum = sum
		default:
			return kaSay(Lost, "%q is not understood; the tunnel is of type %s", strings.Join(words[i:], " "), t.Type)
		}
	}
	return kaSaid{}
}
