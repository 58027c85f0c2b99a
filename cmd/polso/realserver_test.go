package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polso/config"
	"polso/realserver"
)

const farm = `
virtual "web" {
  address = "192.0.2.10"
  port    = 80
  server "a" {
    address = "192.0.2.21"
  }
  server "far" {
    address = "198.51.100.21"
    forward = "tun"
  }
  server "masq" {
    address = "10.0.0.21"
    forward = "nat"
  }
}
virtual "dns" {
  address  = "192.0.2.10"
  port     = 53
  protocol = "udp"
  server "a" {
    address = "192.0.2.21"
  }
}
virtual "tls" {
  address = "192.0.2.10"
  port    = 443
  server "a" {
    address = "192.0.2.21"
  }
}
virtual "six" {
  address = "2001:db8::10"
  port    = 80
  forward = "tun"
  server "a" {
    address = "2001:db8::21"
  }
}
virtual "wrapped" {
  address = "192.0.2.30"
  ports   = [80, 443]
  forward = "tun"
  tunnel {
    type = "gue"
    port = 7070
  }
  server "a" {
    address = "198.51.100.30"
  }
  server "summed" {
    address = "198.51.100.31"
    tunnel {
      type     = "gre"
      checksum = "csum"
    }
  }
  server "own" {
    address = "127.0.0.2"
    forward = "local"
  }
}
virtual "marked" {
  fwmark = 7
  server "m" {
    address = "192.0.2.22"
  }
}
`

func TestWishesOfADocument(t *testing.T) {
	doc, err := config.Load(config.File{Name: "farm.hcl", Text: []byte(farm)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		names, own string
		want       string // the wishes with their services and the servers, or a part of the error
	}{
		{"by name", "web/a", "", "192.0.2.10 (dr) [80]; web/a"},
		{"by the machine's address", "", "127.0.0.1 192.0.2.21", "192.0.2.10 (dr) [443 80]; dns/a tls/a web/a"},
		{"names go before addresses", "six/a", "192.0.2.21", "2001:db8::10 (tun, ipip over ipv6) [80]; six/a"},
		{"a server's own method", "web/far", "", "192.0.2.10 (tun, ipip over ipv4) [80]; web/far"},
		{"a tunnel's kind, and several ports", "wrapped/a", "", "192.0.2.30 (tun, gue to port 7070 over ipv4) [80 443]; wrapped/a"},
		{"a tunnel with checksums", "wrapped/summed", "", "ip link add rs type gre local 198.51.100.31 icsum"},
		{"on the router itself", "wrapped/own", "", "needs nothing of this"},
		{"nat beside another", "web/masq six/a", "", "2001:db8::10 (tun, ipip over ipv6) [80]; six/a web/masq"},
		{"nat alone", "web/masq", "", "needs nothing of this"},
		{"two methods for an address", "web/a web/far", "", "set them up one after the other"},
		{"a mark", "", "192.0.2.22", "goes by a mark"},
		{"an unknown name", "web/a web/z", "", "has no server web/z"},
		{"nobody", "", "192.0.2.99", "no server of the document"},
	} {
		var own []netip.Addr
		for _, text := range strings.Fields(c.own) {
			own = append(own, netip.MustParseAddr(text))
		}
		wishes, found, err := wishesOf(doc, strings.Fields(c.names), own)
		var got []string
		for _, w := range wishes {
			got = append(got, fmt.Sprint(w, " ", w.Services))
		}
		text := strings.Join(got, ", ") + "; " + strings.Join(found, " ")
		if err != nil {
			text = err.Error()
		}
		if text != c.want && (err == nil || !strings.Contains(text, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// The command lines in contrib's units can be typed, and what setup --permanent writes says what was asked for.
func TestUnitsCommands(t *testing.T) {
	units, err := filepath.Glob("../../contrib/*.service")
	if err != nil || len(units) < 2 {
		t.Fatal(units, err)
	}
	seen := 0
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			name, command, found := strings.Cut(strings.TrimSpace(line), "=")
			if !found || !strings.HasPrefix(name, "Exec") {
				continue
			}
			words := strings.Fields(strings.ReplaceAll(command, "$ARGS", "192.0.2.10 --method=tun"))
			if filepath.Base(words[0]) != "polso" {
				continue
			}
			seen++
			if err := understood(words[1:]); words[0] != "/usr/bin/polso" || err != nil {
				t.Errorf("%s: %s: %v", unit, command, err)
			}
		}
	}
	if seen < 4 {
		t.Errorf("%d commands found", seen)
	}
	for _, c := range []struct{ line, want string }{
		{"192.0.2.10 2001:db8::10", `ARGS="192.0.2.10 2001:db8::10"`},
		{"192.0.2.10 --method tun --tunnel gue --tunnel-port 6080 --permanent", `ARGS="192.0.2.10 --method=tun --tunnel=gue --tunnel-port=6080"`},
		{"-f /etc/polso/edge.hcl --server web/a --device vips -o json", `ARGS="--file=/etc/polso/edge.hcl --server=web/a --device=vips"`},
	} {
		var f realserverFlags
		a := newApp(strings.NewReader(""), new(strings.Builder), new(strings.Builder), func(string) string { return "" })
		cmd, words, err := a.root().Find(append([]string{"realserver", "setup"}, strings.Fields(c.line)...))
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags(words); err != nil {
			t.Fatal(err)
		}
		if f.files, err = cmd.Flags().GetStringArray("file"); err != nil {
			t.Fatal(err)
		}
		if f.servers, err = cmd.Flags().GetStringArray("server"); err != nil {
			t.Fatal(err)
		}
		again, err := f.again(cmd, cmd.Flags().Args())
		if err != nil {
			t.Fatal(err)
		}
		conf, err := realserver.Conf(again)
		if err != nil || !strings.Contains(conf, c.want+"\n") {
			t.Errorf("%s: %v\n%s", c.line, err, conf)
		}
		_, line, _ := strings.Cut(conf, `ARGS="`)
		if err := understood(append([]string{"realserver", "setup"}, strings.Fields(strings.Trim(line, "\"\n"))...)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
