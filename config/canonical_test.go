package config

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files with what the code says now")

// golden compares got with the file testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// fullDocument sets every field that a document has.
func fullDocument() Document {
	return Document{
		Cluster: Cluster{
			Standby: Warm, Prefer: []string{"r1", "r2"}, Failback: true,
			SyncDaemon: &SyncDaemon{Interface: "inside", ID: 7, Group: netip.MustParseAddr("239.1.2.3"), Port: 8850, TTL: 2, MaxLen: 8972},
			Timeouts:   Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute},
		},
		VIPs: []VIP{{Name: "inside", Address: netip.MustParsePrefix("10.0.0.1/24"), Interface: "inside", Group: "default"}},
		Virtuals: []Virtual{
			{
				Name: "mail", FWMark: 7, Family: IPv6, Scheduler: "wlc", Forward: DR, MinServers: 1, OnFailure: Quiesce,
				Servers: []Server{{Name: "m", Address: netip.MustParseAddrPort("[2001:db8::25]:0"), Forward: DR, Weight: 1}},
			},
			{
				Name: "web", Address: netip.MustParseAddr("192.0.2.10"), Interface: "outside", Ports: []uint16{80},
				Protocol: TCP, Family: IPv4, Scheduler: "mh", Flags: []string{"fallback", "port"}, Forward: NAT, Masquerade: true,
				Tunnel: Tunnel{Type: GUE, Port: 6080, Checksum: NoChecksum}, Persistent: &Persistent{Timeout: 5 * time.Minute, Mask: 24},
				MinServers: 1, Hysteresis: 1, OnFailure: Remove, Panic: 30, SlowStart: time.Minute, SlowCurve: Doubling, Votes: 2,
				Sorry: []Server{{Name: "sorry", Address: netip.MustParseAddrPort("10.0.0.9:80"), Forward: NAT, Weight: 1}},
				Check: &Check{
					Kind: CheckHTTP, Every: 2500 * time.Millisecond, Timeout: time.Second, Rise: 2, Fall: 3, Port: 8081,
					Path: "/healthz?<&>", Host: "www.example.org", Status: []StatusRange{{200, 299}}, TLS: true,
				},
				Servers: []Server{
					{Name: "a", Address: netip.MustParseAddrPort("10.0.0.11:8080"), Forward: NAT, Weight: 10, Upper: 100, Lower: 50},
					{Name: "b", Address: netip.MustParseAddrPort("10.0.0.12:80"), Forward: Tun, Tunnel: Tunnel{Type: GRE, Checksum: FullChecksum}, Weight: 0, Check: &Check{
						Kind: CheckAny, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3,
						Of: []Check{{Kind: CheckTCP, Every: time.Second, Timeout: time.Second, Rise: 2, Fall: 3}, {Kind: CheckICMP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3}},
					}},
				},
			},
			{
				Name: "wires", Address: netip.MustParseAddr("192.0.2.10"), Ports: []uint16{5060}, Protocol: UDP, Family: IPv4,
				Scheduler: "rr", Flags: []string{"ops"}, Forward: Local, Persistent: &Persistent{Timeout: time.Minute, Engine: "sip"},
				MinServers: 1, OnFailure: Remove, Probe: ByDirector,
				Servers: []Server{{Name: "self", Address: netip.MustParseAddrPort("127.0.0.1:5060"), Forward: Local, Weight: 1}},
			},
		},
	}
}

// fullCheck sets every field that a check has, whatever its kind.
func fullCheck() *Check {
	return &Check{
		Kind: CheckSome, Every: 2 * time.Second, Timeout: 500 * time.Millisecond, Rise: 1, Fall: 1, Fast: time.Second, Initial: InitialUp, Port: 1, Through: ThroughVirtual,
		Flaps: 5, FlapWindow: time.Hour, FlapHold: time.Minute, Path: "/", Host: "h", Status: []StatusRange{{200, 200}}, Method: "HEAD",
		Headers: map[string]string{"X-B": "2", "X-A": "1"}, Version: "2", Redirects: 3, Contains: "ok", Matches: "o+k", JSON: "body.up", TLS: true,
		NoVerify: true, CA: "/etc/ca.pem", ServerName: "s", ClientCert: "/etc/c.pem", ClientKey: "/etc/k.pem", ExpiryWarn: time.Hour,
		Send: `PING\r\n`, Expect: "~PONG", User: "u", Service: "sv", Query: "q", Type: "A", Answer: "192.0.2.1", Command: []string{"/bin/true", "%h"},
		Need: 1, Of: []Check{{Kind: CheckTCP, Every: time.Second, Timeout: time.Second, Rise: 2, Fall: 3}},
	}
}

func TestCanonicalGolden(t *testing.T) {
	got, err := Canonical(fullDocument())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "canonical.json", append(got, '\n'))
	checks, err := Canonical(Document{Virtuals: []Virtual{{Name: "web", Check: fullCheck()}}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "check.json", append(checks, '\n'))
	if back, err := FromCanonical(checks); err != nil || !reflect.DeepEqual(back.Virtuals[0].Check, fullCheck()) {
		t.Errorf("a check with everything: %v\n%s", err, cmp.Diff(fullCheck(), back.Virtuals[0].Check))
	}
	empty, err := Canonical(Document{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(empty), `{"schema":1,"cluster":{}}`; got != want {
		t.Errorf("canonical form of the zero document: got %s, want %s", got, want)
	}
}

func TestCanonicalRoundTrip(t *testing.T) {
	if got := mustRoundTrip(t, fullDocument()); !reflect.DeepEqual(got, fullDocument()) {
		t.Error(cmp.Diff(fullDocument(), got, cmpNet))
	}
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		if got := mustRoundTrip(t, d); !reflect.DeepEqual(got, d) {
			t.Fatal(cmp.Diff(d, got, cmpNet))
		}
	})
}

var cmpNet = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
}

func mustRoundTrip(t interface{ Fatal(...any) }, d Document) Document {
	text, err := Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromCanonical(text)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestCanonicalIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		e := d.Clone()
		e.VIPs = rapid.Permutation(e.VIPs).Draw(t, "vips")
		e.Virtuals = rapid.Permutation(e.Virtuals).Draw(t, "virtuals")
		for i := range e.Virtuals {
			e.Virtuals[i].Servers = rapid.Permutation(e.Virtuals[i].Servers).Draw(t, "servers")
			e.Virtuals[i].Flags = rapid.Permutation(e.Virtuals[i].Flags).Draw(t, "flags")
		}
		a, errA := Canonical(d)
		b, errB := Canonical(e)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("%v %v\n%s\n%s", errA, errB, a, b)
		}
		if !d.Equal(e) {
			t.Fatal("not Equal, though only the order differs")
		}
	})
}

func TestFromCanonicalRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"nothing", ``, "canonical document: unexpected end of JSON input"},
		{"no schema", `{"cluster":{}}`, "canonical document: unknown schema of the document: it names none"},
		{"newer schema", `{"schema":2,"world":{}}`, "canonical document: unknown schema of the document: 2, this release reads 1"},
		{"unknown field", `{"schema":1,"cluster":{"stanby":"warm"}}`, `canonical document: unknown schema of the document: json: unknown field "stanby"`},
		{"trailing", `{"schema":1,"cluster":{}} {}`, "canonical document: something follows the document"},
		{"exponent", `{"schema":1,"cluster":{"timeouts":{"tcp":1e3}}}`, "canonical document: 1e3 is not a number of seconds with at most nine decimal places"},
		{"too long", `{"schema":1,"cluster":{"timeouts":{"tcp":99999999999}}}`, "canonical document: 99999999999 is not a number of seconds with at most nine decimal places"},
		{"text for seconds", `{"schema":1,"cluster":{"timeouts":{"tcp":"15m"}}}`, `canonical document: "15m" is not a number of seconds with at most nine decimal places`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := FromCanonical([]byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := FromCanonical([]byte(`{"schema":2}`)); !errors.Is(err, ErrSchema) {
		t.Errorf("another schema: got %v, want ErrSchema", err)
	}
	if _, err := FromCanonical([]byte(`{"schema":1,"weather":"fine"}`)); !errors.Is(err, ErrSchema) {
		t.Errorf("a field of a newer release: got %v, want ErrSchema", err)
	}
}

func TestSecondsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := seconds(rapid.Int64().Draw(t, "nanoseconds"))
		text, err := want.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got seconds
		if err := got.UnmarshalJSON(text); err != nil || got != want {
			t.Fatalf("%s: got %d, want %d, %v", text, got, want, err)
		}
	})
}

// TestWireKnowsEveryField fails when a document type has a field that the canonical form would lose.
func TestWireKnowsEveryField(t *testing.T) {
	for _, pair := range []struct{ document, wire any }{
		{Cluster{}, wireCluster{}}, {SyncDaemon{}, wireSyncDaemon{}}, {Timeouts{}, wireTimeouts{}}, {VIP{}, wireVIP{}},
		{Virtual{}, wireVirtual{}}, {Persistent{}, wirePersistent{}}, {Server{}, wireServer{}}, {Check{}, wireCheck{}}, {RouterCheck{}, wireRouterCheck{}}, {Document{}, wireDocument{}},
	} {
		d, w := reflect.TypeOf(pair.document), reflect.TypeOf(pair.wire)
		for i := range d.NumField() {
			if _, ok := w.FieldByName(d.Field(i).Name); !ok && !slices.Contains([]string{"Ranges", "NoVerify", "Inactive"}, d.Field(i).Name) { // among the ports, and as verify and active
				t.Errorf("%s has no %s", w.Name(), d.Field(i).Name)
			}
		}
	}
	check := reflect.ValueOf(*fullCheck())
	for i := range check.NumField() {
		if check.Field(i).IsZero() {
			t.Errorf("the golden check leaves %s out", check.Type().Field(i).Name)
		}
	}
	full := reflect.ValueOf(fullDocument().Virtuals[1])
	for i := range full.NumField() {
		if name := full.Type().Field(i).Name; full.Field(i).IsZero() && !slices.Contains([]string{"FWMark", "Ranges", "Probe", "Inactive"}, name) { // for the last see TestInactive
			t.Errorf("the golden document leaves Virtual.%s out", name)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	d, c := fullDocument(), fullDocument().Clone()
	c.Cluster.Prefer[0], c.Cluster.SyncDaemon.ID, c.VIPs[0].Name = "x", 1, "x"
	v := &c.Virtuals[1]
	v.Ports[0], v.Flags[0], v.Persistent.Mask, v.Check.Rise, v.Check.Status[0].From = 1, "x", 1, 9, 1
	v.Sorry[0].Weight, v.Servers[0].Weight = 2, 1
	e := c.Clone()
	e.Virtuals[1].Ports[0], e.Virtuals[1].Check.Status[0].From = 2, 2
	if !reflect.DeepEqual(d, fullDocument()) || c.Virtuals[1].Ports[0] != 1 || c.Virtuals[1].Check.Status[0].From != 1 {
		t.Error("a change to the clone shows in the original")
	}
	if c.Equal(d) {
		t.Error("Equal says that different documents are equal")
	}
}

func FuzzFromCanonical(f *testing.F) {
	full, err := Canonical(fullDocument())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(`{"schema":1,"cluster":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := FromCanonical(text)
		if err != nil {
			return
		}
		once := mustRoundTrip(t, d)
		if !reflect.DeepEqual(once, d) {
			t.Error(cmp.Diff(d, once, cmpNet))
		}
		_ = d.Unsupported()
		_ = Diff(Document{}, d).String()
		if d.Validate() != nil {
			return
		}
		got, err := Parse(File{"d.hcl", Format(d)})
		if err != nil || !got.Equal(Complete(d)) {
			t.Errorf("%v\n%s\n%s", err, Format(d), cmp.Diff(Complete(d), got, cmpNet))
		}
	})
}

// TestRank: the order of prefer, and after it everybody else alike.
func TestRank(t *testing.T) {
	c := Cluster{Prefer: []string{"r2", "r1"}}
	for router, want := range map[string]int{"r2": 0, "r1": 1, "r3": 2, "": 2} {
		if got := c.Rank(router); got != want {
			t.Errorf("%q: got %d, want %d", router, got, want)
		}
	}
	if got := (Cluster{}).Rank("r1"); got != 0 {
		t.Errorf("without prefer: got %d, want 0", got)
	}
}
