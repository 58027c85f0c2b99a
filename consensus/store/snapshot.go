package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// retained snapshots: an older one still helps when the newest is damaged.
const retained = 3

// The folder of the snapshots, and the files of each, as raft has them.
const (
	snapshotFolder = "snapshots"
	metaFile       = "meta.json"
	stateFile      = "state.bin"
)

// What the database knows of the snapshots in files.
var (
	// snapshotKey holds the index of the newest one that was completed here, so that one that was lost is missed even while
	// the log has nothing after it: right after a snapshot was received.
	snapshotKey = []byte("polso/snapshot")
	// sumsKey holds each one's checksum of meta.json. raft sums the state only, but it is meta.json that says which entries
	// the state has in it, and who the members are.
	sumsKey = []byte("polso/snapshots")
)

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
	return &notingSink{SnapshotSink: sink, done: func() error { return s.store.noteSnapshot(sink.ID(), index) }}, nil
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

// List implements raft.SnapshotStore, without those that are not what they were: raft would not notice.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	list, err := s.FileSnapshotStore.List()
	if err != nil {
		return nil, err
	}
	sums, err := s.store.sums()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(m *raft.SnapshotMeta) bool {
		_, err := s.store.checkMeta(m.ID, sums)
		return err != nil
	}), nil
}

// noteSnapshot notes one that was completed, and forgets those that are gone.
func (s *Store) noteSnapshot(id string, index uint64) error {
	sums, err := s.sums()
	if err != nil {
		return err
	}
	for old := range sums {
		if _, err := os.Stat(s.snapshotPath(old)); err != nil {
			delete(sums, old)
		}
	}
	text, err := os.ReadFile(s.snapshotPath(id, metaFile))
	if err != nil {
		return err
	}
	sums[id] = crc32.Checksum(text, castagnoli)
	value, err := json.Marshal(sums)
	if err != nil {
		return err
	}
	return errors.Join(s.Set(sumsKey, value), s.SetUint64(snapshotKey, index))
}

// sums are the checksums of meta.json by the snapshots' IDs. One that was completed right before a crash has none.
func (s *Store) sums() (map[string]uint32, error) {
	sums := map[string]uint32{}
	value, err := s.Get(sumsKey)
	if err != nil {
		if err.Error() == raftboltdb.ErrKeyNotFound.Error() {
			err = nil
		}
		return sums, err
	}
	if err := json.Unmarshal(value, &sums); err != nil {
		return nil, fmt.Errorf("value %q: %w: %w", sumsKey, ErrCorrupt, err)
	}
	return sums, nil
}

func (s *Store) snapshotPath(parts ...string) string {
	return filepath.Join(s.dir, snapshotFolder, filepath.Join(parts...))
}

// snapshotMeta is meta.json.
type snapshotMeta struct {
	raft.SnapshotMeta
	CRC []byte
}

// checkMeta reads a snapshot's meta.json and says what is wrong with it.
func (s *Store) checkMeta(id string, sums map[string]uint32) (m snapshotMeta, err error) {
	path := s.snapshotPath(id, metaFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if want, noted := sums[id]; noted && crc32.Checksum(text, castagnoli) != want {
		return m, fmt.Errorf("%s: %w", path, errSum)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	if m.ID != id || !strings.HasPrefix(id, fmt.Sprintf("%d-%d-", m.Term, m.Index)) {
		return m, fmt.Errorf("%s: is of another snapshot: %s, entry %d of term %d", path, m.ID, m.Index, m.Term)
	}
	return m, nil
}

// checkSnapshot reads all of a snapshot. It returns the index of its last entry.
func (s *Store) checkSnapshot(files *raft.FileSnapshotStore, id string, sums map[string]uint32) (uint64, error) {
	m, err := s.checkMeta(id, sums)
	if err != nil {
		return 0, err
	}
	path := s.snapshotPath(id, stateFile)
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if info.Size() != m.Size {
		return 0, fmt.Errorf("%s: has %d bytes, want %d", path, info.Size(), m.Size)
	}
	_, r, err := files.Open(id) // checks its checksum
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return m.Index, r.Close()
}

// snapshotIDs are the names of the completed snapshots.
func (s *Store) snapshotIDs() ([]string, error) {
	entries, err := os.ReadDir(s.snapshotPath())
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasSuffix(e.Name(), unfinished) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// unfinished ends the name of a snapshot that was not completed.
const unfinished = ".tmp"

// sweepSnapshots removes what a crash or a full disk has left of snapshots that were not completed: nobody else does.
func sweepSnapshots(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, snapshotFolder, "*"+unfinished))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
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
	sums, err := s.sums()
	if err != nil {
		return fmt.Errorf("%w; %s", err, advice(s.dir))
	}
	ids, err := s.snapshotIDs()
	if err != nil {
		return fmt.Errorf("snapshots: %w", err)
	}
	var newest uint64
	var damaged error
	for _, id := range ids {
		last, err := s.checkSnapshot(files, id, sums)
		if err == nil && last >= index {
			return nil
		}
		newest, damaged = max(newest, last), errors.Join(damaged, err)
	}
	lost := "no whole one is there"
	if newest > 0 {
		lost = fmt.Sprintf("the newest whole one ends at entry %d", newest)
	}
	if damaged != nil {
		return fmt.Errorf("%w: the log does not have entry %d, and of its snapshots %s: %w; %s", ErrCorrupt, index, lost, damaged, advice(s.dir))
	}
	return fmt.Errorf("%w: there is no snapshot of entry %d, which the log does not have: %s; %s", ErrEmptied, index, lost, advice(s.dir))
}
