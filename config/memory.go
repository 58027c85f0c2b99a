package config

import (
	"reflect"
	"slices"
	"sync"
)

// Memory remembers what the pieces of the long texts say that it has read last, so that a text that differs from one of them in a
// block costs the reading of that block's piece. It answers as Load and Revise do, to the letter: what is wrong with a text is
// told by reading the whole. It keeps the pieces of two texts, of MaxText at most. The zero Memory remembers nothing yet; it
// is for many goroutines, which wait for each other.
type Memory struct {
	mu           sync.Mutex // guards below
	last, before map[string]*said
	pieces       []*said  // of what was read last
	doc          Document // what they say together; shared
}

// said is what a piece says: it is right by itself, and shared.
type said struct {
	doc    Document // complete, but for what stands in other pieces
	blocks []path
}

// passage is a piece where it stands in a text.
type passage struct {
	from, to int
	*said
}

// Load is the function of that name.
func (m *Memory) Load(files ...File) (Document, error) {
	if doc, _, ok := m.read(files); ok && len(unsupported(doc)) == 0 {
		return doc.Clone(), nil
	}
	return Load(files...)
}

// Revise is the function of that name.
func (m *Memory) Revise(source []byte, running Document, e Edit) ([]byte, error) {
	doc, passages, ok := m.read([]File{{Text: source}})
	if ok && (reflect.DeepEqual(doc.withoutVirtuals(), running.withoutVirtuals()) && slices.EqualFunc(doc.Virtuals, running.Virtuals, Virtual.same) || doc.Equal(Complete(running))) {
		if from, to, ok := concerned(passages, e); ok {
			return rewriteIn(source, from, to, e)
		}
	}
	return Revise(source, running, e)
}

// read reads long texts that are right; of others it says nothing. The document is shared. The passages are those of all files, one after
// another.
func (m *Memory) read(files []File) (Document, []passage, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var passages []passage
	var order []*said
	now := make(map[string]*said)
	all := Document{Cluster: Complete(Document{}).Cluster}
	there := make(map[path]bool)
	for i, f := range files {
		if IsJSON(f) || tooMuch(f) != nil || slices.ContainsFunc(files[:i], func(g File) bool { return g.Name == f.Name }) {
			return Document{}, nil, false
		}
		ends, plain := pieces(f.Text)
		if !plain {
			return Document{}, nil, false
		}
		from := 0
		for _, to := range ends {
			text := f.Text[from:to]
			s := m.recall(text)
			if s == nil {
				if s = saying(text); s == nil {
					return Document{}, nil, false
				}
			}
			now[string(text)] = s
			passages, order = append(passages, passage{from, to, s}), append(order, s)
			from = to
			for _, p := range s.blocks {
				if there[p] {
					return Document{}, nil, false
				}
				there[p] = true
			}
			if slices.Contains(s.blocks, "cluster") {
				all.Cluster = s.doc.Cluster
			}
			all.VIPs, all.Virtuals = append(all.VIPs, s.doc.VIPs...), append(all.Virtuals, s.doc.Virtuals...)
			all.Notifies, all.RouterChecks = append(all.Notifies, s.doc.Notifies...), append(all.RouterChecks, s.doc.RouterChecks...)
		}
	}
	if len(passages) < 2 { // what is short is read as fast
		return Document{}, nil, false
	}
	if slices.Equal(order, m.pieces) { // an edit begins with what the one before has left
		return m.doc, passages, true
	}
	all = sorted(all)
	if len(validate(all)) > 0 {
		return Document{}, nil, false
	}
	m.last, m.before, m.pieces, m.doc = now, m.last, order, all
	return all, passages, true
}

// recall is what a text said when it was read last; nil if it was not.
func (m *Memory) recall(text []byte) *said {
	if s := m.last[string(text)]; s != nil {
		return s
	}
	return m.before[string(text)]
}

// saying reads a piece; nil if something is wrong with it.
func saying(text []byte) *said {
	r := newReader()
	f := File{Text: text}
	r.texts[f.Name] = f.Text
	body, diagnostics := r.parse(f)
	if body == nil || len(diagnostics) > 0 {
		return nil
	}
	r.document(body, diagnostics)
	if len(r.problems) > 0 {
		return nil
	}
	s := &said{doc: Complete(r.doc)}
	for _, b := range body.Blocks {
		s.blocks = append(s.blocks, blockPath(b, "", body.Blocks))
	}
	return s
}

// concerned returns the bounds of what an edit of a long text needs to see, if that is not the whole.
func concerned(passages []passage, e Edit) (from, to int, ok bool) {
	way, err := e.place()
	if err != nil || e.Kind == KindCluster {
		return 0, 0, false
	}
	at := path("").block(way[0].kind, way[0].label)
	i := slices.IndexFunc(passages, func(p passage) bool { return slices.Contains(p.blocks, at) })
	first, last := i, i
	switch {
	case e.Verb == Add && len(way) == 1 && i < 0: // it comes at the end
		first, last = len(passages)-1, len(passages)-1
	case i < 0:
		return 0, 0, false
	case e.Verb == Del && len(way) == 1: // with the blank lines around it
		first, last = max(0, i-1), min(len(passages)-1, i+1)
	}
	return passages[first].from, passages[last].to, true
}
