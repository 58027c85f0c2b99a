package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planted are secrets, each in a place of its own.
var planted = []string{
	"plant-header", "plant-query", "plant-sent", "plant-argument", "plant-hook", "plant-comment", "plant-node-comment", "plant-ca-key", "plant-environment", "plant-password-1", "plant-routercheck",
}

const plantedDocument = `# plant-comment
virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "dr"
  check "http" {
    path    = "/health?key=plant-query"
    headers = { "Authorization" = "Bearer plant-header", "X-Other" = "plant-header" }
  }
  server "a" {
    address = "10.0.0.1"
  }
}
virtual "cache" {
  address = "192.0.2.11"
  port    = 6379
  forward = "dr"
  check "send" {
    send   = "AUTH plant-sent\r\n"
    expect = "+OK"
  }
  server "a" {
    address = "10.0.0.2"
  }
}
virtual "own" {
  address = "192.0.2.12"
  port    = 80
  forward = "dr"
  check "script" {
    command = ["/bin/true", "--key", "plant-argument"]
  }
  server "a" {
    address = "10.0.0.3"
  }
}
router_check "disk" {
  command = ["/bin/true", "plant-routercheck"]
}
notify "chat" {
  events  = ["active"]
  webhook = "https://hooks.example.org/services/plant-hook"
}
`

// files are what an archive has, by name without its folder.
func filesOf(t *testing.T, path string) map[string]string {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
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
		_, name, _ := strings.Cut(h.Name, "/")
		files[name] = string(text)
	}
}

// polsoOK runs a command that has to do well, and answers what it printed.
func polsoOK(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs); code != exitOK {
		t.Fatalf("polso %s: exit %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// No secret gets into the archive, wherever one lies: in the document, in settings, in files of the data directory, among users and tokens.
func TestDebugHasNoSecrets(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "r1.sock")
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	devAgent(t, socket)
	t.Setenv("POLSO_ADDR", "unix://"+socket)
	t.Setenv("POLSO_TOKEN", "plant-environment")
	write("data/ca.key", "-----BEGIN PRIVATE KEY-----\nplant-ca-key\n-----END PRIVATE KEY-----\n")
	node := write("node.hcl", "# plant-node-comment\nname = \"r1\"\ndata_dir = \""+filepath.Join(dir, "data")+"\"\n")
	polsoOK(t, "", "apply", "--yes", "-f", write("edge.hcl", plantedDocument))
	polsoOK(t, "plant-password-1\n", "user", "add", "ada", "--role", "admin", "--password-file", "-")
	secrets := append([]string{strings.TrimSpace(polsoOK(t, "", "token", "create", "--role", "operator", "--note", "ci"))}, planted...)
	if !strings.HasPrefix(secrets[0], "POLSO-A-") {
		t.Fatal(secrets[0])
	}

	path := filepath.Join(dir, "out.tar.gz")
	said := polsoOK(t, "", "debug", "-o", path, "--config", node)
	if !strings.Contains(said, "Wrote "+path) {
		t.Error(said)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Error(i.Mode(), err)
	}
	files := filesOf(t, path)
	for name, text := range files {
		for _, secret := range append(secrets, "$argon2", "PRIVATE KEY") {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %s", name, secret)
			}
		}
	}
	for name, want := range map[string]string{
		"MANIFEST": "document.json", "version.json": `"go"`, "build.txt": "path\tpolso", "document.json": `"X-Other": "(removed)"`, "status.json": `"leader": "r1"`, "status-local.json": `"node": "r1"`,
		"doctor.json": "findings", "history.json": `"revision": 3`, "audit.json": `"action"`, "events.json": `"kind"`, "certificates.json": "fingerprint", "ipvs.txt": "192.0.2.10:80", "stats.json": `"name": "web"`,
		"metrics.txt": "polso_build_info", "node.json": `"Name": "r1"`, "agent/log.txt": "took the lead", "agent/goroutines.txt": "director.(*Director).Run", "agent/heap.txt": "heap profile",
		"agent/process.json": `"goroutines"`, "agent/raft.json": `"Leader"`, "agent/build.txt": "polso", "machine/system.txt": "Linux version", "machine/data.txt": "ca.key", "machine/sysctls.txt": "net/ipv4/ip_forward",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q: %.200s", name, want, files[name])
		}
	}
}

// Without an agent there is what the machine tells, and the manifest says what is missing and why. A file in the way stays.
func TestDebugWithoutAnAgent(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("POLSO_ADDR", "unix://"+filepath.Join(dir, "nobody.sock"))
	path := filepath.Join(dir, "out.tar.gz")
	said := polsoOK(t, "", "debug", "-o", path)
	if !strings.Contains(said, "MISSING status.json  the agent at unix://") {
		t.Error(said)
	}
	files := filesOf(t, path)
	for name, want := range map[string]string{"MANIFEST": "Not or not wholly here:", "machine/system.txt": "Linux version", "version.json": `"go"`, "doctor.json": "findings"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q: %.200s", name, want, files[name])
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"debug", "-o", path}, strings.NewReader(""), &out, &errs); code != exitFailure || !strings.Contains(errs.String(), "is there already") {
		t.Error(code, errs.String())
	}
	polsoOK(t, "", "debug", "--force", "-o", path)
}
