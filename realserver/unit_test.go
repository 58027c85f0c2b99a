package realserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The unit in contrib is the one that setup --permanent writes, and the settings are where it reads them.
func TestUnit(t *testing.T) {
	shown, err := os.ReadFile("../contrib/" + UnitName)
	if err != nil {
		t.Fatal(err)
	}
	if string(shown) != Unit("/usr/bin/polso") {
		t.Errorf("contrib/%s is not what is written", UnitName)
	}
	root := t.TempDir()
	written, err := Install(root, "/opt/polso", []string{"192.0.2.10", "--method=tun"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, unitPath))
	if err != nil || len(written) != 2 {
		t.Fatal(written, err)
	}
	for _, line := range []string{"ExecStart=/opt/polso realserver setup $ARGS\n", "EnvironmentFile=/" + confFile + "\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	conf, err := os.ReadFile(filepath.Join(root, confFile))
	if err != nil || !strings.HasSuffix(string(conf), "\nARGS=\"192.0.2.10 --method=tun\"\n") {
		t.Errorf("%v\n%s", err, conf)
	}
	for range 2 { // the second time there is nothing
		if _, err := Uninstall(root); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range written {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, bad := range []string{"a b", "$x", "50%", `"`, ""} {
		if written, err := Install(root, "/opt/polso", []string{bad}); err == nil || len(written) > 0 {
			t.Errorf("argument %q: %v, %v", bad, written, err)
		}
	}
}
