package convert

import (
	"cmp"
	"fmt"
	"strings"

	"polso/config"
)

// place is where something was written.
type place struct {
	file string
	line int    // from 1; 0: nowhere in particular
	text string // the line as written
}

// builder is what importers share: they add virtuals, servers and vips under names that a document can have, say what they could
// not carry over, and finish.
type builder struct {
	format   string
	files    []string
	cluster  config.Cluster
	vips     []*vip
	virtuals []*virtual
	notifies []*notify

	routerChecks []*routerCheck

	notes []Note

	places map[string]place // of blocks and attributes, by path
	taken  map[string]int   // by path: how many more wanted the same name
	found  map[string]any   // by path: *vip, *virtual, *server, *notify or *routerCheck
}

// vip, virtual and server are parts of the document to be; path is what notes call them (Note.About), and gone that finish took them out.
type vip struct {
	config.VIP
	path string
	gone bool
}

type virtual struct {
	config.Virtual
	path     string
	servers  []*server
	inactive bool // it serves nothing: finish has it in the document so, or as a comment where that cannot be
	gone     bool
	b        *builder
}

type server struct {
	config.Server
	path string
	gone bool
}

func newBuilder(format string, files []File) *builder {
	b := &builder{format: format, places: make(map[string]place), taken: make(map[string]int), found: make(map[string]any)}
	for _, f := range files {
		b.files = append(b.files, f.Name)
	}
	return b
}

// virtual adds a virtual with the defaults that the document has. It is called wish, or what is legal and free of it; a note says
// so if that is something else.
func (b *builder) virtual(wish string, at place) *virtual {
	v := &virtual{
		Virtual: config.Virtual{Scheduler: "wlc", Forward: config.DR, MinServers: 1, OnFailure: config.Remove},
		b:       b,
	}
	v.Name, v.path = b.name("", "virtual", wish, at)
	b.virtuals = append(b.virtuals, v)
	b.found[v.path] = v
	return v
}

// server adds a server with weight 1, as virtual does a virtual. Forward and port are the virtual's unless set.
func (v *virtual) server(wish string, at place) *server {
	s := &server{Server: config.Server{Weight: 1}}
	s.Name, s.path = v.b.name(v.path, "server", wish, at)
	v.servers = append(v.servers, s)
	v.b.found[s.path] = s
	return s
}

// vip adds a vip, as virtual does a virtual.
func (b *builder) vip(wish string, at place) *vip {
	x := &vip{VIP: config.VIP{Group: "default"}}
	x.Name, x.path = b.name("", "vip", wish, at)
	b.vips = append(b.vips, x)
	b.found[x.path] = x
	return x
}

// at remembers where an attribute (`virtual "web" sorry_server`) was written, for what finish says of it.
func (b *builder) at(path string, at place) { b.places[path] = at }

// where is the innermost place known for a path.
func (b *builder) where(path string) place {
	for ; path != ""; path = parent(path) {
		if at, ok := b.places[path]; ok {
			return at
		}
	}
	return place{file: b.files[0]}
}

// parent is path without its last word. Names have no spaces.
func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, ' '), 0)]
}

// lost, changed and hint note what became of a line.
func (b *builder) lost(about string, at place, format string, args ...any) {
	b.note(Lost, about, at, format, args...)
}

func (b *builder) changed(about string, at place, format string, args ...any) {
	b.note(Changed, about, at, format, args...)
}

func (b *builder) hint(about string, at place, format string, args ...any) {
	b.note(Hint, about, at, format, args...)
}

func (b *builder) note(level Level, about string, at place, format string, args ...any) {
	text := strings.ToValidUTF8(strings.TrimSpace(at.text), "�")
	b.notes = append(b.notes, Note{File: at.file, Line: at.line, Text: text, Level: level, About: about, What: fmt.Sprintf(format, args...)})
}

// longestName is the longest name that a document takes.
const longestName = 63

// name returns a legal name that no part of that kind has inside the block in, with the part's path, and notes if it is not wish.
func (b *builder) name(in, kind, wish string, at place) (name, path string) {
	base := cmp.Or(legal(wish), kind)
	pathOf := func(name string) string { return strings.TrimSpace(fmt.Sprintf("%s %s %q", in, kind, name)) }
	key := pathOf(base)
	for name, path = base, key; b.found[path] != nil; path = pathOf(name) {
		b.taken[key]++
		suffix := fmt.Sprintf("-%d", b.taken[key]+1)
		name = base[:min(len(base), longestName-len(suffix))] + suffix
	}
	b.places[path] = at
	switch {
	case name == wish:
	case wish == "":
		b.changed(path, at, "it has no name and is called %q here", name)
	case base == wish:
		b.changed(path, at, "another %s is called %q already, so this one is called %q here", kind, wish, name)
	default:
		b.changed(path, at, "called %q here: a name is 1 to %d letters, digits, dots, underscores and dashes", name, longestName)
	}
	return name, path
}

// legal returns the name that a document takes and that looks most like wish; "" if there is none.
func legal(wish string) string {
	var out strings.Builder
	for _, r := range wish {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		switch {
		case out.Len() == longestName:
			return out.String()
		case letter, out.Len() > 0 && strings.ContainsRune("._-", r):
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	return strings.TrimRight(out.String(), "-")
}
