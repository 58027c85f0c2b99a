package boot

import (
	"bytes"
	"fmt"
	"io"
)

// archive writes the "newc" form of cpio that the kernel unpacks its initial RAM disk from
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w     io.Writer
	inode int
	err   error
}

const (
	modeDir  = 0o040755
	modeFile = 0o100755
)

func (a *archive) dir(name string)               { a.entry(name, modeDir, nil) }
func (a *archive) file(name string, data []byte) { a.entry(name, modeFile, data) }

// close ends the archive and tells the first error there was.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

func (a *archive) entry(name string, mode int, data []byte) {
	if a.err != nil {
		return
	}
	a.inode++
	var b bytes.Buffer
	// magic, inode, mode, uid, gid, links, mtime, size, device ×4, length of name with its NUL, checksum (unused)
	fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	b.WriteString(name)
	b.WriteByte(0)
	pad(&b)
	b.Write(data)
	pad(&b)
	_, a.err = a.w.Write(b.Bytes())
}

// pad fills up to the next multiple of four; headers and data both begin on one, and every entry is written whole.
func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
