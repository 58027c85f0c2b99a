package convert

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// included reads as the command does, but what is at or below root; refused is no file that anybody may read.
func included(t *testing.T, root string) func(string) ([]File, error) {
	return func(pattern string) ([]File, error) {
		if strings.Contains(pattern, "refused") {
			return nil, errors.New("permission denied")
		}
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		var files []File
		for _, name := range names {
			files = append(files, readFile(t, root, strings.TrimPrefix(name, root+"/")))
		}
		return files, nil
	}
}

func readFile(t *testing.T, root, name string) File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Text: text}
}

// samples are the names of the tree's own inputs.
func samples(t *testing.T, root string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "*.conf"))
	if err != nil || len(names) < 5 {
		t.Fatalf("%d inputs, %v", len(names), err)
	}
	for i, name := range names {
		names[i] = filepath.Base(name)
	}
	return names
}

const keepalivedRoot = "testdata/keepalived"

// The inputs become what the golden files say, which is a document that can run.
func TestKeepalived(t *testing.T) {
	for _, name := range samples(t, keepalivedRoot) {
		t.Run(name, func(t *testing.T) {
			r, err := Keepalived(included(t, keepalivedRoot), readFile(t, keepalivedRoot, name))
			if err != nil {
				t.Fatal(err)
			}
			runs(t, r)
			var report bytes.Buffer
			if err := r.Report(&report); err != nil {
				t.Fatal(err)
			}
			base := filepath.Join(keepalivedRoot, strings.TrimSuffix(name, ".conf"))
			golden(t, base+".hcl", r.HCL())
			golden(t, base+".report", report.Bytes())
		})
	}
}

// The secrets of a file go nowhere.
func TestKeepalivedTellsNoSecrets(t *testing.T) {
	for _, name := range samples(t, keepalivedRoot) {
		r, err := Keepalived(included(t, keepalivedRoot), readFile(t, keepalivedRoot, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hunter22", "00112233", "secret11"} {
			if strings.Contains(string(r.HCL()), secret) {
				t.Errorf("%s: %s is in the document", name, secret)
			}
		}
	}
}

// Nothing is passed over in silence: without any one line, the document or the notes are others, unless a note tells of the block it
// stands in. Lines that the inputs mark as idle say what would be so anyway.
func TestKeepalivedTellsOfEveryLine(t *testing.T) {
	for _, name := range samples(t, keepalivedRoot) {
		f := readFile(t, keepalivedRoot, name)
		k, want := imported(t, f)
		told := make(map[int]bool)
		for _, n := range k.nodes {
			n.lines(name, n.told, told)
		}
		lines := strings.Split(string(f.Text), "\n")
		for i, line := range lines {
			text, goesOn := kaDecomment(line)
			if text == "" || goesOn || strings.ContainsAny(text, "{}") || told[i+1] {
				continue
			}
			less := slices.Clone(lines)
			less[i] = ""
			idle := strings.HasSuffix(line, "# idle")
			if _, got := imported(t, File{f.Name, []byte(strings.Join(less, "\n"))}); (got == want) != idle {
				t.Errorf("%s:%d: idle is %t, but without %q the result is the same: %t", name, i+1, idle, text, !idle)
			}
		}
	}
}

// lines are those of statements below one that a note tells of as a whole.
func (n *kaNode) lines(file string, told bool, in map[int]bool) {
	if told && n.at.file == file {
		in[n.at.line] = true
	}
	for _, m := range n.nodes {
		m.lines(file, told || m.told && m.block, in)
	}
}

// imported is a file's import and what becomes of it.
func imported(t *testing.T, f File) (*kaImport, string) {
	t.Helper()
	k, err := kaImported(included(t, keepalivedRoot), []File{f})
	if err != nil {
		t.Fatal(err)
	}
	r, err := k.finish()
	if err != nil {
		t.Fatal(err)
	}
	return k, string(r.HCL())
}

// Whatever is read, the result can run, and notes name lines that are there.
func FuzzKeepalived(f *testing.F) {
	for _, pattern := range []string{"*.conf", "conf.d/*.conf"} {
		names, err := filepath.Glob(filepath.Join(keepalivedRoot, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, []byte("real_server 10.0.0.1 80 {\n}\n"))
		}
	}
	f.Fuzz(func(t *testing.T, text, other []byte) {
		include := func(string) ([]File, error) { return []File{{"other", other}}, nil }
		r, err := Keepalived(include, File{"text", text})
		if err != nil {
			return
		}
		runs(t, r)
		lines := map[string]int{"text": bytes.Count(text, []byte("\n")) + 1, "other": bytes.Count(other, []byte("\n")) + 1}
		for _, n := range r.Notes {
			if n.Line < 1 || n.Line > lines[n.File] {
				t.Errorf("%s has no line %d: %s", n.File, n.Line, n.What)
			}
		}
	})
}

// A text of which nothing is keepalived's is refused: it is another file than was meant.
func TestKeepalivedRefusesOtherFiles(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "serial_no = 1\nprimary = 192.0.2.1\n", "virtual=192.0.2.1:80\n\treal=10.0.0.1:80 gate\n", "\x7fELF\x00{}"} {
		if _, err := Keepalived(nil, File{"other", []byte(text)}); err == nil || !strings.Contains(err.Error(), "other: nothing in it is of a keepalived.conf") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Keepalived(nil); err == nil {
		t.Error("no file at all was imported")
	}
}
