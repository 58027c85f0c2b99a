package config

import (
	"fmt"
	"testing"
)

// What a server's tunnel leaves out is the virtual's, unless its type is another.
func TestTunnelOfServer(t *testing.T) {
	for _, test := range []struct {
		virtual, server string
		want            Tunnel
	}{
		{"type = \"gue\"\n port = 7000\n checksum = \"csum\"", "type = \"gue\"", Tunnel{GUE, 7000, FullChecksum}},
		{"type = \"gue\"\n port = 7000\n checksum = \"csum\"", "port = 7001", Tunnel{GUE, 7001, FullChecksum}},
		{"type = \"gue\"\n port = 7000\n checksum = \"csum\"", "checksum = \"none\"", Tunnel{GUE, 7000, NoChecksum}},
		{"type = \"gue\"\n port = 7000\n checksum = \"csum\"", "", Tunnel{GUE, 7000, FullChecksum}},
		{"type = \"gue\"\n port = 7000\n checksum = \"csum\"", "type = \"gre\"", Tunnel{GRE, 0, NoChecksum}},
		{"type = \"gue\"\n port = 7000\n checksum = \"csum\"", "type = \"ipip\"", Tunnel{IPIP, 0, ""}},
		{"type = \"ipip\"", "type = \"gue\"", Tunnel{GUE, 6080, NoChecksum}},
		{"type = \"gre\"\n checksum = \"csum\"", "type = \"gre\"", Tunnel{GRE, 0, FullChecksum}},
	} {
		text := addr(fmt.Sprintf("forward = \"tun\"\ntunnel {\n %s\n}\n", test.virtual) +
			srv("a", fmt.Sprintf("address = \"10.0.0.1\"\ntunnel {\n %s\n}", test.server)))
		d, err := Load(File{Name: "a.hcl", Text: []byte(text)})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := d.Virtuals[0].Servers[0].Tunnel; got != test.want {
			t.Errorf("%s beside %s: %+v, want %+v", test.server, test.virtual, got, test.want)
		}
	}
}
