package convert

import (
	"bytes"
	"fmt"

	"polso/config"
)

// export is what exporters share: the text so far and what it cannot say.
type export struct {
	bytes.Buffer
	format string // what notes name as their file
	notes  []Note
}

func (e *export) note(level Level, about, format string, args ...any) {
	e.notes = append(e.notes, Note{File: e.format, Level: level, About: about, What: fmt.Sprintf(format, args...)})
}

func (e *export) line(format string, args ...any) { fmt.Fprintf(&e.Buffer, format+"\n", args...) }

// block is the path of a block, as notes name it.
func block(kind, name string) string { return fmt.Sprintf("%s %q", kind, name) }

// routers notes what a document says of the cluster's routers, and no other format does.
func (e *export) routers(c config.Cluster) {
	if len(c.Prefer) > 0 {
		e.note(Lost, "cluster", "prefer = %q", c.Prefer)
	}
	if c.Failback {
		e.note(Lost, "cluster", "failback = true")
	}
}
