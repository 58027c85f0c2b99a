package fsm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"polso/config"
)

// A snapshot is lines of JSON: a head, records in a fixed order, and a tail with their number and the SHA-256 of every byte
// before it. Equal states give equal bytes.
const (
	snapshotFormat = 1
	maxSnapshot    = 512 << 20 // what a full state can be, several times over; a bound for a damaged one
)

type head struct {
	Polso  string `json:"polso"` // "fsm"
	Format int    `json:"format"`
	Index  uint64 `json:"index"`
	Term   uint64 `json:"term"`
}

type tail struct {
	Records int    `json:"records"`
	SHA256  string `json:"sha256"`
}

// record is one thing; exactly one field is set.
type record struct {
	Cluster  *Cluster       `json:"cluster,omitempty"`
	Revision *Revision      `json:"revision,omitempty"`
	Override *Override      `json:"override,omitempty"`
	Leaving  *leavingRecord `json:"leaving,omitempty"`
	Due      *Due           `json:"due,omitempty"`
	Node     *Node          `json:"node,omitempty"`
	Removed  string         `json:"removed,omitempty"`
	Token    *Token         `json:"token,omitempty"`
	User     *User          `json:"user,omitempty"`
	Access   *Access        `json:"access,omitempty"`
	Ended    *Ended         `json:"ended,omitempty"`
	Entry    *Entry         `json:"entry,omitempty"`
	Lead     *Lead          `json:"lead,omitempty"`
	Before   *Lead          `json:"before,omitempty"`
	Adopted  uint64         `json:"adopted,omitempty"`
	Confirm  *Confirmation  `json:"confirm,omitempty"`
	Level    int            `json:"level,omitempty"` // the first of all, so that who is below it need not stumble over what it brought
	Request  *request       `json:"request,omitempty"`
	Tail     *tail          `json:"tail,omitempty"`
}

// leavingRecord carries the virtual and its server as a canonical document of their own.
type leavingRecord struct {
	ID       string          `json:"id"`
	Until    time.Time       `json:"until"`
	Document json.RawMessage `json:"document"`
}

// write writes s.
func (s *Snapshot) write(to io.Writer) error {
	w := &lines{to: bufio.NewWriter(to), sum: sha256.New()}
	w.line(head{"fsm", snapshotFormat, s.Index, s.Term})
	if s.Level > 1 {
		w.record(record{Level: s.Level})
	}
	if s.Founded() {
		w.record(record{Cluster: &s.Cluster})
	}
	for i := range s.History {
		w.record(record{Revision: &s.History[i]})
	}
	for i := range s.Overrides {
		w.record(record{Override: &s.Overrides[i]})
	}
	for _, l := range s.Leaving {
		v := l.Virtual
		v.Servers = []config.Server{l.Server}
		text, err := config.Canonical(config.Document{Virtuals: []config.Virtual{v}})
		if err != nil {
			return fmt.Errorf("leaving %s: %w", l.ID, err)
		}
		w.record(record{Leaving: &leavingRecord{l.ID, l.Until, text}})
	}
	for i := range s.Due {
		w.record(record{Due: &s.Due[i]})
	}
	for i := range s.Nodes {
		w.record(record{Node: &s.Nodes[i]})
	}
	for _, id := range s.Removed {
		w.record(record{Removed: id})
	}
	for i := range s.Tokens {
		w.record(record{Token: &s.Tokens[i]})
	}
	for i := range s.Users {
		w.record(record{User: &s.Users[i]})
	}
	for i := range s.Accesses {
		w.record(record{Access: &s.Accesses[i]})
	}
	for i := range s.Ended {
		w.record(record{Ended: &s.Ended[i]})
	}
	for i := range s.Audit {
		w.record(record{Entry: &s.Audit[i]})
	}
	if s.Lead != (Lead{}) {
		w.record(record{Lead: &s.Lead})
	}
	if s.Before != (Lead{}) {
		w.record(record{Before: &s.Before})
	}
	if s.Adopted != 0 {
		w.record(record{Adopted: s.Adopted})
	}
	if s.Confirm.Pending() {
		w.record(record{Confirm: &s.Confirm})
	}
	for i := range s.requests {
		w.record(record{Request: &s.requests[i]})
	}
	w.line(record{Tail: &tail{w.records, hex.EncodeToString(w.sum.Sum(nil))}})
	if w.err != nil {
		return w.err
	}
	return w.to.Flush()
}

// lines writes lines until the first error.
type lines struct {
	to      *bufio.Writer
	sum     hash.Hash
	records int
	err     error
}

func (w *lines) record(r record) {
	w.records++
	w.line(r)
}

func (w *lines) line(v any) {
	if w.err != nil {
		return
	}
	b, err := marshal(v)
	if err != nil {
		w.err = err
		return
	}
	b = append(b, '\n')
	w.sum.Write(b)
	_, w.err = w.to.Write(b)
}

// readSnapshot reads what write wrote. The errors: ErrCorrupt, ErrUnknown, and the reader's own.
func (l Levels) readSnapshot(from io.Reader) (*Snapshot, error) {
	in := bufio.NewReader(io.LimitReader(from, maxSnapshot))
	sum := sha256.New()
	b, err := nextLine(in)
	if err != nil {
		return nil, err
	}
	sum.Write(b)
	var h head
	// Format first: what follows is the business of the release that knows it.
	if err := json.Unmarshal(b, &h); err != nil || h.Polso != "fsm" {
		return nil, fmt.Errorf("%w: it does not begin as a snapshot does", ErrCorrupt)
	}
	if h.Format != snapshotFormat {
		return nil, fmt.Errorf("%w: format %d, this release reads %d", ErrUnknown, h.Format, snapshotFormat)
	}
	s := &Snapshot{Index: h.Index, Term: h.Term}
	take := func(r record) error {
		if r.Level > l.Own() {
			return tooNew("the state", r.Level, l.Own())
		}
		return s.take(r)
	}
	if err := readRecords(in, sum, take); err != nil {
		return nil, err
	}
	return s.finish()
}

// readRecords hands what follows the head to take, up to the tail, which must fit and be the end. sum has the head already.
func readRecords(in *bufio.Reader, sum hash.Hash, take func(record) error) error {
	for n := 0; ; n++ {
		b, err := nextLine(in)
		if err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
		var r record
		if err := unmarshal(b, &r); err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
		if r.Tail != nil {
			if r.Tail.Records != n || r.Tail.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
				return fmt.Errorf("%w: number or checksum of the records is wrong", ErrCorrupt)
			}
			if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("%w: something follows the end", ErrCorrupt)
			}
			return nil
		}
		sum.Write(b)
		if err := take(r); err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
	}
}

func nextLine(in *bufio.Reader) ([]byte, error) {
	b, err := in.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it ends too early", ErrCorrupt)
	}
	return b, err
}

// take adds one record.
func (s *Snapshot) take(r record) error {
	switch {
	case r.Cluster != nil:
		s.Cluster = *r.Cluster
	case r.Revision != nil:
		s.History = append(s.History, *r.Revision)
	case r.Override != nil:
		s.Overrides = append(s.Overrides, *r.Override)
	case r.Leaving != nil:
		_, doc, err := readDocument(r.Leaving.Document, legible{})
		if err != nil {
			return err
		}
		if len(doc.Virtuals) != 1 || len(doc.Virtuals[0].Servers) != 1 {
			return fmt.Errorf("%w: leaving %s is not one server of one virtual", ErrCorrupt, r.Leaving.ID)
		}
		v := doc.Virtuals[0]
		server := v.Servers[0]
		v.Servers = nil
		s.Leaving = append(s.Leaving, Leaving{r.Leaving.ID, v, server, r.Leaving.Until})
	case r.Due != nil:
		s.Due = append(s.Due, *r.Due)
	case r.Node != nil:
		s.Nodes = append(s.Nodes, *r.Node)
	case r.Removed != "":
		s.Removed = append(s.Removed, r.Removed)
	case r.Token != nil:
		s.Tokens = append(s.Tokens, *r.Token)
	case r.User != nil:
		s.Users = append(s.Users, *r.User)
	case r.Access != nil:
		s.Accesses = append(s.Accesses, *r.Access)
	case r.Ended != nil:
		s.Ended = append(s.Ended, *r.Ended)
	case r.Entry != nil:
		s.Audit = append(s.Audit, *r.Entry)
	case r.Lead != nil:
		s.Lead = *r.Lead
	case r.Before != nil:
		s.Before = *r.Before
	case r.Adopted != 0:
		s.Adopted = r.Adopted
	case r.Confirm != nil:
		s.Confirm = *r.Confirm
	case r.Level != 0:
		s.Level = r.Level
	case r.Request != nil:
		s.requests = append(s.requests, *r.Request)
	default:
		return fmt.Errorf("%w: it holds nothing", ErrCorrupt)
	}
	return nil
}

// finish makes the running document out of the last revision.
func (s *Snapshot) finish() (*Snapshot, error) {
	if s.Founded() != (len(s.History) > 0) {
		return nil, fmt.Errorf("%w: a cluster and its history belong together", ErrCorrupt)
	}
	var before legible // most revisions have most of their virtuals in common with the one before
	for i := range s.History {
		text, doc, err := readDocument(s.History[i].Document, before)
		if err != nil {
			return nil, fmt.Errorf("revision %d: %w", s.History[i].Number, err)
		}
		s.History[i].Document = bytes.Clone(text)
		before = legible{s.History[i].Document, doc}
		s.Revision, s.Document, s.Source = s.History[i].Number, doc, s.History[i].Source
	}
	if _, ok := s.Numbered(s.Confirm.BackTo); s.Confirm.Pending() && (s.Confirm.Revision != s.Revision || !ok) {
		return nil, fmt.Errorf("%w: revision %d cannot go back to %d", ErrCorrupt, s.Confirm.Revision, s.Confirm.BackTo)
	}
	return s, nil
}

// Snapshot hands raft the current version; writing it needs no lock. A state that stands still refuses: raft would take the
// snapshot for one that has everything up to its own index.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	if stopped := f.standsStill(); stopped != nil {
		return nil, fmt.Errorf("snapshot: %w: %w", ErrStopped, stopped)
	}
	return persister{f.Load()}, nil
}

type persister struct{ snapshot *Snapshot }

// Persist writes the version to sink and closes it.
func (p persister) Persist(sink raft.SnapshotSink) error {
	if err := p.snapshot.write(sink); err != nil {
		return errors.Join(fmt.Errorf("write snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to let go of: versions are shared.
func (p persister) Release() {}

// Restore replaces the state by a snapshot, all of it or, with an error, nothing of it.
func (f *FSM) Restore(from io.ReadCloser) error {
	next, err := f.levels.readSnapshot(from)
	if err = errors.Join(err, from.Close()); err != nil {
		err = fmt.Errorf("read snapshot: %w", err)
		if errors.Is(err, ErrUnknown) && f.options.Fatal != nil { // raft would ask for it again and again
			f.options.Fatal(fmt.Errorf("%w; this router stops: install the release that the other routers run", err))
		}
		return err
	}
	if stopped := f.standsStill(); stopped != nil {
		return fmt.Errorf("restore: %w: %w", ErrStopped, stopped)
	}
	f.publish(next)
	f.log.Info("state restored", "index", next.Index, "term", next.Term, "rev", next.Revision)
	return nil
}
