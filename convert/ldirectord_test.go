package convert

import (
	"bytes"
	"strings"
	"testing"
)

func TestLdirectord(t *testing.T) { goldens(t, "testdata/ldirectord/*.cf", Ldirectord) }

func FuzzLdirectord(f *testing.F) { fuzz(f, "testdata/ldirectord/*.cf", Ldirectord) }

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
