package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// read is what an archive has, by name without the folder.
func read(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, inside := strings.CutPrefix(h.Name, "polso/")
		if !inside || h.Mode != 0o600 {
			t.Errorf("%s %o", h.Name, h.Mode)
		}
		files[name] = string(text)
	}
}

// Parts that cannot be had keep nobody from the rest, and what is learnt late is taken out of what came early.
func TestCollect(t *testing.T) {
	s := new(Secrets)
	part := func(name, text string, err error) Part {
		return Part{Name: name, What: "what " + name + " is", Get: func(context.Context) ([]byte, error) { return []byte(text), err }}
	}
	late := Part{Name: "late", Get: func(context.Context) ([]byte, error) {
		s.Add("swordfish")
		return []byte("said"), nil
	}}
	raw := part("raw", "swordfish", nil)
	raw.Raw = Binary
	archive, entries, err := Collect(t.Context(), "polso", time.Unix(0, 0), []Part{
		part("early", "the word is swordfish", nil), part("gone", "", errors.New("no swordfish here")), part("half", "some", errors.New("then it broke")), late, raw,
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	files := read(t, archive)
	for name, want := range map[string]string{"early": "the word is (removed)", "half": "some", "late": "said", "raw": "swordfish"} {
		if files[name] != want {
			t.Errorf("%s: %q, want %q", name, files[name], want)
		}
	}
	if _, there := files["gone"]; there || len(files) != 5 || len(entries) != 5 {
		t.Errorf("%d files %v", len(files), entries)
	}
	for _, want := range []string{"early                                   21  what early is\n", "Not or not wholly here:\ngone ", "what gone is: no (removed) here\n", "half                                     4  what half is: then it broke\n"} {
		if !strings.Contains(files["MANIFEST"], want) {
			t.Errorf("the manifest lacks %q:\n%s", want, files["MANIFEST"])
		}
	}
}

// What has the shape of a secret goes wherever it stands, and what only looks a little like one stays.
func TestShapes(t *testing.T) {
	for text, want := range map[string]string{
		"a POLSO-A-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST here":     "a (removed) here",
		"join --token POLSO-1-abc-DEF_1 10.9.0.1":                                 "join --token (removed) 10.9.0.1",
		"x\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\ny": "x\n(removed)\ny",
		"-----BEGIN PRIVATE KEY-----\ncut off":                                    "(removed)",
		"hash=$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA rest":                  "hash=(removed) rest",
		"GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\nHost: a\r\n":      "GET / HTTP/1.1\r\n(removed)\r\nHost: a\r\n",
		"Cookie: polso=abcdef":                              "(removed)",
		`{"password": "hunter22", "name": "x"}`:             `{"(removed)", "name": "x"}`,
		"probe --password=hunter22 --verbose":               "probe --(removed) --verbose",
		"https://ada:hunter22@example.org/x":                "(removed)example.org/x",
		"10.0.0.1:80 token list; the secret of it; POLSO-2": "10.0.0.1:80 token list; the secret of it; POLSO-2",
	} {
		if got := string(new(Secrets).Without([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Of a document stays what tells how it works.
func TestDocument(t *testing.T) {
	s := new(Secrets)
	const doc = `{"virtuals":[{"name":"web","check":{"kind":"http","path":"/health?key=abcdef1","headers":{"X-Probe":"Bearer abcdef2"},"contains":"fine",
		"checks":[{"kind":"send","send":"AUTH \"abcdef3\"\r\n"},{"kind":"script","command":["/bin/probe","-t","abcdef4"]}]}}],
		"notify":[{"name":"chat","webhook":"https://hooks.example.org/services/T0/abcdef5"},{"name":"plain","webhook":"https://hooks.example.org/"}]}`
	out, err := s.Document([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"abcdef1", "abcdef2", "abcdef3", "abcdef4", "abcdef5"} {
		if strings.Contains(string(out), gone) {
			t.Errorf("%s is in\n%s", gone, out)
		}
	}
	for _, stays := range []string{`"/health?(removed)"`, `"X-Probe": "(removed)"`, `"/bin/probe"`, `"https://hooks.example.org/(removed)"`, `"https://hooks.example.org/"`, `"fine"`} {
		if !strings.Contains(string(out), stays) {
			t.Errorf("%s is not in\n%s", stays, out)
		}
	}
	log := "failed: GET /health?key=abcdef1, X-Probe=abcdef2, sent \"AUTH \\\"abcdef3\\\"\\r\\n\", ran probe -t abcdef4, /services/T0/abcdef5"
	if left := string(s.Without([]byte(log))); strings.Contains(left, "abcdef") {
		t.Error(left)
	}
}
