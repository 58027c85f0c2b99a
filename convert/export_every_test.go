package convert

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"polso/config"
)

// attributes are the lines of the blocks of a document, by block and then by attribute.
type attributes map[string]map[string]string

// plain is a document that says little in each kind of block.
func plain() attributes {
	return attributes{
		"cluster":              {},
		"cluster timeouts":     {"tcp": `"10m"`},
		"cluster sync_daemon":  {"interface": `"lan"`},
		"vip":                  {"address": `"10.0.0.254/24"`},
		"virtual":              {"address": `"192.0.2.10"`, "port": "80", "forward": `"tun"`},
		"virtual tunnel":       {"type": `"gue"`},
		"virtual persistent":   {"timeout": `"1m"`},
		"virtual check":        {"every": `"10s"`, "timeout": `"10s"`, "rise": "3", "fall": "1"},
		"virtual server":       {"address": `"10.0.0.1"`},
		"virtual sorry_server": {"address": `"10.0.0.9"`},
		"notify":               {"events": `["active"]`, "command": `["/bin/up"]`},
		"router_check":         {"ping": `"10.0.0.253"`},
	}
}

// text is the document, with a check of that kind.
func (a attributes) text(kind string) string {
	var b strings.Builder
	lines := func(block string) {
		for _, name := range slices.Sorted(maps.Keys(a[block])) {
			if value := a[block][name]; value != "" {
				fmt.Fprintf(&b, "%s = %s\n", name, value)
			}
		}
	}
	open := func(block string) {
		words := strings.Fields(block)
		label := map[string]string{"vip": ` "x"`, "virtual": ` "x"`, "server": ` "x"`, "sorry_server": ` "x"`, "notify": ` "x"`, "router_check": ` "x"`, "check": fmt.Sprintf(" %q", kind)}[words[len(words)-1]]
		fmt.Fprintf(&b, "%s%s {\n", words[len(words)-1], label)
		lines(block)
	}
	for _, outer := range []string{"cluster", "vip", "virtual", "notify", "router_check"} {
		open(outer)
		for _, inner := range slices.Sorted(maps.Keys(a)) {
			if !strings.HasPrefix(inner, outer+" ") || strings.Count(inner, " ") > 1 || inner == "virtual check" && kind == "" {
				continue
			}
			open(inner)
			for _, deep := range slices.Sorted(maps.Keys(a)) {
				if strings.HasPrefix(deep, inner+" ") {
					open(deep)
					b.WriteString("}\n")
				}
			}
			if kind == "some" && inner == "virtual check" {
				b.WriteString("check \"tcp\" {\n}\ncheck \"icmp\" {\n}\n")
			}
			b.WriteString("}\n")
		}
		if outer == "virtual" { // another one, for min_servers and the like
			b.WriteString("server \"y\" {\naddress = \"10.0.0.2\"\n}\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// change is another value of an attribute, and what both documents need for it.
type change struct {
	value string            // "" takes the default away
	kind  string            // of the check
	both  map[string]string // "BLOCK ATTRIBUTE", of both documents; "" removes
	with  map[string]string // of the changed one alone
}

// changes has one for each attribute that a document can have.
func changes() map[string]change {
	nat := map[string]string{"virtual forward": `"nat"`, "virtual tunnel type": ""}
	udp := map[string]string{"virtual protocol": `"udp"`}
	tls := map[string]string{"virtual check tls": "true"}
	script := map[string]string{"virtual check command": `["/bin/a", "%h"]`, "virtual check expect": `"OK"`}
	sh := map[string]string{"virtual scheduler": `"sh"`}
	flaps := map[string]string{"virtual check flaps": "3"}
	return map[string]change{
		"cluster standby": {value: `"cold"`, both: map[string]string{"cluster sync_daemon interface": ""}}, "cluster prefer": {value: `["r1"]`},
		"cluster failback": {value: "true"}, "cluster sysctls": {value: `{ "net.ipv4.vs.drop_entry" = "1" }`},
		"cluster timeouts tcp": {value: `"20m"`}, "cluster timeouts tcp_fin": {value: `"1m"`}, "cluster timeouts udp": {value: `"1m"`},
		"cluster sync_daemon interface": {value: `"other"`}, "cluster sync_daemon id": {value: "7"}, "cluster sync_daemon group": {value: `"224.0.0.99"`},
		"cluster sync_daemon port": {value: "9000"}, "cluster sync_daemon ttl": {value: "2"}, "cluster sync_daemon maxlen": {value: "9000"},
		"vip address": {value: `"10.0.0.253/24"`}, "vip interface": {value: `"lan"`}, "vip group": {}, // not supported yet
		"virtual active": {value: "false"}, "virtual address": {value: `"192.0.2.11"`}, "virtual interface": {value: `"lan"`}, "virtual port": {value: "81"},
		"virtual ports": {value: "[80, 81]", with: map[string]string{"virtual port": ""}}, "virtual protocol": {value: `"udp"`},
		"virtual fwmark":    {value: "7", both: map[string]string{"virtual check port": "80"}, kind: "tcp", with: map[string]string{"virtual address": "", "virtual port": ""}},
		"virtual family":    {value: `"ipv6"`, both: map[string]string{"virtual fwmark": "7", "virtual address": "", "virtual port": "", "virtual tunnel type": "", "cluster sync_daemon interface": ""}},
		"virtual scheduler": {value: `"rr"`}, "virtual flags": {value: `["fallback"]`, both: sh}, "virtual forward": {value: `"dr"`, both: map[string]string{"virtual tunnel type": ""}},
		"virtual masquerade": {value: "true", both: nat}, "virtual tunnel type": {value: `"gre"`}, "virtual tunnel port": {value: "7000"}, "virtual tunnel checksum": {value: `"csum"`},
		"virtual on_failure": {value: `"quiesce"`}, "virtual min_servers": {value: "2"}, "virtual hysteresis": {value: "1"}, "virtual panic": {value: "20"},
		"virtual slow_start": {value: `"20s"`, both: map[string]string{"virtual server weight": "100"}},
		"virtual slow_curve": {value: `"doubling"`, both: map[string]string{"virtual server weight": "100", "virtual slow_start": `"20s"`}},
		"virtual probe":      {value: `"director"`}, "virtual votes": {value: "2"},
		"virtual persistent timeout": {value: `"2m"`}, "virtual persistent netmask": {value: `"/24"`}, "virtual persistent engine": {value: `"sip"`, both: udp},
		"virtual server address": {value: `"10.0.0.3"`}, "virtual server weight": {value: "7"}, "virtual server forward": {value: `"dr"`, both: map[string]string{"virtual tunnel type": ""}},
		"virtual server upper": {value: "10"}, "virtual server lower": {value: "5", both: map[string]string{"virtual server upper": "10"}},
		"virtual server tunnel type": {value: `"gre"`}, "virtual server tunnel port": {value: "7000"}, "virtual server tunnel checksum": {value: `"csum"`},
		"virtual sorry_server":         {value: `"10.0.0.8"`, with: map[string]string{"virtual sorry_server address": ""}},
		"virtual sorry_server address": {value: `"10.0.0.8"`}, "virtual sorry_server weight": {value: "7"},
		"virtual sorry_server forward":     {value: `"dr"`, both: map[string]string{"virtual tunnel type": ""}},
		"virtual sorry_server tunnel type": {value: `"gre"`}, "virtual sorry_server tunnel port": {value: "7000"}, "virtual sorry_server tunnel checksum": {value: `"csum"`},
		"notify events": {value: `["inactive"]`}, "notify virtuals": {value: `["x"]`}, "notify command": {value: `["/bin/other"]`}, "notify user": {value: `"root"`},
		"notify webhook":     {value: `"http://x.example.org/"`, with: map[string]string{"notify command": ""}},
		"notify secret_file": {value: `"/etc/secret"`, both: map[string]string{"notify command": "", "notify webhook": `"http://x.example.org/"`}},
		"notify mail":        {value: `["a@example.org"]`, with: map[string]string{"notify command": "", "notify from": `"b@example.org"`}},
		"notify from":        {value: `"c@example.org"`, both: map[string]string{"notify command": "", "notify mail": `["a@example.org"]`, "notify from": `"b@example.org"`}},
		"notify smtp":        {value: `"mx.example.org"`, both: map[string]string{"notify command": "", "notify mail": `["a@example.org"]`, "notify from": `"b@example.org"`}},
		"notify timeout":     {value: `"20s"`}, "notify limit": {value: "7"},
		"router_check command": {value: `["/bin/fit"]`, with: map[string]string{"router_check ping": ""}}, "router_check ping": {value: `"10.0.0.252"`},
		"router_check user":      {value: `"root"`, both: map[string]string{"router_check ping": "", "router_check command": `["/bin/fit"]`}},
		"router_check file":      {value: `"/run/fit"`, with: map[string]string{"router_check ping": ""}},
		"router_check contains":  {value: `"yes"`, both: map[string]string{"router_check ping": "", "router_check file": `"/run/fit"`}},
		"router_check absent":    {value: "true", both: map[string]string{"router_check ping": "", "router_check file": `"/run/fit"`}},
		"router_check interface": {value: `"lan"`, with: map[string]string{"router_check ping": ""}}, "router_check every": {value: `"5s"`}, "router_check timeout": {value: `"500ms"`},
		"router_check rise": {value: "7"}, "router_check fall": {value: "7"}, "router_check penalty": {value: "7"}, "router_check routers": {value: `["r1"]`},
		"virtual check every": {value: `"20s"`, kind: "tcp"}, "virtual check timeout": {value: `"5s"`, kind: "tcp"}, "virtual check rise": {value: "7", kind: "tcp"},
		"virtual check fall": {value: "7", kind: "tcp"}, "virtual check fast": {value: `"10s"`, kind: "tcp", both: map[string]string{"virtual check every": `"20s"`}},
		"virtual check initial": {value: `"down"`, kind: "tcp"}, "virtual check flaps": {value: "3", kind: "tcp"}, "virtual check flap_window": {value: `"7m"`, kind: "tcp", both: flaps},
		"virtual check flap_hold": {value: `"7m"`, kind: "tcp", both: flaps}, "virtual check port": {value: "81", kind: "tcp"}, "virtual check through": {}, // not supported yet
		"virtual check path": {value: `"/x"`, kind: "http"}, "virtual check host": {value: `"x"`, kind: "http"}, "virtual check status": {value: `"204"`, kind: "http"},
		"virtual check method": {value: `"HEAD"`, kind: "http"}, "virtual check headers": {value: `{ A = "b" }`, kind: "http"}, "virtual check version": {value: `"2"`, kind: "http"},
		"virtual check redirects": {value: "3", kind: "http"}, "virtual check contains": {value: `"x"`, kind: "http"}, "virtual check matches": {value: `"x"`, kind: "http"},
		"virtual check json": {value: `"status == 200"`, kind: "http"}, "virtual check tls": {value: "true", kind: "http"}, "virtual check verify": {value: "false", kind: "http", both: tls},
		"virtual check ca": {value: `"/etc/ca.pem"`, kind: "http", both: tls}, "virtual check server_name": {value: `"x"`, kind: "http", both: tls},
		"virtual check client_cert": {value: `"/etc/c.pem"`, kind: "http", both: tls, with: map[string]string{"virtual check client_key": `"/etc/k.pem"`}},
		"virtual check client_key":  {value: `"/etc/j.pem"`, kind: "http", both: map[string]string{"virtual check tls": "true", "virtual check client_cert": `"/etc/c.pem"`, "virtual check client_key": `"/etc/k.pem"`}},
		"virtual check expiry_warn": {value: `"24h"`, kind: "http", both: tls},
		"virtual check send":        {value: `"x"`, kind: "send"}, "virtual check expect": {value: `"x"`, kind: "send"}, "virtual check user": {value: `"daemon"`, kind: "script", both: script},
		"virtual check service": {value: `"x"`, kind: "grpc"}, "virtual check query": {value: `"y.example.org"`, kind: "dns", both: map[string]string{"virtual check query": `"x.example.org"`}},
		"virtual check type":    {value: `"TXT"`, kind: "dns", both: map[string]string{"virtual check query": `"x.example.org"`}},
		"virtual check answer":  {value: `"192.0.2.1"`, kind: "dns", both: map[string]string{"virtual check query": `"x.example.org"`}},
		"virtual check command": {value: `["/bin/b", "%h"]`, kind: "script", both: script}, "virtual check need": {value: "2", kind: "some", both: map[string]string{"virtual check need": "1"}},
	}
}

// Whatever an attribute of the document says, each format says it too, or has a note that is another one without it: nothing is dropped
// in silence. An attribute that is new fails here until it has a line above.
func TestExportNamesEveryAttribute(t *testing.T) {
	exports := map[string]func(config.Document) string{
		"hcl": func(d config.Document) string { return string(config.Format(d)) },
		"json": func(d config.Document) string {
			text, err := config.Canonical(d)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		},
	}
	for name, export := range map[string]func(config.Document) ([]byte, []Note){"lvs.cf": ToLVSCF, "ipvsadm": ToIPVSAdm} {
		exports[name] = func(d config.Document) string {
			text, notes := export(d)
			var report bytes.Buffer
			if err := Report(&report, notes); err != nil {
				t.Fatal(err)
			}
			return string(text) + report.String()
		}
	}
	samples := changes()
	known := make(map[string]bool)
	var walk func(topic config.Topic, at string)
	walk = func(topic config.Topic, at string) {
		path := strings.TrimSpace(at + " " + topic.Name)
		own := strings.Replace(strings.Replace(path, "virtual server check", "virtual check", 1), "virtual sorry_server check", "virtual check", 1)
		own = strings.Replace(own, "virtual check check", "virtual check", 1) // a check in a server or in another one has the same attributes
		for _, inner := range topic.Topics {
			walk(inner, path)
		}
		if topic.Form == "" || known[own] {
			return
		}
		known[own] = true
		c, ok := samples[own]
		if !ok {
			t.Errorf("%s: the exporters have to know it, and this test another value of it", own)
			return
		}
		if c.value == "" {
			return
		}
		t.Run(own, func(t *testing.T) { said(t, own, c, exports) })
	}
	walk(config.Manual(), "")
	for name := range samples {
		if !known[name] {
			t.Errorf("%s: there is no such attribute", name)
		}
	}
}

// said compares what becomes of a document without and with a change.
func said(t *testing.T, attribute string, c change, exports map[string]func(config.Document) string) {
	document := func(alsos ...map[string]string) config.Document {
		a := plain()
		for _, also := range alsos {
			for path, value := range also {
				i := strings.LastIndexByte(path, ' ')
				if a[path[:i]] == nil {
					a[path[:i]] = make(map[string]string)
				}
				a[path[:i]][path[i+1:]] = value
			}
		}
		for name, lines := range a { // a block without a line was taken out
			if !slices.ContainsFunc(slices.Collect(maps.Values(lines)), func(v string) bool { return v != "" }) && name != "cluster" {
				delete(a, name)
			}
		}
		text := a.text(c.kind)
		d, err := config.Load(config.File{Name: "f", Text: []byte(text)})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return d
	}
	before, after := document(c.both), document(c.both, c.with, map[string]string{attribute: c.value})
	if len(config.Diff(before, after)) == 0 {
		t.Fatalf("the sample changes nothing")
	}
	for name, export := range exports {
		if export(before) == export(after) {
			t.Errorf("%s neither says it nor names it", name)
		}
	}
}
