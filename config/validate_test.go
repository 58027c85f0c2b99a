package config

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestValidateWithoutText: the same rules, for a document that came as JSON, name paths.
func TestValidateWithoutText(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(*Document)
		want   string
	}{
		{"nothing", func(*Document) {}, ""},
		{"scheduler", func(d *Document) { d.Virtuals[1].Scheduler = "wlcc" },
			`virtual "web" scheduler: unknown scheduler "wlcc" (It is one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf or twos) (Did you mean "wlc"?)`},
		{"server", func(d *Document) { d.Virtuals[1].Servers[0].Address = netip.AddrPort{} },
			`virtual "web" server "a" address: a server needs an address (Add address = "10.0.0.11", with a port if it is not the virtual's: "10.0.0.11:8080")`},
		{"server without a port", func(d *Document) { d.Virtuals[1].Servers[0].Address = netip.MustParseAddrPort("10.0.0.11:0") },
			`virtual "web" server "a" address: the server has no port`},
		{"two of a name", func(d *Document) {
			v := d.Virtuals[0].Clone()
			v.FWMark = 8
			d.Virtuals = append(d.Virtuals, v)
		}, `virtual "mail": virtual "mail" is there twice (Rename one of them)`},
		{"two vips of a name", func(d *Document) {
			d.VIPs = append(d.VIPs, VIP{Name: "inside", Address: netip.MustParsePrefix("10.0.0.2/24"), Group: "default"})
		}, `vip "inside": vip "inside" is there twice (Rename one of them)`},
		{"two servers of a name", func(d *Document) { d.Virtuals[1].Servers[1].Name = "a" },
			`virtual "web" server "a": server "a" is there twice in virtual "web" (Rename one of them)`},
		{"standby", func(d *Document) { d.Cluster.Standby = "" }, `cluster standby: unknown standby mode "" (It is one of warm or cold)`},
		{"family", func(d *Document) { d.Virtuals[0].Family = "ipx" }, `virtual "mail" family: unknown family "ipx" (It is one of ipv4 or ipv6)`},
		{"status", func(d *Document) { d.Virtuals[1].Check.Status = nil },
			`virtual "web" check status: an http check needs the status codes that count as up (Add status = "200-299")`},
		{"negative timeout", func(d *Document) { d.Cluster.Timeouts.UDP = -1e9 }, `cluster timeouts udp: -1s is not between 1s and 596h31m23s`},
		{"port 0 beside others", func(d *Document) { d.Virtuals[1].Ports = []uint16{0, 80} },
			"virtual \"web\" ports: port 0, which means every port, stands beside others\n" +
				`virtual "web" server "b" address: forward "tun" cannot change the port (80) (With dr, tun and local the packet reaches the server as the client sent it) (Leave the port out, or use forward = "nat")`},
		{"two things", func(d *Document) { d.Virtuals[0].Forward, d.Virtuals[1].Servers[1].Weight = "x", -1 },
			"virtual \"mail\" forward: unknown forwarding method \"x\" (It is one of nat, dr, tun or local)\n" +
				`virtual "web" server "b" weight: weight -1 is not between 0 and 65535`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := fullDocument()
			tt.damage(&d)
			got := ""
			if err := d.Validate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnsupported(t *testing.T) {
	d := fullDocument()
	d.VIPs[0].Group = "blue"
	v := &d.Virtuals[1]
	v.MinServers = 2
	err := d.Unsupported()
	if err == nil {
		t.Fatal("everything is supported, it says")
	}
	golden(t, "unsupported.txt", []byte(err.Error()+"\n"))
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !strings.Contains(line, "not supported yet") {
			t.Errorf("%q does not say so", line)
		}
	}
	if err := (Document{}).Unsupported(); err != nil {
		t.Errorf("a cluster's first document: %v", err)
	}
	if err := mustParse(t, "after.hcl").Unsupported(); err != nil {
		t.Errorf("a document of this release: %v", err)
	}
}

// TestLoadIsParseAndSupported: Load takes exactly what Parse takes and Unsupported passes.
func TestLoadIsParseAndSupported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		got, err := Load(File{"d.hcl", Format(d)})
		if (err == nil) != (d.Unsupported() == nil) {
			t.Fatalf("Load: %v\nUnsupported: %v", err, d.Unsupported())
		}
		if err == nil && !got.Equal(d) {
			t.Fatal(cmp.Diff(d, got, cmpNet))
		}
		var problems Errors
		if errors.As(err, &problems) {
			for _, p := range problems {
				if p.Line == 0 || p.Source == "" {
					t.Fatalf("no place: %+v", p)
				}
			}
		}
	})
}

// TestEveryMistakeAtOnce: all files, syntax and meaning and what is not supported, in the order of the text.
func TestEveryMistakeAtOnce(t *testing.T) {
	_, err := Load(
		File{"z.hcl", []byte("cluster {\n  sync_daemon {\n    interface = \"x\"\n    id = 256\n  }\n  standby = \"hot\"\n}\nvip \"a\" {\n  address = 5\n}\n")},
		File{"a.hcl", []byte("virtual \"web\" {\n  address = \"192.0.2.10\"\n  server \"a\" { weight = 1, address = \"10.0.0.1\" }\n}\n")},
	)
	var problems Errors
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, strings.SplitN(p.String(), " (", 2)[0])
	}
	want := []string{
		"z.hcl:4,10: id 256 is not between 0 and 255",
		`z.hcl:6,13: unknown standby mode "hot"`,
		"z.hcl:9,13: text is wanted here, not a number",
		"a.hcl:1,1: a virtual needs a port",
		"a.hcl:3,26: a block on one line holds one attribute only", // and no "a server needs an address"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderOfOddLines(t *testing.T) {
	long := `virtual "web" { # ` + strings.Repeat("x", 300) + "\n\t\tport = \"8\x1b[2J0\"\r\n\taddress = [\"" + strings.Repeat("y", 300) + "\", z]\n}\n"
	_, err := Parse(File{"odd.hcl", []byte(long)}, File{"odd.hcl", nil})
	var problems Errors
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := problems.Render(&b, Plain); err != nil {
		t.Fatal(err)
	}
	golden(t, "odd.txt", b.Bytes())
}

func TestRenderWithoutText(t *testing.T) {
	problems := Errors{
		{Path: `virtual "web" port`, What: "a virtual needs a port"},
		{File: "a.hcl", What: "the text is not UTF-8"},
		{What: "nothing more is known", Why: "Why.", Fix: "Fix."},
	}
	var b bytes.Buffer
	if err := problems.Render(&b, Plain); err != nil {
		t.Fatal(err)
	}
	want := `Error: virtual "web" port: a virtual needs a port

Error: a.hcl: the text is not UTF-8

Error: nothing more is known
  Why.
  Fix.

3 errors
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for style, want := range map[Style]string{Plain: "plain", Color: "color", 7: "style 7"} {
		if got := style.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestNearest: what is near enough to be suggested, and what is not.
func TestNearest(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"wlcc", "wlc"}, {"WLC", "wlc"}, {"wcl", "wlc"}, {"r", "rr"}, {"maglev", "mh"}, {"leastconn", "lc"}, {"xyz", ""},
		{strings.Repeat("w", 100), ""}, {"", ""},
	} {
		if got := nearest(tt.word, Schedulers()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.hcl", "a.hcl", "readme.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "c.hcl"), 0o700); err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		files, err := ReadFiles(path)
		if err != nil {
			return strings.ReplaceAll(err.Error(), dir, "DIR")
		}
		var names []string
		for _, f := range files {
			names = append(names, strings.ReplaceAll(f.Name, dir, "DIR")+"="+string(f.Text))
		}
		return strings.Join(names, " ")
	}
	for _, tt := range []struct{ name, path, want string }{
		{"folder", dir, "DIR/a.hcl=a.hcl DIR/b.hcl=b.hcl"},
		{"file of any name", filepath.Join(dir, "readme.md"), "DIR/readme.md=readme.md"},
		{"empty folder", filepath.Join(dir, "c.hcl"), "folder DIR/c.hcl: no file ends in .hcl or .json"},
		{"nothing there", filepath.Join(dir, "x"), "stat DIR/x: no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(tt.path); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
