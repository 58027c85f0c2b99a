package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const settingsHCL = `cluster {
  sysctls = {
    "net.ipv4.vs.conn_reuse_mode" = "0"
    "net.ipv4.vs.sync_threshold"  = "3 50"
    "net.ipv4.conf.*.rp_filter"   = "keep"
  }
}
`

// TestSysctlsRoundTrip: text, JSON and the canonical form say the same, and a document without them is as it was.
func TestSysctlsRoundTrip(t *testing.T) {
	want := map[string]string{"net.ipv4.vs.conn_reuse_mode": "0", "net.ipv4.vs.sync_threshold": "3 50", "net.ipv4.conf.*.rp_filter": Keep}
	d, err := Load(File{"edge.hcl", []byte(settingsHCL)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.Cluster.Sysctls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := Canonical(d)
	if err != nil || !strings.Contains(string(text), `"sysctls":{"net.ipv4.conf.*.rp_filter":"keep","net.ipv4.vs.conn_reuse_mode":"0","net.ipv4.vs.sync_threshold":"3 50"}`) {
		t.Errorf("%s, %v", text, err)
	}
	for name, f := range map[string]File{"json": {"d.json", text}, "hcl": {"d.hcl", Format(d)}} {
		got, err := Load(f)
		if err != nil || !got.Equal(d) {
			t.Errorf("by %s: %v %v\n%s", name, got.Cluster, err, f.Text)
		}
	}
	back, err := FromCanonical(text)
	if err != nil || !back.Equal(d) {
		t.Errorf("%v, %v", back.Cluster, err)
	}
	shared := d.Clone()
	shared.Cluster.Sysctls["net.ipv4.vs.conn_reuse_mode"] = "1"
	if d.Cluster.Sysctls["net.ipv4.vs.conn_reuse_mode"] != "0" {
		t.Error("a clone shares its settings")
	}
	if got := Diff(Document{}, d).String(); !strings.HasPrefix(got, `~ cluster  sysctls  none -> net.ipv4.conf.*.rp_filter = keep, net.ipv4.vs.conn_reuse_mode = 0, net.ipv4.vs.sync_threshold = 3 50`+"\n") {
		t.Errorf("the difference: %s", got)
	}
	plain, err := Canonical(Complete(Document{}))
	if err != nil || strings.Contains(string(plain), "sysctls") {
		t.Errorf("without them: %s, %v", plain, err)
	}
}

// TestSysctlsRefused: what is not for a document to give is refused with its place, everything at once.
func TestSysctlsRefused(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{`"net.ipv4.vs.conn_reuse_mod" = "1"`, `edge.hcl:3,34: kernel setting "net.ipv4.vs.conn_reuse_mod" is not one that a document may give (What else a router needs is set on it, as in /etc/sysctl.d) (Did you mean "net.ipv4.vs.conn_reuse_mode"?)`},
		{`"net.ipv4.vs.conn_reuse_mode" = "4"`, `edge.hcl:3,35: net.ipv4.vs.conn_reuse_mode = "4" is neither a number from 0 to 3 nor "keep" ("keep" leaves it as each router has it)`},
		{`"net.ipv4.vs.conn_reuse_mode" = "01"`, `edge.hcl:3,35: net.ipv4.vs.conn_reuse_mode = "01" is neither`},
		{`"net.ipv4.vs.sync_threshold" = "50 3"`, `edge.hcl:3,34: net.ipv4.vs.sync_threshold = "50 3" is neither two numbers, such as "3 50" nor "keep"`},
		{`"net.ipv4.vs.sync_threshold" = "3"`, `edge.hcl:3,34: net.ipv4.vs.sync_threshold = "3" is neither two`},
		{`"net.ipv4.vs.sync_ports" = "3"`, `edge.hcl:3,30: net.ipv4.vs.sync_ports = "3" is neither a power of two from 1 to 64 nor "keep"`},
		{`"net.ipv4.vs.est_nice" = "-21"`, `edge.hcl:3,28: net.ipv4.vs.est_nice = "-21" is neither a number from -20 to 19`},
		{`"net.ipv4.vs.backup_only" = "1"`, `edge.hcl:3,31: net.ipv4.vs.backup_only is not for a document to give (It follows from a router's role) (Remove it)`},
		{`"net.ipv4.ip_forward" = "0"`, `edge.hcl:3,27: net.ipv4.ip_forward = "0" is neither 1 nor "keep"`},
		{`"net.ipv4.conf.eth0.rp_filter" = "0"`, `edge.hcl:3,36: kernel setting "net.ipv4.conf.eth0.rp_filter" is not one`},
		{`"kernel.core_pattern" = "|/bin/sh"`, `edge.hcl:3,27: kernel setting "kernel.core_pattern" is not one`},
		{`"net.ipv4.vs.conn_reuse_mode" = 1`, `edge.hcl:3,35: text is wanted here, not a number (Write it in quotes: "1")`},
	} {
		_, err := Load(File{"edge.hcl", []byte("cluster {\n  sysctls = {\n  " + tt.line + "\n  }\n}\n")})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", tt.line, err, tt.want)
		}
	}
}

// TestSysctlsEdited from the command line.
func TestSysctlsEdited(t *testing.T) {
	got, err := Rewrite([]byte("cluster {\n}\n"), Edit{Verb: Set, Kind: KindCluster, Values: []string{"sysctls=net.ipv4.vs.conn_reuse_mode=0, net.ipv4.vs.drop_entry=1"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "cluster {\n  sysctls = { \"net.ipv4.vs.conn_reuse_mode\" = \"0\", \"net.ipv4.vs.drop_entry\" = \"1\" }\n}\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if d, err := Load(File{"x.hcl", got}); err != nil || d.Cluster.Sysctls["net.ipv4.vs.drop_entry"] != "1" {
		t.Errorf("%v, %v", d.Cluster, err)
	}
	if got, err = Rewrite(got, Edit{Verb: Set, Kind: KindCluster, Values: []string{"sysctls="}}); err != nil || string(got) != "cluster {\n}\n" {
		t.Errorf("taken out: %v\n%s", err, got)
	}
}

// TestSysctlsDocumented: the page names what is taken.
func TestSysctlsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/document.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, name := range SysctlNames() {
		if short := name[strings.LastIndex(name, ".")+1:]; !strings.Contains(page, name) && !strings.Contains(page, short) {
			t.Errorf("docs/document.md does not have %s", name)
		}
	}
}
