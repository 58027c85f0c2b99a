package convert

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
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
			if _, err := config.Load(config.File{Name: name, Text: r.HCL()}); err != nil {
				t.Errorf("the result does not run: %v", err)
			}
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
		if _, err := config.Load(config.File{Name: "hcl", Text: r.HCL()}); err != nil {
			t.Errorf("the result does not run: %v\n%s", err, r.HCL())
		}
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

// A text of any size is read or refused within a second, whatever it makes of little. The limit is more, for the race detector and
// a busy machine: what a mistake makes of these takes minutes.
func TestKeepalivedTakesNoTime(t *testing.T) {
	line := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < 5<<20; i++ {
			fmt.Fprintf(&b, format, i>>16&255, i>>8&255, i&255)
		}
		return b.String()
	}
	full := line("real_server 10.%d.%d.%d 80 {\nweight 1\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n")
	almost := MaxText - 1000
	for name, x := range map[string]struct {
		text    string
		refused string
	}{
		"5 MB":           {full, "longer than the 4 MiB"},
		"servers":        {"virtual_server 192.0.2.1 80 {\nlb_kind NAT\nprotocol TCP\n" + full[:almost/2], "more than the 16384"},
		"addresses":      {"vrrp_instance a {\nvirtual_ipaddress {\n" + line("10.%d.%d.%d/8\n")[:almost/2], "more than the 16384"},
		"a group":        {"virtual_server_group a {\n10.0.0.0/8 80\n}\nvirtual_server group a {\nreal_server 10.0.0.1 80 {\n}\n}\n", "more than the 16384"},
		"a group of six": {"virtual_server_group a {\n2001:db8::/32 80\n}\nvirtual_server group a {\nreal_server 2001::1 80 {\n}\n}\n", "more than the 16384"},
		"nothing known":  {strings.Repeat("a b c d e f g h\n", 1<<17), ""},
		"one line":       {strings.Repeat("a ", almost/2), ""},
		"one quote":      {`a "` + strings.Repeat(`\"`, almost/2), ""},
		"no braces":      {strings.Repeat("virtual_server 192.0.2.1 80\n", almost>>5), ""},
		"braces":         {strings.Repeat("a {\n", 1<<17), "nested too deeply"},
		"lines":          {strings.Repeat("a\n", almost/2), "more than 262144 statements"},
		"pairs":          {strings.Repeat(strings.Repeat("a {}", 1<<13)+"\n", almost>>15), "more than 262144 statements"},
		"blocks":         {strings.Repeat("vrrp_instance a {\n", almost/18), ""},
		"conditions":     {strings.Repeat("@a priority 1\n", almost/16), ""},
		"includes":       {strings.Repeat("include a\n", almost/10), ""},
		"a sequence":     {"~SEQ(a, 1, 2000000000) x$a\n", "more than 262144 statements"},
		"sequences":      {"~SEQ(a, 1, 3000) ~SEQ(b, 1, 3000) xxxxxxxxxxxxxxxxxxxxxxxx\n", "longer than the 4 MiB"},
		"a bomb":         {"$A=aaaaaaaaaaaaaaaa\n$B=${A}${A}${A}${A}\n$C=${B}${B}${B}${B}\n$D=${C}${C}${C}${C}\n$E=${D}${D}${D}${D}\n" + strings.Repeat("$E$E$E\n$E \n", 100000), "longer than the 4 MiB"},
		"lines of lines": {"$A= \\\na \\\na \\\na\n$B= \\\n$A \\\n$A \\\n$A\n$C= \\\n$B \\\n$B \\\n$B\n" + strings.Repeat("$C\n", 100000), "more than 262144 statements"},
	} {
		t.Run(name, func(t *testing.T) {
			before := processorTime(t)
			_, err := Keepalived(func(string) ([]File, error) { return nil, nil }, File{"x", []byte("global_defs {\n}\n" + x.text)})
			took := processorTime(t) - before
			if (err != nil) != (x.refused != "") || err != nil && !strings.Contains(err.Error(), x.refused) {
				t.Errorf("answered %v, not %q", err, x.refused)
			}
			if took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
