package boot

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// read takes a newc archive apart as the kernel does (init/initramfs.c): eight hexadecimal digits a field, names and data
// padded to four bytes.
func read(t *testing.T, b []byte) (entries []string) {
	t.Helper()
	field := func(i int) int {
		v, err := strconv.ParseUint(string(b[6+8*i:14+8*i]), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		return int(v)
	}
	align := func(n int) int { return (n + 3) &^ 3 }
	for {
		if string(b[:6]) != "070701" {
			t.Fatalf("no header where one must be: %q", b[:6])
		}
		mode, size, nameSize := field(1), field(6), field(11)
		name := string(b[110 : 110+nameSize-1])
		if b[110+nameSize-1] != 0 {
			t.Fatalf("%s: name does not end in NUL", name)
		}
		data := b[align(110+nameSize):][:size]
		b = b[align(align(110+nameSize)+size):]
		if name == "TRAILER!!!" {
			if len(b) != 0 {
				t.Errorf("%d bytes after the end", len(b))
			}
			return entries
		}
		entries = append(entries, fmt.Sprintf("%o %s %q", mode, name, data))
	}
}

func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := archive{w: &b}
	a.dir("m")
	a.file("init", []byte("program"))
	a.file("m/empty", nil)
	a.file("m/four", []byte("1234"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(read(t, b.Bytes()), "\n")
	want := `40755 m ""
100755 init "program"
100755 m/empty ""
100755 m/four "1234"`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, fmt.Errorf("broken pipe") }

func TestArchiveTellsItsFirstError(t *testing.T) {
	a := archive{w: brokenPipe{}}
	a.file("init", nil)
	if err := a.close(); err == nil {
		t.Error("no error")
	}
}
