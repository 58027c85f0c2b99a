package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const writtenText = `cluster {
  prefer = ["r2", "r1"]
  sysctls = { "net.ipv4.vs.conn_reuse_mode" = "1", "net.ipv4.ip_forward" = "keep" }
  timeouts { tcp = "1h" }
}

virtual "web" {
  address = "192.0.2.10" # the office
  ports   = [80, 443, "8000-8100"]
  persistent {}
  check "https" {
    port    = 443
    headers = { "X-A" = "b=c" }
    path    = "/${"x"}"
  }
  server "a" { address = "10.1.0.1" }
  sorry_server "spare" { address = "10.1.0.9" }
}

notify "ops" {
  command = ["/bin/tell", "a, b", "[x]"]
}

router_check "odd" {
  command = ["/bin/odd", "two\nlines", " spaced"]
}
`

func TestWritten(t *testing.T) {
	d, err := Parse(File{Text: []byte(writtenText)})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind Kind
		name string
		want map[string]string
	}{
		{KindCluster, "", map[string]string{"prefer": "r2\nr1", "sysctls": "net.ipv4.ip_forward = keep\nnet.ipv4.vs.conn_reuse_mode = 1", "timeouts": "", "timeouts.tcp": "1h"}},
		{KindVirtual, "web", map[string]string{
			"address": "192.0.2.10", "ports": "80\n443\n8000-8100", "persistent": "", "check": "https", "check.headers": "X-A = b=c", "check.path": "/x", "check.port": "443",
			"sorry_server.spare": "", "sorry_server.spare.address": "10.1.0.9",
		}},
		{KindServer, "web/a", map[string]string{"address": "10.1.0.1"}},
		{KindNotify, "ops", map[string]string{"command": "/bin/tell\na, b\n[x]"}},
		{KindRouterCheck, "odd", map[string]string{"command": `["/bin/odd", "two\nlines", " spaced"]`}},
	} {
		got, err := Written([]byte(writtenText), d, test.kind, test.name)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s %s: %v\n%s", test.kind, test.name, err, diff)
		}
	}
	if _, err := Written([]byte(writtenText), d, KindVIP, "gw"); !errors.Is(err, ErrNotThere) {
		t.Errorf("a vip that is not there: %v", err)
	}
}

// Whatever a part says, all of it can be taken out and written anew by its fields, and means the same.
func TestAssignWritesWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		d.Virtuals = nil // each edit reads all of the text
		for i := range d.Notifies {
			d.Notifies[i].Virtuals = nil
		}
		text := Format(d)
		rewrite := func(kind Kind, name string) {
			said, err := Written(text, d, kind, name)
			if err != nil {
				t.Fatal(err)
			}
			var out, in []string
			for _, path := range slices.Sorted(maps.Keys(said)) {
				topic, err := Explain(strings.Join(Edit{Kind: kind}.steps(), ".") + "." + path)
				if err != nil {
					t.Fatal(err)
				}
				if topic.Form == "" {
					continue
				}
				if Assign(path, topic.Form, said[path], said[path]) != nil {
					t.Fatalf("%s: it is the same, and is assigned", path)
				}
				out = append(out, Assign(path, topic.Form, said[path], "")...)
				in = append(in, Assign(path, topic.Form, "", said[path])...)
			}
			if text, err = Rewrite(text, Edit{Set, kind, name, append(out, in...)}); err != nil {
				t.Fatalf("%v\n%q\n%s", err, append(out, in...), text)
			}
		}
		parts := []Edit{{Kind: KindCluster}}
		for _, v := range d.VIPs {
			parts = append(parts, Edit{Kind: KindVIP, Name: v.Name})
		}
		for _, n := range d.Notifies {
			parts = append(parts, Edit{Kind: KindNotify, Name: n.Name})
		}
		for _, c := range d.RouterChecks {
			parts = append(parts, Edit{Kind: KindRouterCheck, Name: c.Name})
		}
		part := rapid.SampledFrom(parts).Draw(t, "part")
		rewrite(part.Kind, part.Name)
		got, err := Parse(File{"edited.hcl", text})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !got.Equal(d) {
			t.Fatalf("%s\n%s", cmp.Diff(d, got, cmpNet), text)
		}
	})
}

// What is offered as all that there is, is all, and is right.
func TestTopicWords(t *testing.T) {
	var got []string
	var walk func(Topic, string)
	walk = func(topic Topic, in string) {
		if words := topic.Words(); words != nil {
			got = append(got, fmt.Sprintf("%s%s: %s", in, topic.Name, strings.Join(words, " ")))
		}
		if topic.Name != "" {
			in += topic.Name + "."
		}
		for _, x := range topic.Topics {
			if x.Name != "check" || in != "virtual.check." {
				walk(x, in)
			}
		}
	}
	for _, topic := range Manual().Topics {
		topic.Topics = slices.DeleteFunc(topic.Topics, func(x Topic) bool { return x.Name == "server" || x.Name == "sorry_server" })
		walk(topic, "")
	}
	want := []string{
		"cluster.standby: warm cold",
		"virtual.protocol: tcp udp sctp",
		"virtual.family: ipv4 ipv6",
		"virtual.scheduler: " + strings.Join(Schedulers(), " "),
		"virtual.forward: nat dr tun local",
		"virtual.tunnel.type: ipip gue gre",
		"virtual.tunnel.checksum: none csum remcsum",
		"virtual.on_failure: remove quiesce",
		"virtual.slow_curve: linear doubling",
		"virtual.probe: everywhere director",
		"virtual.persistent.engine: sip",
		"virtual.check.version: 1.1 2",
		"virtual.check.type: A AAAA CNAME MX NS PTR SOA SRV TXT",
		"virtual.check.through: virtual",
		"virtual.check.initial: up down",
		"notify.events: active inactive server_up server_down virtual_up virtual_down revision router_lost router_back conflict",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
