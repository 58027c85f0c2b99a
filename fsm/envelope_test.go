package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"polso/config"
)

var update = flag.Bool("update", false, "write the golden files")

// samples are one command of each kind with every field set.
func samples(t testing.TB) []Command {
	f := found(t)
	f.Node.Addresses = append(f.Node.Addresses, "[2001:db8::11]:5390")
	d := set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	d.Source, d.Message, d.Base, d.RollbackOf = "virtual \"Web\" { # <&>\n}\n", "first server", 1, 1
	a := join("n2", "r2", "k1")
	a.Replace = "r3"
	b := restore(t, 4, "c1", "Web=10.0.0.1:80 a=10.1.0.1:80", "Web=10.0.0.1:80")
	b.History[0].RollbackOf, b.History[0].Message, b.Message = 1, "first server", "of yesterday"
	return []Command{
		f,
		&TakeLead{Node: "n2", From: "n1", Reason: "leader lost", Took: 310 * time.Millisecond},
		d,
		b,
		&SetOverride{Target: "server/Web/a", Kind: Weight, Weight: 3, Until: t0.Add(time.Minute)},
		&ClearOverride{Target: "server/Web/a"},
		&SetOverride{Target: "address/10.1.0.1", Kind: Drain, Until: t0.Add(time.Minute), Reason: "disk", Beside: true},
		&ClearOverride{Target: "server/Web/a", About: AboutHealth},
		&Expire{Due{At: t0, Kind: DueOverride, ID: "server/Web/a"}},
		with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), func(d *SetDocument) { d.ConfirmUntil = t0.Add(5 * time.Minute) }),
		&Confirm{Revision: 3},
		&Switched{From: "r1", To: "r2"},
		&EndLeaving{Due{At: t0, Kind: DueLeaving, ID: "Web/a@3"}},
		&EndDrains{[]Due{{At: t0, Kind: DueLeaving, ID: "Web/a@3"}, {At: t0, Kind: DueLeaving, ID: "Web/b@3"}}},
		a,
		&RemoveNode{ID: "n2"},
		&UpdateNode{ID: "n2", Addresses: []string{"10.9.0.12:5390"}},
		token("k1", "a"),
		&RevokeToken{ID: "k1"},
		&SetProfile{Profile: "wan"},
		&FinishProfile{Change: 7, Reported: []string{"n1", "n2"}},
		&RotateCA{CA: pem},
		&AdvanceCA{Change: 7, Reported: []string{"n1", "n2"}},
		newUser("ada", Operator),
		&SetUser{User: "ada", Hash: phc, Generation: 7},
		&RemoveUser{User: "ada"},
		access("a1", "c"),
		&RevokeAccess{ID: "a1"},
		&EndSession{Ended{ID: "s1", Kind: ActorUser, Name: "ada", Until: t0.Add(12 * time.Hour)}},
		&TestedNotice{Notify: "pager", Told: []string{"r1"}, Failed: []string{"r2"}},
	}
}

func encode(t testing.TB, c Command) []byte {
	t.Helper()
	b, err := Encode(Envelope{Request: "0011223344556677", Actor: Actor{Kind: "user", Name: "ada", Address: "192.0.2.7"},
		At: t0.Add(1500 * time.Microsecond), Command: c})
	if err != nil {
		t.Fatalf("%s: %v", c.Name(), err)
	}
	return b
}

// The wire form of every command. It is in the logs and snapshots of running clusters: when this test fails, the command
// needs a new version beside the old one, not a new golden.
func TestWireForm(t *testing.T) {
	for _, c := range samples(t) {
		t.Run(string(c.Name()), func(t *testing.T) {
			b := encode(t, c)
			path := filepath.Join("testdata", string(c.Name())+later(c)+".entry")
			if *update {
				if err := os.WriteFile(path, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b, want) {
				t.Errorf("got  %q\nwant %q", b, want)
			}
			got, err := Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c, got.Command, cmpopts.IgnoreUnexported(Found{}, SetDocument{}, Restore{})); d != "" {
				t.Errorf("-encoded +decoded:\n%s", d)
			}
			if got.Actor.Name != "ada" || !got.At.Equal(t0.Add(1500*time.Microsecond)) || got.Request != "0011223344556677" {
				t.Errorf("envelope: %+v", got)
			}
			if err := ThisBuild().Admit(want, new(Snapshot)); err != nil {
				t.Errorf("a leader would not admit it: %v", err)
			}
			if c.String() == "" || strings.Contains(c.String(), "\n") {
				t.Errorf("in one line: %q", c.String())
			}
		})
	}
}

// later names the wire form of a command with a field that came later.
func later(c Command) string {
	switch c := c.(type) {
	case *SetDocument:
		if !c.ConfirmUntil.IsZero() {
			return "-confirm"
		}
	case *SetOverride:
		if c.Beside {
			return "-beside"
		}
	case *SetUser:
		if !c.New {
			return "-password"
		}
	case *ClearOverride:
		if c.About != "" {
			return "-about"
		}
	}
	return ""
}

// A deflated payload of another year must stay readable whatever the compressor writes today.
func TestWireFormPacked(t *testing.T) {
	path := filepath.Join("testdata", "packed.entry")
	d := set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	d.Source = strings.Repeat("# a comment that says little\n", 100)
	if *update {
		if err := os.WriteFile(path, encode(t, d), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 1000 {
		t.Errorf("%d bytes: it is not packed", len(b))
	}
	e, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	got := e.Command.(*SetDocument)
	if got.Source != d.Source || !bytes.Equal(got.Document, d.Document) || !got.document.Equal(doc("Web=10.0.0.1:80 a=10.1.0.1:80")) {
		t.Errorf("got %+v", got)
	}
}

// Any single flipped bit is noticed.
func TestDecodeFlippedBits(t *testing.T) {
	b := encode(t, &RevokeToken{ID: "k1"})
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		if _, err := Decode(c); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d: got %v, want ErrCorrupt", i, err)
		}
	}
	for i := range b {
		if _, err := Decode(b[:i]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: got %v, want ErrCorrupt", i, err)
		}
	}
}

// seal builds an entry by hand, with a right checksum.
func seal(format byte, head, payload string) []byte {
	b := append([]byte(magic), format, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)))
	b = append(append(b, head...), payload...)
	binary.BigEndian.PutUint32(b[4:], checksum(b))
	return b
}

func TestDecodeErrors(t *testing.T) {
	head := func(command, more string) string {
		return `{"command":"` + command + `","version":1,"request":"q","actor":{"kind":"","name":""},"at":"2026-11-22T10:00:00Z"` + more + `}`
	}
	packed, err := pack([]byte(`{"id":"k1"}`))
	if err != nil {
		t.Fatal(err)
	}
	bomb, err := pack(make([]byte, MaxPlain+1))
	if err != nil {
		t.Fatal(err)
	}
	const deflated = `,"packed":"deflate"`
	tests := []struct {
		name  string
		entry []byte
		want  error
		text  string
	}{
		{"right", seal(1, head("revoke_token", ""), `{"id":"k1"}`), nil, ""},
		{"right, with all that an actor has", seal(1, strings.Replace(head("revoke_token", ""), `"name":""`, `"name":"ada","address":"192.0.2.7","via":"r2"`, 1), `{"id":"k1"}`), nil, ""},
		{"right and packed", seal(1, head("revoke_token", deflated), string(packed)), nil, ""},
		{"empty", nil, ErrCorrupt, "entry: damaged: it does not begin as an entry does"},
		{"format", seal(2, head("revoke_token", ""), `{"id":"k1"}`), ErrUnknown, "entry: written by a newer release: format 2, this release reads 1"},
		{"command", seal(1, head("set_quota", ""), `{}`), ErrUnknown, `entry: written by a newer release: command "set_quota"`},
		{"version", seal(1, strings.Replace(head("revoke_token", ""), `"version":1`, `"version":2`, 1), `{"id":"k1"}`), ErrUnknown,
			"entry: written by a newer release: version 2 of the command revoke_token, this release knows 1"},
		{"field", seal(1, head("revoke_token", ""), `{"id":"k1","why":"x"}`), ErrUnknown, ""},
		{"field of the header", seal(1, head("revoke_token", `,"quorum":3`), `{"id":"k1"}`), ErrUnknown, ""},
		{"packing", seal(1, head("revoke_token", `,"packed":"zstd"`), `x`), ErrUnknown, `entry: written by a newer release: packed with "zstd"`},
		{"schema", seal(1, head("set_document", ""), `{"document":{"schema":2,"cluster":{}}}`), ErrUnknown, ""},
		{"field of the document", seal(1, head("set_document", ""), `{"document":{"schema":1,"cluster":{},"weather":"fine"}}`), ErrUnknown, ""},
		{"no schema", seal(1, head("set_document", ""), `{"document":{}}`), ErrUnknown, ""},
		{"no document", seal(1, head("set_document", ""), `{}`), ErrCorrupt, ""},
		{"document", seal(1, head("set_document", ""), `{"document":{"schema":1,"cluster":7}}`), ErrCorrupt, ""},
		{"payload", seal(1, head("revoke_token", ""), `{"id":`), ErrCorrupt, ""},
		{"payload twice", seal(1, head("revoke_token", ""), `{"id":"k1"}{}`), ErrCorrupt, ""},
		{"no payload", seal(1, head("revoke_token", ""), ``), ErrCorrupt, ""},
		{"header", seal(1, `{"command":7}`, ``), ErrCorrupt, ""},
		{"no request", seal(1, strings.Replace(head("revoke_token", ""), `"q"`, `""`, 1), `{"id":"k1"}`), ErrCorrupt, "entry: damaged: a request ID of 0 bytes"},
		{"not deflated", seal(1, head("revoke_token", deflated), `{"id":"k1"}`), ErrCorrupt, ""},
		{"cut deflated", seal(1, head("revoke_token", deflated), string(packed[:5])), ErrCorrupt, ""},
		{"more than deflated", seal(1, head("revoke_token", deflated), string(packed)+"x"), ErrCorrupt, ""},
		{"bomb", seal(1, head("revoke_token", deflated), string(bomb)), ErrTooLarge, "the change is more than 16777216 bytes"},
		{"long", seal(1, head("revoke_token", ""), strings.Repeat(" ", MaxPacked+1)), ErrTooLarge,
			"the change is 1048577 bytes compressed, at most 1048576 are possible"},
		{"header longer than all", func() []byte {
			b := seal(1, "{}", "")
			binary.BigEndian.PutUint32(b[8:], 3)
			binary.BigEndian.PutUint32(b[4:], checksum(b))
			return b
		}(), ErrCorrupt, "entry: damaged: its header claims 3 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Decode(tt.entry)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.text != "" && err.Error() != tt.text {
				t.Errorf("got  %v\nwant %s", err, tt.text)
			}
			for _, other := range []error{ErrCorrupt, ErrUnknown, ErrTooLarge} {
				if other != tt.want && errors.Is(err, other) {
					t.Errorf("%v is %v too", err, other)
				}
			}
			if tt.want == ErrTooLarge && (e.Request != "q" || e.Command.Name() != NameRevokeToken) {
				t.Errorf("the envelope is lost: %+v", e)
			}
		})
	}
}

func TestEncodeLimits(t *testing.T) {
	noise := make([]byte, MaxPacked)
	r := rand.NewChaCha8([32]byte{1})
	for i := range noise {
		noise[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[r.Uint64()%64]
	}
	tests := []struct {
		name   string
		source string
		want   string
	}{
		{"much that packs well", strings.Repeat("# nothing\n", 1<<18), ""},
		{"too much that packs well", strings.Repeat("# nothing\n", 2<<20), " bytes, at most 16777216 are possible"},
		{"little that packs badly", string(noise[:MaxPacked/2]), ""},
		{"much that packs badly", string(noise) + string(noise[:MaxPacked/2]), " bytes compressed, at most 1048576 are possible"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := set(t, "")
			d.Source = tt.source
			b, err := Encode(Envelope{Request: "q", At: t0, Command: d})
			if tt.want == "" {
				if err != nil || len(b) > MaxPacked+maxHeader {
					t.Errorf("%d bytes, %v", len(b), err)
				}
				return
			}
			if !errors.Is(err, ErrTooLarge) || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s", err, tt.want)
			}
		})
	}
}

// An entry that is too large and in the log all the same is refused, audited and answered like any other.
func TestApplyTooLarge(t *testing.T) {
	m := cluster(t, "")
	l := m.entry(&RevokeToken{ID: "k1"})
	head := `{"command":"revoke_token","version":1,"request":"q","actor":{"kind":"local","name":"root"},"at":"2026-11-22T10:00:00Z"}`
	l.Data = seal(1, head, strings.Repeat(" ", MaxPacked+1))
	r, err := DecodeResult(m.Apply(l).([]byte))
	if err != nil || !errors.Is(r.Err(), ErrTooLarge) {
		t.Fatalf("got %v %v", r.Err(), err)
	}
	last := m.Load().Audit[len(m.Load().Audit)-1]
	if last.Action != "revoke_token" || last.Error == "" {
		t.Errorf("audit: %+v", last)
	}
}

func TestAdmit(t *testing.T) {
	bad := doc("Web=10.0.0.1:80 a=10.1.0.1:80")
	bad.Virtuals[0].Scheduler = "fastest"
	later := doc("Web=10.0.0.1:80 a=10.1.0.1:80")
	later.VIPs = []config.VIP{{Name: "gw", Address: netip.MustParsePrefix("10.0.0.254/24"), Interface: "inside", Group: "edge"}}
	for _, tt := range []struct {
		name string
		doc  config.Document
		want string
	}{
		{"fine", doc("Web=10.0.0.1:80 a=10.1.0.1:80"), ""},
		{"wrong in meaning", bad, "fastest"},
		{"not supported yet", later, "not supported yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := config.Canonical(tt.doc)
			if err != nil {
				t.Fatal(err)
			}
			f := found(t)
			f.Document = text
			for _, c := range []Command{&SetDocument{Document: text}, f, &Restore{Base: 1, ClusterID: "c1", History: []Revision{{Number: 1, Document: text}}}} {
				err := ThisBuild().Admit(encode(t, c), new(Snapshot))
				if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("%s: got %v, want %q", c.Name(), err, tt.want)
				}
			}
		})
	}
	if err := ThisBuild().Admit([]byte("no entry"), new(Snapshot)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	// Encode would not have made it: an older or a foreign proposer.
	entry := seal(1, `{"command":"remove_node","version":1,"request":"q","actor":{"kind":"","name":""},"at":"2026-11-22T10:00:00Z"}`, `{"id":""}`)
	if err := ThisBuild().Admit(entry, new(Snapshot)); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

// TestAdmitSoManyDrains: a change that would have more servers drain than can is refused, whatever the number was before; one that
// removes none, or at once, is not.
func TestAdmitSoManyDrains(t *testing.T) {
	both, one := "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80", "Web=10.0.0.1:80 a=10.1.0.1:80"
	s := &Snapshot{Document: doc(both), Revision: 7}
	web := s.Document.Virtuals[0]
	web.Servers = nil
	for i := range maxLeaving + 1 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)}), 80)
		s.Leaving = append(s.Leaving, Leaving{ID: at.String(), Virtual: web, Server: config.Server{Name: "x", Address: at}, Until: t0.Add(time.Hour)})
	}
	for _, tt := range []struct {
		name, words string
		until       time.Time
		drain       int // of those that drain, so many are left
		refused     bool
	}{
		{"one more", one, t0.Add(time.Hour), maxLeaving, true},
		{"one more, at once", one, time.Time{}, maxLeaving, false},
		{"none", both, t0.Add(time.Hour), maxLeaving, false},
		{"none, with more than can", both, t0.Add(time.Hour), maxLeaving + 1, false},
		{"the last one that can", one, t0.Add(time.Hour), maxLeaving - 1, false},
		{"all come back or go with their virtual", "Other=10.0.0.1:81 a=10.1.0.1:81", t0.Add(time.Hour), maxLeaving, false},
	} {
		now := *s
		now.Leaving = s.Leaving[:tt.drain]
		for _, c := range []Command{
			&SetDocument{Document: canonical(t, tt.words), LeaveUntil: tt.until},
			&Restore{Base: 7, ClusterID: "c1", History: []Revision{{Number: 1, Document: canonical(t, tt.words)}}, LeaveUntil: tt.until},
		} {
			err := ThisBuild().Admit(encode(t, c), &now)
			if errors.Is(err, ErrTooLarge) != tt.refused || !tt.refused && err != nil || tt.refused && !strings.Contains(err.Error(), "65537 servers that were removed") {
				t.Errorf("%s, %s: %v", tt.name, c.Name(), err)
			}
		}
	}
}

func TestNewRequest(t *testing.T) {
	a, b := NewRequest(), NewRequest()
	if a == b || len(a) != 32 {
		t.Errorf("%s, %s", a, b)
	}
}

// Whatever the bytes: no panic, one of the three errors, and what can be read comes back the same.
func FuzzDecode(f *testing.F) {
	for _, c := range samples(f) {
		f.Add(encode(f, c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		check := func(b []byte) {
			e, err := Decode(b)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrTooLarge) {
					t.Fatalf("unexpected error %v", err)
				}
				return
			}
			again, err := Encode(e)
			if err != nil {
				return // readable, and wrong in itself
			}
			back, err := Decode(again)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprintf("%+v", back.Command), fmt.Sprintf("%+v", e.Command); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		check(b)
		if len(b) >= prefixSize { // past the checksum, where the fuzzer would hardly ever come
			b = bytes.Clone(b)
			copy(b, magic)
			b[len(magic)] = format
			binary.BigEndian.PutUint32(b[4:], checksum(b))
			check(b)
			m := newMachine(t)
			m.must(found(t))
			if _, _, err := m.Load().advance(ThisBuild(), 2, 2, b); err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknown) {
				t.Fatalf("unexpected error %v", err)
			}
		}
	})
}

// TestAdmitReadsDocuments: Encode does not read the document, which the leader does before it proposes anything, whoever encoded it.
func TestAdmitReadsDocuments(t *testing.T) {
	for text, want := range map[string]error{`{"schema":1,"cluster":7}`: ErrCorrupt, `{"schema":9}`: ErrUnknown} {
		b, err := Encode(Envelope{Request: "q", At: t0, Command: &SetDocument{Document: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		if err := ThisBuild().Admit(b, new(Snapshot)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// TestParsed: a command knows the document that it was made of, and reads one that it was not.
func TestParsed(t *testing.T) {
	want := doc("Web=10.0.0.1:80 a=10.1.0.1:80")
	made, err := NewSetDocument(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*SetDocument{made, {Document: made.Document}} {
		if got, err := d.Parsed(); err != nil || !got.Equal(want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if got, err := (&SetDocument{Document: []byte("{")}).Parsed(); err == nil {
		t.Errorf("half a document is %+v", got)
	}
}
