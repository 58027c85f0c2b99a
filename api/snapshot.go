package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/config"
	"polso/fsm"
)

// Snapshot is what a snapshot file holds.
type Snapshot struct {
	Schema    string       `json:"schema"`
	Cluster   string       `json:"cluster" doc:"the cluster's name"`
	ClusterID string       `json:"cluster_id"`
	Revision  uint64       `json:"revision" doc:"of the document that ran"`
	At        time.Time    `json:"at" doc:"when it was saved"`
	Revisions []Revision   `json:"revisions" nullable:"false" doc:"newest first"`
	Audit     []AuditEntry `json:"audit" nullable:"false" doc:"oldest first"`
}

// SnapshotSaved tells what was written where.
type SnapshotSaved struct {
	Schema   string    `json:"schema"`
	File     string    `json:"file" doc:"- is standard output"`
	Bytes    int       `json:"bytes"`
	Cluster  string    `json:"cluster"`
	Revision uint64    `json:"revision"`
	At       time.Time `json:"at"`
}

// SnapshotOrigin is the snapshot that a restored document is from.
type SnapshotOrigin struct {
	Cluster  string    `json:"cluster"`
	Revision uint64    `json:"revision"`
	At       time.Time `json:"at"`
	Brought  int       `json:"brought_revisions" doc:"older revisions that came along into the history"`
}

// RestoreRequest has the document of a snapshot run.
type RestoreRequest struct {
	Text      []byte // the file
	Base      uint64 // refuse with conflict unless this is the running revision; 0: whichever
	Message   string // default: what it was restored from
	RequestID string // as for apply; needs Base
	DryRun    bool
}

// MaxSnapshot is the most that a snapshot file can have, in bytes: several times what a full history takes.
const MaxSnapshot = 64 << 20

// snapshotType is what a snapshot file is: one JSON value a line.
const snapshotType = "application/jsonl"

// InspectSnapshot reads a snapshot file, or says where and why it cannot be used. name is what to call it.
func InspectSnapshot(name string, text []byte) (Snapshot, error) {
	b, err := readBackup(name, text)
	if err != nil {
		return Snapshot{}, err
	}
	out := Snapshot{
		Schema: Schema, Cluster: b.Cluster, ClusterID: b.ClusterID, Revision: b.Revision, At: b.At, Revisions: []Revision{}, Audit: []AuditEntry{},
	}
	as := &fsm.Snapshot{Revision: b.Revision, History: b.History}
	for at, r := range slices.Backward(b.History) {
		out.Revisions = append(out.Revisions, describeRevision(as, at, r))
	}
	for _, e := range b.Audit {
		out.Audit = append(out.Audit, describeEntry(e))
	}
	return out, nil
}

func readBackup(name string, text []byte) (fsm.Backup, error) {
	b, err := fsm.ReadBackup(bytes.NewReader(text))
	switch {
	case errors.Is(err, fsm.ErrUnknown):
		return b, Errorf(CodeInvalid, "%s cannot be read", name).WithDetail("%v", err).WithHint("use a polso of the release that saved it, or a later one")
	case err != nil:
		return b, Errorf(CodeInvalid, "%s cannot be used; nothing was changed", name).WithDetail("%v", err).
			WithHint("it is not what polso snapshot save wrote, or not all of it: take another one")
	}
	return b, nil
}

// snapshotRoutes are the two whose bodies are files.
func (s *server) snapshotRoutes(a huma.API) {
	save := operation(a, http.MethodGet, "save-snapshot", "/v1/snapshot", "Document, history and audit in one file")
	save.Responses["200"] = &huma.Response{Description: "The file", Content: map[string]*huma.MediaType{
		snapshotType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
	huma.Register(a, save, func(ctx context.Context, _ *none) (*file, error) {
		text, err := s.saveSnapshot(ctx)
		if err != nil {
			return nil, wireError(err)
		}
		return &file{Type: snapshotType, Body: text}, nil
	})

	restore := operation(a, http.MethodPost, "restore-snapshot", "/v1/snapshot/restore", "Run the document of a snapshot, as a new revision")
	restore.MaxBodyBytes = MaxSnapshot
	huma.Register(a, restore, func(ctx context.Context, i *restoring) (*out[Applied], error) {
		done, err := s.restore(ctx, RestoreRequest{Text: i.RawBody, Base: i.Base, Message: i.Message, RequestID: i.RequestID, DryRun: i.DryRun})
		if err != nil {
			return nil, wireError(err)
		}
		return &out[Applied]{Body: done}, nil
	})
}

type file struct {
	Type string `header:"Content-Type"`
	Body []byte
}

// restoring is a RestoreRequest as it travels.
type restoring struct {
	Base      uint64 `query:"base_revision" doc:"refuse with conflict unless this is the running revision; 0: no check"`
	Message   string `query:"message" maxLength:"1000"`
	RequestID string `query:"request_id" maxLength:"64" doc:"as for apply; needs base_revision"`
	DryRun    bool   `query:"dry_run"`
	RawBody   []byte `contentType:"application/jsonl"`
}

func (s *server) saveSnapshot(ctx context.Context) ([]byte, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := snap.Backup(time.Now()).Write(&b); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return b.Bytes(), nil
}

func (s *server) restore(ctx context.Context, req RestoreRequest) (Applied, error) {
	b, err := readBackup("the snapshot", req.Text)
	if err != nil {
		return Applied{}, err
	}
	snap, err := s.State(ctx)
	if err != nil {
		return Applied{}, err
	}
	switch {
	case req.RequestID != "" && req.Base == 0:
		return Applied{}, Errorf(CodeInvalid, "request_id needs base_revision: once it is done, another revision runs").
			WithHint("with dry_run the answer tells the running revision")
	case req.Base == 0: // what was seen: nothing else must run in between
		req.Base = snap.Revision
	case req.DryRun && req.Base != snap.Revision:
		return Applied{}, Errorf(CodeConflict, "the document changed: revision %d runs now, this is based on %d", snap.Revision, req.Base).
			WithHint("polso history shows what ran")
	}
	doc, err := config.FromCanonical(b.History[len(b.History)-1].Document)
	if err != nil {
		return Applied{}, fmt.Errorf("revision %d: %w", b.Revision, err)
	}
	if err := errors.Join(doc.Validate(), doc.Unsupported()); err != nil {
		return Applied{}, DocumentError(err)
	}
	if req.Message == "" {
		req.Message = fmt.Sprintf("restored from revision %d of %s, saved %s", b.Revision, b.Cluster, b.At.Format(time.RFC3339))
	}
	change := fitting(&fsm.Restore{
		Base: req.Base, ClusterID: b.ClusterID, History: b.History, Message: req.Message, LeaveUntil: time.Now().Add(leaveFor),
	})
	plan := planFor(snap, doc)
	if w := b.Confirm; w.Pending() {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("the snapshot's revision %d waited to be confirmed when it was saved, else it was to go back to %d; restored, it stays", w.Revision, w.BackTo))
	}
	done := Applied{
		Schema: Schema, Revision: snap.Revision, Before: snap.Revision, Plan: plan,
		Snapshot: &SnapshotOrigin{Cluster: b.Cluster, Revision: b.Revision, At: b.At, Brought: snap.Brings(b.ClusterID, change.History)},
	}
	if req.DryRun {
		return done, nil
	}
	if req.RequestID == "" {
		req.RequestID = fsm.NewRequest()
	}
	res, err := s.Propose(ctx, actorOf(ctx), req.RequestID, change)
	if err != nil {
		return Applied{}, err
	}
	done.Revision, done.Before, done.Unchanged = res.Revision, req.Base, res.Unchanged
	return done, nil
}

// fitting leaves out the oldest of a history that is too large for one entry of the log. The last one stays, whatever it takes.
func fitting(r *fsm.Restore) *fsm.Restore {
	for len(r.History) > 1 {
		_, err := fsm.Encode(fsm.Envelope{Request: "size", At: time.Now(), Command: r})
		if err == nil || !errors.Is(err, fsm.ErrTooLarge) && len(r.History) <= maxRevisions {
			return r // another fault is told when it is proposed
		}
		r.History = r.History[max(1, len(r.History)/4, len(r.History)-maxRevisions):]
	}
	return r
}

// maxRevisions is what a history holds.
const maxRevisions = 100
