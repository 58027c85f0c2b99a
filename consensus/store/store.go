package store

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// The files of a store, in its directory. raft puts its snapshots into the folder snapshots beside them.
const (
	databaseFile = "raft.db"
	markerFile   = "store.json"
)

// lockTimeout is how long opening waits for another process to let the store go.
const lockTimeout = time.Second

// openTimeout is how long opening may take altogether; the log is small, so more than this is a disk that hangs.
const openTimeout = 30 * time.Second

// Options says where a store lies and whose it is.
type Options struct {
	Dir     string // required; Create makes it
	Cluster string // the cluster's ID, required
	Node    string // the node's ID, required
}

// marker is the content of markerFile, and of the value under stampKey inside the database. The two name each other: a
// database that was emptied or exchanged no longer has the stamp that its marker tells of.
type marker struct {
	Store   string    `json:"store"` // random
	Cluster string    `json:"cluster"`
	Node    string    `json:"node"`
	Created time.Time `json:"created"`
}

var stampKey = []byte("polso/store")

// Store is raft's log and stable store. It implements raft.LogStore and raft.StableStore.
type Store struct {
	bolt *raftboltdb.BoltStore
	dir  string
}

var (
	_ raft.LogStore    = (*Store)(nil)
	_ raft.StableStore = (*Store)(nil)
)

// Create makes a new, empty store and opens it. It is ErrExists when there is one; what a Create that was interrupted
// has left is replaced.
func Create(o Options) (*Store, error) {
	s, err := guarded(openTimeout, func() (*Store, error) { return create(o) }, (*Store).Close)
	if err != nil {
		return nil, fmt.Errorf("create store %s: %w", o.Dir, err)
	}
	return s, nil
}

func create(o Options) (*Store, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	markerPath, path := filepath.Join(o.Dir, markerFile), filepath.Join(o.Dir, databaseFile)
	if _, err := os.Stat(markerPath); err == nil {
		return nil, fmt.Errorf("%w: %s; a node joins only once", ErrExists, markerPath)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// The marker is written last: a database without one is a Create that was interrupted, unless it has been used.
	used, err := hasEntries(path)
	if err != nil {
		return nil, err
	}
	if used {
		return nil, fmt.Errorf("%w: %s, which has entries but no %s beside it; move it away if nothing in it is wanted", ErrExists, path, markerFile)
	}
	if err := remove(path); err != nil {
		return nil, err
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	m := marker{Store: hex.EncodeToString(id), Cluster: o.Cluster, Node: o.Node, Created: time.Now().UTC().Truncate(time.Second)}
	stamp, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	s, err := openBolt(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Set(stampKey, stamp), syncDir(o.Dir), syncDir(filepath.Dir(o.Dir)), writeJSON(markerPath, m)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// hasEntries tells whether the database holds more than a Create writes. One that cannot be read does as well: nobody
// knows what was in it, except when it has not got its first page yet.
func hasEntries(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	found, err := inspect(f, info.Size())
	if err != nil {
		return info.Size() > 4*int64(os.Getpagesize()), nil // bbolt begins with four pages in one write
	}
	return len(found.logs) > 0 || len(found.conf) > 1, nil
}

// Open opens the store of this node after a look at all of it: pages, checksums, marker, and that a snapshot is there for
// what the log no longer holds. The errors are this package's, each with what to do.
func Open(o Options) (*Store, error) {
	s, err := guarded(openTimeout, func() (*Store, error) { return open(o) }, (*Store).Close)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Dir, err)
	}
	return s, nil
}

func open(o Options) (*Store, error) {
	m, err := readMarker(o)
	if err != nil {
		return nil, err
	}
	found, err := look(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := sweepSnapshots(o.Dir); err != nil {
		return nil, err
	}
	s, err := openBolt(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := s.verify(m, found); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// advice ends every error about a store that can no longer be trusted.
func advice(dir string) string {
	return "its vote and log cannot be trusted any more: `polso rejoin` puts this router's data aside and joins the cluster again;" +
		" if it was the only router, move " + filepath.Dir(dir) + " away, then `polso init` and `polso snapshot restore`"
}

func readMarker(o Options) (marker, error) {
	var m marker
	path := filepath.Join(o.Dir, markerFile)
	err := readJSON(path, &m)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(o.Dir, databaseFile)); err == nil {
			return m, fmt.Errorf("%w: %s is there without its %s; %s", ErrCorrupt, databaseFile, markerFile, advice(o.Dir))
		}
		return m, fmt.Errorf("%w; `polso init` or `polso join` makes one", ErrMissing)
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w; %s", ErrCorrupt, err, advice(o.Dir))
	}
	if m.Node != o.Node || m.Cluster != o.Cluster {
		return m, fmt.Errorf("%w: %s names node %s of cluster %s, this is node %s of cluster %s; give each node a data directory of its own and never copy one; put the right one back, or %s",
			ErrForeign, path, m.Node, m.Cluster, o.Node, o.Cluster, advice(o.Dir))
	}
	return m, nil
}

// look inspects the database while nobody writes to it.
func look(dir string) (content, error) {
	path := filepath.Join(dir, databaseFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return content{}, fmt.Errorf("%w: %s is gone; %s", ErrEmptied, path, advice(dir))
	}
	if err != nil {
		return content{}, err
	}
	defer f.Close() // with it the lock
	if err := lockFile(f, lockTimeout); err != nil {
		return content{}, fmt.Errorf("%s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	if info.Size() == 0 {
		return content{}, fmt.Errorf("%w: %s is empty; %s", ErrEmptied, path, advice(dir))
	}
	found, err := inspect(f, info.Size())
	if err != nil {
		return content{}, fmt.Errorf("%w: %s: %w; %s", ErrCorrupt, path, err, advice(dir))
	}
	return found, nil
}

func openBolt(dir string) (*Store, error) {
	path := filepath.Join(dir, databaseFile)
	// Without a freelist on disk there is one thing less that can be damaged; rebuilding it takes one walk.
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path:        path,
		BoltOptions: &bbolt.Options{Timeout: lockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%s: %w; is a polso agent running already?", path, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Store{bolt: bolt, dir: dir}, nil
}

// verify reads every value once and compares the stamp with the marker.
func (s *Store) verify(m marker, found content) error {
	stamp, err := s.Get(stampKey)
	switch {
	case err != nil && err.Error() == raftboltdb.ErrKeyNotFound.Error() && len(found.logs) == 0:
		return fmt.Errorf("%w: %s is not the one that %s tells of; %s", ErrEmptied, databaseFile, markerFile, advice(s.dir))
	case err != nil:
		return fmt.Errorf("%w: %s: stamp: %w; %s", ErrCorrupt, databaseFile, err, advice(s.dir))
	}
	var own marker
	if err := json.Unmarshal(stamp, &own); err != nil {
		return fmt.Errorf("%w: %s: stamp: %w; %s", ErrCorrupt, databaseFile, err, advice(s.dir))
	}
	if own.Store != m.Store {
		return fmt.Errorf("%w: %s was made for node %s of cluster %s, not with the %s beside it; put the right one back, or %s",
			ErrForeign, databaseFile, own.Node, own.Cluster, markerFile, advice(s.dir))
	}
	path := filepath.Join(s.dir, databaseFile)
	for _, key := range found.conf {
		if _, err := s.Get(key); err != nil { // says ErrCorrupt itself
			return fmt.Errorf("%s: %w; %s", path, err, advice(s.dir))
		}
	}
	var entry raft.Log
	for _, key := range found.logs {
		if len(key) != 8 {
			return fmt.Errorf("%w: %s: key %x of the log; %s", ErrCorrupt, databaseFile, key, advice(s.dir))
		}
		if err := s.GetLog(binary.BigEndian.Uint64(key), &entry); err != nil {
			return fmt.Errorf("%s: %w; %s", path, err, advice(s.dir))
		}
	}
	return s.verifySnapshots(found.logs)
}

// Close lets the store go.
func (s *Store) Close() error { return s.bolt.Close() }
