package convert

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
)

// What lvs.cf can say comes back from it as it was.
func TestToLVSCFAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := lvsDocument(t)
		if err := want.Validate(); err != nil {
			t.Fatalf("drew a wrong document: %v", err)
		}
		text, notes := ToLVSCF(want)
		if n := (Result{Notes: notes}).Lost(); len(n) > 0 {
			t.Fatalf("lost %v", n)
		}
		got, err := LVSCF(File{Name: "lvs.cf", Text: text})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := config.Diff(want, got.Document); len(diff) > 0 {
			t.Fatalf("%s\n%s", strings.Join(diff.Lines(), "\n"), text)
		}
		for _, n := range got.Notes {
			if strings.HasPrefix(n.What, refused) || n.Level == Lost {
				t.Fatalf("%s\n%s", strings.Join(n.lines(""), "\n"), text)
			}
		}
	})
}

// lvsDocument draws what lvs.cf can say.
func lvsDocument(t *rapid.T) config.Document {
	forward := rapid.SampledFrom([]config.Forward{config.NAT, config.DR, config.Tun}).Draw(t, "forward")
	d := config.Document{Cluster: config.Cluster{Standby: config.Warm}}
	d.Cluster.Timeouts.TCP = seconds(rapid.IntRange(0, 1000).Draw(t, "tcp"))
	d.Cluster.Timeouts.UDP = seconds(rapid.IntRange(0, 1000).Draw(t, "udp"))
	for i := range rapid.IntRange(1, 4).Draw(t, "virtuals") {
		v := config.Virtual{
			Name:       fmt.Sprintf("v%d", i),
			Scheduler:  rapid.SampledFrom([]string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"}).Draw(t, "scheduler"),
			Forward:    forward,
			MinServers: 1,
			OnFailure:  rapid.SampledFrom([]config.OnFailure{config.Remove, config.Quiesce}).Draw(t, "on failure"),
			Check:      lvsCheck(t),
		}
		if rapid.Bool().Draw(t, "persistent") {
			v.Persistent = &config.Persistent{Timeout: seconds(rapid.IntRange(1, 9999).Draw(t, "for")), Mask: rapid.SampledFrom([]int{0, 8, 24}).Draw(t, "mask")}
		}
		address := netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)})
		mark := rapid.Bool().Draw(t, "mark")
		if mark {
			v.FWMark, v.Check.Port = rapid.Uint32Range(1, config.MarkBase>>3-1).Draw(t, "number")*8+uint32(i), rapid.Uint16Range(1, 65535).Draw(t, "asked")
		} else {
			v.Address, v.Interface, v.Ports = address, "lan", []uint16{rapid.SampledFrom([]uint16{80, 443}).Draw(t, "port")}
		}
		if mark || rapid.Bool().Draw(t, "vip") {
			d.VIPs = append(d.VIPs, config.VIP{Name: v.Name, Address: netip.PrefixFrom(address, rapid.IntRange(9, 25).Draw(t, "bits")), Interface: "lan", Group: "default"})
			v.Interface = ""
		}
		heaviest := 1
		for j := range rapid.IntRange(1, 3).Draw(t, "servers") {
			s := config.Server{Name: fmt.Sprintf("s%d", j), Forward: forward, Weight: rapid.IntRange(1, 65535).Draw(t, "weight")}
			s.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), byte(j + 1)}), 0)
			if !mark && forward == config.NAT && rapid.Bool().Draw(t, "own port") {
				s.Address = netip.AddrPortFrom(s.Address.Addr(), 8080)
			}
			v.Servers = append(v.Servers, s)
			heaviest = max(heaviest, s.Weight)
			if v.SlowStart = nannySlowStart(v.Check.Every, heaviest); v.SlowStart > 0 {
				v.SlowCurve = config.Doubling
			}
		}
		d.Virtuals = append(d.Virtuals, v)
	}
	if forward == config.NAT {
		d.VIPs = append(d.VIPs, config.VIP{Name: "nat_router", Address: netip.MustParsePrefix("10.0.0.254/24"), Interface: "inside", Group: "default"})
	}
	return config.Complete(d)
}

func lvsCheck(t *rapid.T) *config.Check {
	c := &config.Check{Kind: config.CheckTCP, Every: seconds(rapid.IntRange(1, 60).Draw(t, "every")), Rise: rapid.IntRange(1, 20).Draw(t, "rise"), Fall: 1}
	c.Timeout = c.Every
	if rapid.Bool().Draw(t, "http") {
		c.Kind = config.CheckHTTP
		c.Path = rapid.StringMatching(`/[!#-~]{0,12}`).Draw(t, "path")
		c.Host = rapid.SampledFrom([]string{"", "www.example.org"}).Draw(t, "host")
		from := rapid.IntRange(100, 599).Draw(t, "from")
		c.Status = []config.StatusRange{{From: from, To: rapid.IntRange(from, 599).Draw(t, "to")}}
	}
	return c
}

// What neither format can say has a note at its block, and nothing that would send packets wrongly is active.
func TestExports(t *testing.T) {
	d, err := config.Parse(config.File{Name: "everything.hcl", Text: []byte(everything)})
	if err != nil {
		t.Fatal(err)
	}
	for name, export := range map[string]func(config.Document) ([]byte, []Note){"lvs.cf": ToLVSCF, "ipvsadm": ToIPVSAdm} {
		text, notes := export(d)
		var report bytes.Buffer
		if err := Report(&report, notes); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/export/"+name, text)
		golden(t, "testdata/export/"+name+".report", report.Bytes())
	}
}

// Each line is of a form in ipvsadm's manual.
func TestToIPVSAdmLines(t *testing.T) {
	d, err := config.Parse(config.File{Name: "everything.hcl", Text: []byte(everything)})
	if err != nil {
		t.Fatal(err)
	}
	const service = `((-[tu]|--sctp-service) (\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+|-f \d+( -6)?)`
	line := regexp.MustCompile(`^(--set \d+ \d+ \d+` +
		`|-A ` + service + ` -s [a-z]+( -p \d+( -M (\d+\.\d+\.\d+\.\d+|\d+))?( --pe sip)?)?( -o)?( -b [a-z1-3-]+(,[a-z1-3-]+)*)?` +
		`|-a ` + service + ` -r (\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+ -[gim] -w \d+` +
		`( --tun-type (ipip|gue --tun-port \d+ --tun-(no|rem)?csum|gre --tun-(no)?csum))?( -x \d+ -y \d+)?)$`)
	text, _ := ToIPVSAdm(d)
	for one := range strings.Lines(string(text)) {
		if !line.MatchString(strings.TrimSuffix(one, "\n")) {
			t.Errorf("%s", one)
		}
	}
}

// The patterns of a range match its numbers and no others.
func TestCodePatterns(t *testing.T) {
	for from := 100; from < 600; from += 7 {
		for to := from; to < 600; to += 3 {
			e := regexp.MustCompile("^(" + strings.Join(codePatterns(from, to), "|") + ")$")
			for _, n := range []int{100, from - 1, from, (from + to) / 2, to, to + 1, 599} {
				if e.MatchString(fmt.Sprint(n)) != (n >= from && n <= to) {
					t.Fatalf("%d-%d: %s is wrong for %d", from, to, e, n)
				}
			}
		}
	}
}

// A long path, a quote and TLS are no question that nanny can ask.
func TestLVSQuestion(t *testing.T) {
	status := []config.StatusRange{{From: 200, To: 299}, {From: 301, To: 302}}
	q := lvsQuestion(&config.Check{Kind: config.CheckHTTP, Path: `/a\b`, Host: "h", Status: status, Every: time.Second})
	if got, want := fmt.Sprint(q.send, " ", q.expect, " ", q.regex), `GET /a\\b HTTP/1.0\r\nHost: h\r\n\r\n ^HTTP/1.[01] (2[0-9][0-9]|30[1-2]) true`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, c := range map[string]config.Check{
		"quote": {Kind: config.CheckHTTP, Path: `/"`, Status: status}, "long": {Kind: config.CheckHTTP, Path: "/" + strings.Repeat("x", 250), Status: status}, "tls": {Kind: config.CheckHTTP, Path: "/", Status: status, TLS: true},
	} {
		if q := lvsQuestion(&c); q != (lvsAsks{}) {
			t.Errorf("%s: %+v", name, q)
		}
	}
}

const everything = `
cluster {
  prefer   = ["r1"]
  failback = true
  timeouts {
    tcp = "15m"
  }
}
vip "gateway" {
  address = "10.0.0.254/24"
}
vip "marked" {
  address   = "192.0.2.20/24"
  interface = "lan"
}
virtual "web" {
  address = "192.0.2.10"
  port    = 80
  persistent {
    timeout = "5m"
    netmask = "/24"
  }
  check "http" {
    path   = "/alive"
    status = "200-299"
  }
  server "a" {
    address = "10.0.0.1"
    weight  = 0
  }
  server "b" {
    address = "10.0.0.2:8080"
    forward = "nat"
  }
}
virtual "plain" {
  address   = "192.0.2.10"
  port      = 443
  scheduler = "mh"
  flags     = ["fallback", "port"]
  server "a" {
    address = "10.0.0.1"
  }
}
virtual "dns" {
  address = "192.0.2.11"
  port    = 53
  protocol = "udp"
  scheduler = "rr"
  flags   = ["ops"]
  server "a" {
    address = "10.0.0.3"
  }
}
virtual "marked" {
  fwmark = 7
  check "tcp" {
    port = 80
  }
  server "a" {
    address = "10.0.0.1"
  }
}
virtual "marked6" {
  fwmark = 7
  family = "ipv6"
  persistent {
    timeout = "1m"
    netmask = "/64"
  }
  server "a" {
    address = "2001:db8::1"
  }
}
virtual "six" {
  address = "2001:db8::10"
  port    = 443
  forward = "tun"
  server "a" {
    address = "2001:db8::1"
  }
}
virtual "wrapped" {
  address = "192.0.2.13"
  port    = 80
  forward = "tun"
  tunnel {
    type     = "gue"
    checksum = "csum"
  }
  server "a" {
    address = "10.0.0.1"
  }
  server "b" {
    address = "10.0.0.2"
    upper   = 100
    lower   = 50
    tunnel {
      type = "gre"
    }
  }
  server "c" {
    address = "2001:db8::1"
    tunnel {
      type = "ipip"
    }
  }
}
virtual "calls" {
  address   = "192.0.2.13"
  port      = 5060
  protocol  = "udp"
  scheduler = "sh"
  flags     = ["sh-port", "flag-3", "ops"]
  persistent {
    timeout = "1m"
    engine  = "sip"
  }
  server "a" {
    address = "10.0.0.1"
  }
}
virtual "signalling" {
  address  = "192.0.2.13"
  port     = 3868
  protocol = "sctp"
  forward  = "local"
  server "self" {
    address = "127.0.0.1"
  }
}
virtual "ftp" {
  address = "192.0.2.12"
  port    = 0
  persistent {
    timeout = "5m"
  }
  server "a" {
    address = "10.0.0.1"
  }
}
`

// Programs that came from an lvs.cf go back into one as they were, and so does what a check sends in its headers.
func TestProgramsThereAndBack(t *testing.T) {
	const text = `active_cmd = "/usr/local/sbin/up -v"
inactive_cmd = /usr/local/sbin/down
network = direct
virtual web {
     active = 1
     address = 192.0.2.10 eth0:1
     send = "HEAD /x HTTP/1.0\r\nHost: h\r\nUser-Agent: nanny\r\n\r\n"
     expect = "HTTP"
}
virtual calls {
     active = 1
     address = 192.0.2.11 eth0:1
     port = 5060
     protocol = udp
     send_program = "/usr/local/bin/ask %h"
     expect = "OK"
}
`
	first, err := LVSCF(File{Name: "lvs.cf", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := ToLVSCF(first.Document)
	second, err := LVSCF(File{Name: "lvs.cf", Text: again})
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Document.Notifies) != 2 || first.Document.Virtuals[0].Check.Kind != config.CheckScript || len(first.Document.Virtuals[1].Check.Headers) != 1 {
		t.Errorf("imported\n%s", config.Format(first.Document))
	}
	if diff := config.Diff(first.Document, second.Document); len(diff) > 0 {
		t.Errorf("%s\n%s", strings.Join(diff.Lines(), "\n"), again)
	}
}

// What is not active goes to Piranha and comes back as it is.
func TestInactiveThereAndBack(t *testing.T) {
	doc, err := config.Load(config.File{Name: "a", Text: []byte("virtual \"web\" {\n  active = false\n  address = \"192.0.2.10\"\n  interface = \"eth0\"\n  port = 80\n  server \"a\" {\n    address = \"10.0.0.1\"\n  }\n}\n")})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := ToLVSCF(doc)
	r, err := LVSCF(File{Name: "lvs.cf", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if list := r.Document.Virtuals; len(list) != 1 || !list[0].Inactive || list[0].Interface != "eth0" || len(list[0].Servers) != 1 || len(r.Document.VIPs) != 0 {
		t.Errorf("of\n%s\ncame back\n%s", text, r.HCL())
	}
}
