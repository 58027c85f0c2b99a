package fsm

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Backup is what of a cluster's state can begin another life: the document with its history, and the audit to read. It holds
// no member, key, user or token: people hand such a file around, and what it brought back could let in who was removed.
type Backup struct {
	Cluster   string    // the cluster's name
	ClusterID string    // which tells a cluster from another of the same name
	Revision  uint64    // the document that ran
	At        time.Time // when it was made
	History   []Revision
	Confirm   Confirmation // the revision that ran, if it waited to be confirmed
	Audit     []Entry
}

// Backup returns what of s is worth keeping elsewhere. There must be a cluster.
func (s *Snapshot) Backup(at time.Time) Backup {
	return Backup{
		Cluster: s.Cluster.Name, ClusterID: s.Cluster.ID, Revision: s.Revision, At: at.UTC(), History: s.History, Confirm: s.Confirm, Audit: s.Audit,
	}
}

// A backup is lines of JSON like a snapshot of raft's, under a head of its own.
const backupFormat = 1

type backupHead struct {
	Polso     string    `json:"polso"` // "snapshot"
	Format    int       `json:"format"`
	Cluster   string    `json:"cluster"`
	ClusterID string    `json:"cluster_id"`
	Revision  uint64    `json:"revision"`
	At        time.Time `json:"at"`
}

// Write writes b. Equal backups give equal bytes.
func (b Backup) Write(to io.Writer) error {
	w := &lines{to: bufio.NewWriter(to), sum: sha256.New()}
	w.line(backupHead{"snapshot", backupFormat, b.Cluster, b.ClusterID, b.Revision, b.At})
	for i := range b.History {
		w.record(record{Revision: &b.History[i]})
	}
	if b.Confirm.Pending() {
		w.record(record{Confirm: &b.Confirm})
	}
	for i := range b.Audit {
		w.record(record{Entry: &b.Audit[i]})
	}
	w.line(record{Tail: &tail{w.records, hex.EncodeToString(w.sum.Sum(nil))}})
	if w.err != nil {
		return w.err
	}
	return w.to.Flush()
}

// ReadBackup reads what Write wrote, whole, or refuses it with the place and the cause. The errors: ErrCorrupt for what is
// torn, altered or no backup, ErrUnknown for one of a newer release, and the reader's own.
func ReadBackup(from io.Reader) (Backup, error) {
	in := bufio.NewReader(io.LimitReader(from, maxSnapshot))
	line, err := nextLine(in)
	if err != nil {
		return Backup{}, fmt.Errorf("first line: %w", err)
	}
	sum := sha256.New()
	sum.Write(line)
	var h backupHead
	if err := json.Unmarshal(line, &h); err != nil || h.Polso != "snapshot" {
		return Backup{}, fmt.Errorf("first line: %w: it is not the head of a snapshot", ErrCorrupt)
	}
	if h.Format != backupFormat {
		return Backup{}, fmt.Errorf("first line: %w: format %d, this release reads %d", ErrUnknown, h.Format, backupFormat)
	}
	b := Backup{Cluster: h.Cluster, ClusterID: h.ClusterID, Revision: h.Revision, At: h.At}
	if err := readRecords(in, sum, b.take); err != nil {
		return Backup{}, err
	}
	if n := len(b.History); n == 0 || b.History[n-1].Number != b.Revision {
		return Backup{}, fmt.Errorf("%w: revision %d, which it is of, is not the last one in it", ErrCorrupt, b.Revision)
	}
	return b, nil
}

// take adds one record.
func (b *Backup) take(r record) error {
	switch {
	case r.Revision != nil:
		text, _, err := readDocument(r.Revision.Document, legible{})
		if err != nil {
			return fmt.Errorf("revision %d: %w", r.Revision.Number, err)
		}
		if n := len(b.History); n > 0 && b.History[n-1].Number >= r.Revision.Number {
			return fmt.Errorf("%w: revision %d comes after %d", ErrCorrupt, r.Revision.Number, b.History[n-1].Number)
		}
		r.Revision.Document = text
		b.History = append(b.History, *r.Revision)
	case r.Confirm != nil:
		b.Confirm = *r.Confirm
	case r.Entry != nil:
		b.Audit = append(b.Audit, *r.Entry)
	default:
		return fmt.Errorf("%w: what it holds does not belong into a snapshot", ErrCorrupt)
	}
	return nil
}
