package convert

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// written1 is a builder with one virtual that a document takes as it is.
func written1(t *testing.T) (*builder, *virtual) {
	t.Helper()
	b := newBuilder("test", []File{{Name: "a.cf"}})
	v := b.virtual("web", place{"a.cf", 10, "virtual web {"})
	v.Address, v.Ports = netip.MustParseAddr("192.0.2.10"), []uint16{80}
	v.server("a", place{"a.cf", 20, "server a {"}).Address = netip.MustParseAddrPort("10.0.0.1:80")
	return b, v
}

// What a document cannot say, or this release cannot do, goes out with a note at its line; the rest stays.
func TestFinish(t *testing.T) {
	sorry := netip.MustParseAddrPort("10.0.0.9:80")
	for _, test := range []struct {
		name  string
		spoil func(*builder, *virtual)
		want  string // of the notes, without the level "lost"
		left  string // a line of the document that must be there, or with ! must not
	}{
		{"nothing", func(*builder, *virtual) {}, "", `server "a"`},
		{"a sorry server", func(b *builder, v *virtual) {
			v.Sorry = []config.Server{config.SorryServer(sorry)}
			b.at(`virtual "web" sorry_server`, place{"a.cf", 14, "  sorry_server = 10.0.0.9  "})
		}, "", `sorry_server = "10.0.0.9"`},
		{"min_servers", func(_ *builder, v *virtual) {
			v.server("b", place{}).Address = netip.MustParseAddrPort("10.0.0.2:80")
			v.MinServers = 2
		}, "", "min_servers = 2"},
		{"min_servers beyond the servers", func(_ *builder, v *virtual) { v.MinServers = 7 },
			`a.cf:10 virtual "web": min_servers 7 is more than there are servers (1), so min_servers = 7 is left out [virtual web {]`, "!min_servers"},
		{"the sync daemon", func(b *builder, _ *virtual) {
			b.cluster.SyncDaemon = &config.SyncDaemon{Interface: "eth1", ID: 7, MaxLen: 99}
			b.at("cluster sync_daemon", place{"a.cf", 3, "syncdaemon = 1"})
		}, `a.cf:3 cluster: maxlen 99 is not between 1024 and 65507, so sync_daemon (eth1 id 7 maxlen 99) is left out [syncdaemon = 1]`, "!sync_daemon"},
		{"timeouts of the kernel", func(b *builder, _ *virtual) { b.cluster.Timeouts.TCP = time.Millisecond },
			`a.cf:0 cluster: 1ms is not between 1s and 596h31m23s, so timeouts is left out []`, "!timeouts"},
		{"the router itself", func(_ *builder, v *virtual) {
			v.server("b", place{}).Address = netip.MustParseAddrPort("127.0.0.1:80")
			v.servers[1].Forward = config.DR
		}, "", `forward = "local"`},
		{"an engine of tcp", func(_ *builder, v *virtual) { v.Persistent = &config.Persistent{Timeout: time.Minute, Engine: "sip"} },
			`a.cf:10 virtual "web": engine "sip" is for udp only, so engine = "sip" is left out [virtual web {]`, "persistent {"},
		{"another group", func(b *builder, _ *virtual) {
			x := b.vip("gate", place{"a.cf", 5, ""})
			x.Address, x.Group = netip.MustParsePrefix("10.0.0.254/24"), "east"
		}, `a.cf:5 vip "gate": not supported yet: group = "east" []`, `vip "gate"`},
		{"an address twice", func(b *builder, _ *virtual) {
			w := b.virtual("other", place{"a.cf", 30, "virtual other {"})
			w.Address, w.Ports = netip.MustParseAddr("192.0.2.10"), []uint16{80}
		}, `a.cf:30 virtual "other": 192.0.2.10 port 80/tcp is served by virtual "web" too, so virtual "other" is left out [virtual other {]`, `virtual "web"`},
		{"a server twice", func(_ *builder, v *virtual) {
			v.server("Z", place{"a.cf", 22, "server Z {"}).Address = netip.MustParseAddrPort("10.0.0.1:80")
			v.server("0", place{"a.cf", 24, "server 0 {"}).Address = netip.MustParseAddrPort("10.0.0.1:80")
		}, "a.cf:22 virtual \"web\" server \"Z\": 10.0.0.1:80 is the address of server \"a\" too, so server \"Z\" is left out [server Z {]\n" +
			"a.cf:24 virtual \"web\" server \"0\": 10.0.0.1:80 is the address of server \"a\" too, so server \"0\" is left out [server 0 {]", `server "a"`},
		{"a server that is the director", func(_ *builder, v *virtual) {
			v.server("b", place{"a.cf", 25, ""}).Address = netip.MustParseAddrPort("192.0.2.10:80")
		}, `a.cf:25 virtual "web" server "b": 192.0.2.10 is the address of virtual "web", so server "b" is left out []`, `!server "b"`},
		{"no address", func(_ *builder, v *virtual) { v.Address = netip.Addr{} },
			`a.cf:10 virtual "web": a virtual needs an address or a fwmark, so virtual "web" is left out [virtual web {]`, "!virtual"},
		{"an unknown scheduler", func(_ *builder, v *virtual) { v.Scheduler = "best%s" },
			`a.cf:10 virtual "web": unknown scheduler "best%s", so scheduler = "best%s" is left out [virtual web {]`, `scheduler = "wlc"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, v := written1(t)
			test.spoil(b, v)
			r, err := b.finish()
			if err != nil {
				t.Fatal(err)
			}
			if got := plainNotes(r.Notes); got != test.want {
				t.Errorf("notes:\n%s\nwant:\n%s", got, test.want)
			}
			runs(t, r)
			without, absent := strings.CutPrefix(test.left, "!")
			if strings.Contains(string(config.Format(r.Document)), without) == absent {
				t.Errorf("%s in\n%s", test.left, config.Format(r.Document))
			}
		})
	}
}

// plainNotes is notes as lines: place, about, what and the line. What is lost bears no level.
func plainNotes(notes []Note) string {
	var lines []string
	for _, n := range notes {
		level := string(n.Level) + " "
		if n.Level == Lost {
			level = ""
		}
		lines = append(lines, fmt.Sprintf("%s%s:%d %s: %s [%s]", level, n.File, n.Line, n.About, n.What, n.Text))
	}
	return strings.Join(lines, "\n")
}

// runs is what must be true of every result: its document is complete, valid and supported, and its text is that document.
func runs(t testing.TB, r Result) {
	t.Helper()
	if err := r.Document.Validate(); err != nil {
		t.Errorf("the document is not valid: %v", err)
	}
	if err := r.Document.Unsupported(); err != nil {
		t.Errorf("the document cannot run: %v", err)
	}
	text := r.HCL()
	got, err := config.Load(config.File{Name: "imported.hcl", Text: text})
	if err != nil {
		t.Fatalf("the text is no document: %v\n%s", err, text)
	}
	if !got.Equal(r.Document) {
		t.Errorf("the text is another document:\n%s\n%s", text, config.Diff(r.Document, got))
	}
}

// A virtual that was switched off stands in the document so.
func TestInactive(t *testing.T) {
	b, v := written1(t)
	v.inactive = true
	r, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	runs(t, r)
	if list := r.Document.Virtuals; len(list) != 1 || !list[0].Inactive || len(r.Notes) != 0 {
		t.Errorf("the document has %+v, with the notes %v", list, r.Notes)
	}
}

// One that the document cannot have beside another is no part of it, and its text is a comment that becomes one without the marks. An
// interface alone does not keep it out.
func TestInactiveIsAComment(t *testing.T) {
	b, v := written1(t)
	v.inactive = true
	now := b.virtual("now", place{"a.cf", 20, "virtual now {"})
	now.Address, now.Protocol, now.Ports, now.Interface = v.Address, v.Protocol, v.Ports, "inside"
	elsewhere := b.virtual("elsewhere", place{"a.cf", 30, "virtual elsewhere {"})
	elsewhere.Address, elsewhere.Protocol, elsewhere.Ports, elsewhere.Interface, elsewhere.inactive = v.Address, v.Protocol, []uint16{8080}, "outside", true
	r, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	runs(t, r)
	if list := r.Document.Virtuals; len(list) != 2 || list[1].Inactive || list[1].Name != "now" || !list[0].Inactive || list[0].Interface != "" {
		t.Errorf("the document has %+v", list)
	}
	_, block, found := strings.Cut(string(r.HCL()), "it stands at the end as a comment\n#     virtual web {\n")
	if !found {
		t.Fatalf("no comment in\n%s", r.HCL())
	}
	d, err := config.Load(config.File{Name: "uncommented", Text: []byte(strings.ReplaceAll("\n"+block, "\n#", "\n"))})
	if err != nil || len(d.Virtuals) != 1 || d.Virtuals[0].Name != "web" {
		t.Errorf("%v, %v from\n%s", d.Virtuals, err, block)
	}
}
