package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// retained snapshots: an older one still helps when the newest is damaged.
const retained = 3

// snapshotKey holds the index of the newest snapshot that was completed here, so that one that was lost is missed even
// while the log has nothing after it: right after a snapshot was received.
var snapshotKey = []byte("polso/snapshot")

// snapshots is raft's store of snapshots in files, which notes in the database what it has completed.
type snapshots struct {
	*raft.FileSnapshotStore
	store *Store
}

// Snapshots returns raft's own store of snapshots in files, with checksums, the last three kept. A nil log is silence.
func (s *Store) Snapshots(log hclog.Logger) (raft.SnapshotStore, error) {
	files, err := s.snapshotFiles(log)
	if err != nil {
		return nil, err
	}
	return &snapshots{FileSnapshotStore: files, store: s}, nil
}

func (s *Store) snapshotFiles(log hclog.Logger) (*raft.FileSnapshotStore, error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(s.dir, retained, log)
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	return files, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.FileSnapshotStore.Create(version, index, term, configuration, configurationIndex, trans)
	if err != nil {
		return nil, err
	}
	return &notingSink{SnapshotSink: sink, done: func() error { return s.store.SetUint64(snapshotKey, index) }}, nil
}

type notingSink struct {
	raft.SnapshotSink
	done func() error
}

// Close completes the snapshot, and then notes it: the other way round a crash between the two would look like a loss.
func (s *notingSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	return s.done()
}

// verifySnapshots wants a whole snapshot for what came before the log's unbroken end, and for what was completed past it.
// Without one raft would start with an empty state and no complaint. A gap in the log is no damage in itself: installing
// a snapshot leaves older entries.
func (s *Store) verifySnapshots(logs [][]byte) error {
	noted, err := s.GetUint64(snapshotKey)
	if err != nil && err.Error() != raftboltdb.ErrKeyNotFound.Error() {
		return err
	}
	var start, last uint64 // of the unbroken end; 0 without entries
	for i := len(logs) - 1; i >= 0; i-- {
		index := binary.BigEndian.Uint64(logs[i])
		if start == 0 {
			last = index
		} else if index != start-1 {
			break
		}
		start = index
	}
	need := uint64(0)
	if start > 1 {
		need = start - 1
	}
	if noted > last {
		need = noted
	}
	if need == 0 {
		return nil
	}
	return s.haveSnapshot(need)
}

// haveSnapshot wants a whole snapshot of index or later.
func (s *Store) haveSnapshot(index uint64) error {
	files, err := s.snapshotFiles(nil)
	if err != nil {
		return err
	}
	list, err := files.List()
	if err != nil {
		return fmt.Errorf("snapshots: %w", err)
	}
	var damaged error
	for _, meta := range list {
		if meta.Index < index {
			continue
		}
		_, r, err := files.Open(meta.ID) // checks its checksum
		if err == nil {
			return r.Close()
		}
		damaged = errors.Join(damaged, fmt.Errorf("%s: %w", meta.ID, err))
	}
	if damaged != nil {
		return fmt.Errorf("%w: snapshots: %w; %s", ErrCorrupt, damaged, advice(s.dir))
	}
	return fmt.Errorf("%w: there is no snapshot of entry %d, which the log does not have; %s", ErrEmptied, index, advice(s.dir))
}
