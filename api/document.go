package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/config"
	"polso/fsm"
)

// leaveFor is how long a server that a new document no longer names keeps its connections at weight 0.
const leaveFor = 5 * time.Minute

// load parses files and refuses what is wrong or not supported, every mistake at once.
func (s *server) load(files []File) (config.Document, error) {
	in := make([]config.File, len(files))
	for i, f := range files {
		in[i] = config.File{Name: f.Name, Text: []byte(f.Text)}
	}
	doc, err := s.texts.Load(in...)
	if err != nil {
		return config.Document{}, DocumentError(err)
	}
	return doc, nil
}

// DocumentError puts what config says of a document into an Error: every mistake with its place.
func DocumentError(err error) error {
	list, ok := errors.AsType[config.Errors](err)
	if !ok {
		return err
	}
	e := Errorf(CodeInvalid, "the document has %s; nothing was changed", mistakes(len(list)))
	for _, p := range list {
		var b strings.Builder
		if err := (config.Errors{p}).Render(&b, config.Plain); err != nil {
			return err // a strings.Builder never fails
		}
		e.Problems = append(e.Problems, b.String())
	}
	return e
}

func mistakes(n int) string {
	if n == 1 {
		return "a mistake"
	}
	return fmt.Sprintf("%d mistakes", n)
}

// source is the text that is kept beside the document: as written, but for files that do not make one text.
func source(files []File, doc config.Document) string {
	if len(files) == 1 {
		return files[0].Text
	}
	if slices.ContainsFunc(files, func(f File) bool { return config.IsJSON(config.File{Name: f.Name, Text: []byte(f.Text)}) }) {
		return string(config.Format(doc))
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "# %s\n%s", f.Name, f.Text)
		if !strings.HasSuffix(f.Text, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (s *server) plan(ctx context.Context, req PlanRequest) (Plan, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Plan{}, err
	}
	doc, err := s.load(req.Files)
	if err != nil {
		return Plan{}, err
	}
	if err := preferable(snap, doc); err != nil {
		return Plan{}, err
	}
	return s.livePlan(ctx, snap, doc, drain(req.Drain))
}

// planOf describes the way from one document to another.
func planOf(base uint64, from, to config.Document) Plan {
	return planOfChanges(base, config.Diff(from, to))
}

// planOfChanges describes changes of the document of revision base.
func planOfChanges(base uint64, changes config.Changes) Plan {
	p := Plan{Schema: Schema, Base: base, Changes: []Change{}, Warnings: []string{}}
	for _, c := range changes {
		out := Change{Symbol: string(c.Symbol), Kind: string(c.Kind), Name: c.Name, Text: c.Text, Note: c.Note}
		for _, f := range c.Fields {
			out.Fields = append(out.Fields, FieldChange{Name: f.Name, From: f.From, To: f.To})
		}
		p.Changes = append(p.Changes, out)
	}
	p.Summary = changes.Summary()
	lines := strings.Join(changes.Lines(), "\n")
	if lines != "" {
		lines += "\n"
	}
	p.Text = fmt.Sprintf("%s%s Based on revision %d.\n", lines, p.Summary, base)
	return p
}

func (s *server) apply(ctx context.Context, req ApplyRequest) (Applied, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Applied{}, err
	}
	doc, err := s.load(req.Files)
	if err != nil {
		return Applied{}, err
	}
	if err := preferable(snap, doc); err != nil {
		return Applied{}, err
	}
	return s.write(ctx, snap, req.RequestID, writing{
		doc: doc, source: source(req.Files, doc), message: req.Message, base: req.Base, adopt: req.Adopt,
		confirm: req.ConfirmSeconds, drain: drain(req.Drain),
	})
}

func (s *server) rollback(ctx context.Context, req RollbackRequest) (Applied, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Applied{}, err
	}
	if req.RequestID != "" && req.Revision == 0 && req.Base == 0 {
		return Applied{}, Errorf(CodeInvalid, "request_id needs revision or base_revision: once it is done, another revision is the one before").
			WithHint("polso rollback --dry-run -o json, and /v1/rollback with dry_run, tell both")
	}
	if req.Revision == 0 { // the one before, of what was seen: nothing else must run in between
		req.Base = cmp.Or(req.Base, snap.Revision)
		req.Revision = req.Base - 1
	}
	old, doc, err := revisionOf(snap, req.Revision)
	if err != nil {
		return Applied{}, err
	}
	if req.Message == "" {
		req.Message = fmt.Sprintf("rollback to revision %d", req.Revision)
	}
	if req.DryRun {
		if req.Base != 0 && req.Base != snap.Revision {
			err := Errorf(CodeConflict, "the document changed: revision %d runs now, this rollback is based on %d", snap.Revision, req.Base).
				WithHint("polso history shows what ran, polso rollback --dry-run what it would change now")
			return Applied{}, s.withChanges(ctx, err, req.Base)
		}
		plan, err := s.livePlan(ctx, snap, doc, drain(req.Drain))
		if err != nil {
			return Applied{}, err
		}
		return Applied{
			Schema: Schema, Revision: snap.Revision, Before: snap.Revision, Rollback: req.Revision, Plan: plan,
		}, nil
	}
	return s.write(ctx, snap, req.RequestID, writing{
		doc: doc, source: old.Source, message: req.Message, base: req.Base, rollback: req.Revision,
		confirm: req.ConfirmSeconds, drain: drain(req.Drain),
	})
}

// writing is one document on its way in.
type writing struct {
	doc             config.Document
	source, message string
	base, rollback  uint64
	adopt           bool
	confirm         float64       // seconds; 0: it stays
	drain           time.Duration // of servers that it no longer names
}

func (s *server) write(ctx context.Context, snap *fsm.Snapshot, requestID string, w writing) (Applied, error) {
	now := time.Now()
	confirmUntil, err := confirmEnd(now, w.confirm)
	if err != nil {
		return Applied{}, err
	}
	set, err := fsm.NewSetDocument(w.doc)
	if err != nil {
		return Applied{}, fmt.Errorf("document: %w", err)
	}
	if requestID == "" {
		requestID = fsm.NewRequest()
	}
	plan := s.planOfWrite(ctx, snap, w)
	set.Base, set.Source, set.Message = w.base, w.source, w.message
	set.LeaveUntil, set.RollbackOf, set.Adopt, set.ConfirmUntil = now.Add(w.drain), w.rollback, w.adopt, confirmUntil
	res, err := s.Propose(ctx, actorOf(ctx), requestID, set)
	if err != nil {
		return Applied{}, s.withChanges(ctx, err, w.base)
	}
	done := Applied{
		Schema: Schema, Revision: res.Revision, Before: res.Revision, Unchanged: res.Unchanged, Rollback: w.rollback,
		Plan: plan,
	}
	if !res.Unchanged && res.Revision > 0 {
		done.Before = res.Revision - 1
	}
	if after, err := s.State(ctx); err == nil && after.Confirm.Revision == res.Revision { // done it is in any case
		done.Confirm = ConfirmationOf(after)
	}
	return done, nil
}

// revisionOf finds revision n in the history.
func revisionOf(snap *fsm.Snapshot, n uint64) (fsm.Revision, config.Document, error) {
	if n == 0 {
		return fsm.Revision{}, config.Document{}, Errorf(CodeNotFound, "there is nothing before revision 1").
			WithHint("polso history lists what there is")
	}
	i := slices.IndexFunc(snap.History, func(r fsm.Revision) bool { return r.Number == n })
	if i < 0 {
		e := Errorf(CodeNotFound, "revision %d is not in the history", n).WithHint("polso history lists what is")
		if len(snap.History) > 0 {
			e = e.WithDetail("it holds %d to %d", snap.History[0].Number, snap.History[len(snap.History)-1].Number)
		}
		return fsm.Revision{}, config.Document{}, e
	}
	doc, err := config.FromCanonical(snap.History[i].Document)
	if err != nil {
		return fsm.Revision{}, config.Document{}, fmt.Errorf("revision %d: %w", n, err)
	}
	return snap.History[i], doc, nil
}

func (s *server) history(ctx context.Context, i *struct {
	Count   int  `query:"n" minimum:"1" maximum:"1000" default:"20"`
	Changes bool `query:"changes" doc:"with what each changed, as people read it"`
}) ([]Revision, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	list := []Revision{}
	for at, r := range slices.Backward(snap.History) {
		if len(list) == i.Count {
			break
		}
		out := describeRevision(snap, at, r)
		if i.Changes {
			changes, _ := changesIn(snap, at)
			out.Changes = text(changes)
		}
		list = append(list, out)
	}
	return list, nil
}

// describeRevision is r without its document; at is its place in the history.
func describeRevision(snap *fsm.Snapshot, at int, r fsm.Revision) Revision {
	out := bareRevision(snap, r)
	if changes, known := changesIn(snap, at); known {
		out.Summary = changes.Summary()
	}
	return out
}

// bareRevision is r without what it changed.
func bareRevision(snap *fsm.Snapshot, r fsm.Revision) Revision {
	return Revision{Schema: Schema, Number: r.Number, At: r.At, Author: r.Author.Name, Address: r.Author.Address, Via: r.Author.Via, Message: r.Message, Current: r.Number == snap.Revision}
}

// changesIn is what the revision at that place of the history changed; it is not known of one whose forerunner is not kept.
func changesIn(snap *fsm.Snapshot, at int) (config.Changes, bool) {
	if at == 0 || snap.History[at-1].Number+1 != snap.History[at].Number {
		return nil, false
	}
	before, err1 := config.FromCanonical(snap.History[at-1].Document)
	after, err2 := config.FromCanonical(snap.History[at].Document)
	return config.Diff(before, after), errors.Join(err1, err2) == nil
}

func (s *server) revision(ctx context.Context, i *struct {
	Number uint64 `path:"number"`
}) (Revision, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Revision{}, err
	}
	r, _, err := revisionOf(snap, i.Number)
	if err != nil {
		return Revision{}, err
	}
	at := slices.IndexFunc(snap.History, func(h fsm.Revision) bool { return h.Number == r.Number })
	return withDocument(describeRevision(snap, at, r), r), nil
}

type documentRequest struct {
	Bare bool `query:"bare" doc:"without the summary of what it changed, for which it is compared with the one before"`
}

func (s *server) document(ctx context.Context, i *documentRequest) (Revision, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Revision{}, err
	}
	at := len(snap.History) - 1
	if at < 0 {
		_, _, err := revisionOf(snap, snap.Revision)
		return Revision{}, err
	}
	if i.Bare {
		return withDocument(bareRevision(snap, snap.History[at]), snap.History[at]), nil
	}
	return withDocument(describeRevision(snap, at, snap.History[at]), snap.History[at]), nil
}

func withDocument(out Revision, r fsm.Revision) Revision {
	out.Source, out.Document = r.Source, r.Document
	return out
}
