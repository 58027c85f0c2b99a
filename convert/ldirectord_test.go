package convert

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"polso/config"
)

func TestLdirectord(t *testing.T) { goldens(t, "testdata/ldirectord/*.cf", Ldirectord) }

func FuzzLdirectord(f *testing.F) { fuzz(f, "testdata/ldirectord/*.cf", Ldirectord) }

// A text without a virtual is of another format, and no document that removes everything.
func TestLdirectordRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"settings alone":  "checktimeout=5\nautoreload=yes\n",
		"lvs.cf":          "service = lvs\nvirtual web {\n\tactive = 1\n\taddress = 192.0.2.1 eth0:1\n}\n",
		"keepalived.conf": "virtual_server 192.0.2.1 80 {\n    lb_algo wlc\n    real_server 10.0.0.1 80 {\n    }\n}\n",
	} {
		r, err := Ldirectord(File{Name: "a.cf", Text: []byte(text)})
		if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), "another format") {
			t.Errorf("%s: %v, %s", name, err, r.HCL())
		}
	}
	r, err := Ldirectord(File{Name: "a.cf", Text: []byte("virtual=www.example.com:80\n")})
	if err != nil || len(r.Lost()) == 0 {
		t.Errorf("a virtual that cannot be read: %v", err)
	}
}

// A secret that a check logs in with goes neither into the document nor into the report.
func TestNoSecretTravels(t *testing.T) {
	text := "passwd=hush\nvirtual=192.0.2.1:25\n\tpasswd=\"hush\"\n\tpasswd=\"hush\"\n\tsecret=hush\n\treal=10.0.0.1 gate\n"
	r, err := Ldirectord(File{Name: "f", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	var report bytes.Buffer
	if err := r.Report(&report); err != nil {
		t.Fatal(err)
	}
	if out := string(r.HCL()) + report.String(); strings.Contains(out, "hush") {
		t.Error(out)
	}
}

// Servers that are asked alike share the virtual's check, and who is asked something else has a check of its own.
func TestLdirectordOwnChecks(t *testing.T) {
	r, err := Ldirectord(File{Name: "f", Text: []byte("virtual=192.0.2.1:80\n" +
		"\treal=10.0.0.1:80 masq 1 \"one\", \"x\"\n\treal=10.0.0.2->10.0.0.3:80 masq\n\treal=10.0.0.4:8080 masq\n\trequest=\"all\"\n")})
	if err != nil {
		t.Fatal(err)
	}
	v := r.Document.Virtuals[0]
	if v.Check.Path != "/all" || v.Check.Matches != "" {
		t.Errorf("the virtual's check: %+v", v.Check)
	}
	for i, want := range []string{"/one x", "", "", ""} { // the last one's port is its clients' too
		got := ""
		if c := v.Servers[i].Check; c != nil {
			got = strings.TrimSpace(c.Path + " " + c.Matches)
		}
		if got != want {
			t.Errorf("server %s asks %q, not %q", v.Servers[i].Name, got, want)
		}
	}
}

// What is sent and expected is what ldirectord sent and expected, to the byte.
func TestLdirectordEscapes(t *testing.T) {
	for _, text := range []string{"", "a\\b", "\"'\\n\r\n\t\x00\xff", "é"} {
		if got, ok := config.Unescape(escaped(text)); !ok || got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
