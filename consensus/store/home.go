package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The files of a home. cluster.json is written last: with it the node has a cluster.
const (
	lockName     = "lock"
	identityFile = "identity.json"
	clusterFile  = "cluster.json"
	credsFile    = "credentials.json"
	storeFolder  = "raft"
)

// Identity is who this node is, whatever cluster it joins.
type Identity struct {
	ID   string `json:"id"`   // 128 random bits in hex, born with the directory and never changed
	Name string `json:"name"` // a label
}

// Cluster is what a node knows about its cluster before raft has said a word.
type Cluster struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Profile    string              `json:"profile"`
	Next       string              `json:"next_profile,omitempty"`   // that it changes to; "": no change is under way
	Change     uint64              `json:"profile_change,omitempty"` // which change the two are of
	Generation uint64              `json:"generation"`
	Level      int                 `json:"level,omitempty"`   // the command level in use; 0: the first
	Release    string              `json:"release,omitempty"` // that found Level in use
	Peers      map[string][]string `json:"peers"`             // hints: ID of a node to its addresses as they were when last known
}

// Credentials are the node's certificate with all that belongs to it, PEM each.
type Credentials struct {
	CA    []byte // the certificate of the CA that issued Cert
	CAKey []byte // its private key; nil on a witness
	Cert  []byte // this node's certificate
	Key   []byte // its private key

	// While the CA changes: the other one that is trusted, and, until certificates are issued by it, its private key on a router.
	OtherCA    []byte
	OtherCAKey []byte
	Change     uint64 // which step of a change of the CA they follow; 0: none was ever made
}

// savedCredentials are Credentials in their file: the PEM texts can be read there.
type savedCredentials struct {
	CA         string `json:"ca"`
	CAKey      string `json:"ca_key,omitempty"`
	Cert       string `json:"cert"`
	Key        string `json:"key"`
	OtherCA    string `json:"other_ca,omitempty"`
	OtherCAKey string `json:"other_ca_key,omitempty"`
	Change     uint64 `json:"ca_change,omitempty"`
}

// Home is a node's data directory, held by one process at a time. Its methods are not for concurrent use.
type Home struct {
	dir  string
	lock *os.File
	self Identity
}

// OpenHome takes the directory, or makes it, mode 0700, with a new identity called name; one that is there already must be
// empty or a home. An existing identity keeps its ID and its name. It is ErrLocked when another process has it.
func OpenHome(dir, name string) (*Home, error) {
	h, err := openHome(dir, name)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return h, nil
}

func openHome(dir, name string) (*Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := mayMoveIn(dir); err != nil {
		return nil, err
	}
	// A directory that the administrator or a package made may be open to others; the CA's key must not be.
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if info.Mode().Perm() != 0o700 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := takeLock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	h := &Home{dir: dir, lock: lock}
	if err := h.identify(name); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err := h.finishForgetting(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// mayMoveIn refuses a directory that holds something else: closing /tmp or /etc to others would be a bad surprise.
func mayMoveIn(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, identityFile)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case stays(name), strings.HasPrefix(name, identityFile+"."): // of a start that was interrupted
		case slices.Contains([]string{clusterFile, credsFile, storeFolder, recoveryFile}, name):
			// Never a second identity beside what belonged to a first.
			return fmt.Errorf("%w: %s is gone, %s is there; `polso rejoin` puts it aside and takes this router in again", ErrEmptied, identityFile, name)
		default:
			return fmt.Errorf("holds %s and is no data directory of polso; choose an empty one with --data-dir", name)
		}
	}
	return nil
}

// takeLock locks the file and leaves the process's number in it, for the one who is refused.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path)
		err = fmt.Errorf("%w: process %s; stop that agent, or choose another directory with --data-dir", ErrLocked, strings.TrimSpace(string(holder)))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// The lock holds without the number, and a full disk keeps nobody from starting.
	_ = errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid())))
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func (h *Home) identify(name string) error {
	path := h.path(identityFile)
	err := readJSON(path, &h.self)
	if err == nil {
		if id, err := hex.DecodeString(h.self.ID); err != nil || len(id) != 16 {
			return fmt.Errorf("%w: %s: the id %q is not 32 hexadecimal digits", ErrCorrupt, path, h.self.ID)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w; `polso rejoin` puts the directory's content aside and takes this router in again", ErrCorrupt, err)
	}
	return h.beBorn(name)
}

// NewIdentity is a node that never was before.
func NewIdentity(name string) (Identity, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return Identity{}, err
	}
	return Identity{ID: hex.EncodeToString(id), Name: name}, nil
}

// beBorn gives the node a new identity.
func (h *Home) beBorn(name string) error {
	next, err := NewIdentity(name)
	if err != nil {
		return err
	}
	if err := writeJSON(h.path(identityFile), next); err != nil {
		return err
	}
	h.self = next
	return nil
}

func (h *Home) path(file string) string { return filepath.Join(h.dir, file) }

// Dir returns the directory's absolute path.
func (h *Home) Dir() string { return h.dir }

// StoreDir returns where the node's store lies; see Options.
func (h *Home) StoreDir() string { return h.path(storeFolder) }

// Identity returns who this node is.
func (h *Home) Identity() Identity { return h.self }

// Reborn gives a node without a cluster a new identity called name: an attempt to join whose answer was lost may have
// admitted it, and an ID is admitted once. It is ErrExists on a node that has a cluster, and changes nothing then.
func (h *Home) Reborn(name string) error {
	if err := h.Clear(); err != nil {
		return err
	}
	if err := h.beBorn(name); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// Formed tells whether the node has a cluster: Form was done to its end.
func (h *Home) Formed() bool { return HasCluster(h.dir) }

// HasCluster tells whether dir is the home of a node that has a cluster, without taking it.
func HasCluster(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, clusterFile))
	return !errors.Is(err, fs.ErrNotExist) // a file that cannot be read is one; Cluster says why
}

// Form gives the node its cluster: the credentials first, the cluster last, so that a crash leaves a node without one.
// It is ErrExists on a node that has one.
func (h *Home) Form(c Cluster, with Credentials) error {
	if h.Formed() {
		return fmt.Errorf("data directory %s: %w: the node is a member of a cluster; `polso leave` ends that", h.dir, ErrExists)
	}
	if err := h.SaveCredentials(with); err != nil {
		return err
	}
	return h.SaveCluster(c)
}

// Clear removes what an init or join that was interrupted has left: store, certificates, keys. It is ErrExists on a node
// that has a cluster, and changes nothing then.
func (h *Home) Clear() error {
	if h.Formed() {
		return fmt.Errorf("data directory %s: %w: the node is a member of a cluster", h.dir, ErrExists)
	}
	err := errors.Join(os.RemoveAll(h.StoreDir()), remove(h.path(credsFile)), remove(h.path(recoveryFile)), syncDir(h.dir))
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// Cluster reads what the node knows about its cluster; ErrMissing when it has none.
func (h *Home) Cluster() (Cluster, error) {
	var c Cluster
	err := readJSON(h.path(clusterFile), &c)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Cluster{}, fmt.Errorf("data directory %s: %w: the node has no cluster; `polso init` or `polso join` gives it one", h.dir, ErrMissing)
	case err != nil:
		return Cluster{}, fmt.Errorf("data directory: %w: %w; `polso rejoin` puts the directory's content aside and takes this router in again", ErrCorrupt, err)
	}
	return c, nil
}

// SaveCluster replaces what the node knows about its cluster.
func (h *Home) SaveCluster(c Cluster) error {
	if err := writeJSON(h.path(clusterFile), c); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// SaveState replaces the addresses of the cluster's nodes, and the command level in use with the release that this is; it writes
// only when addresses or level differ.
func (h *Home) SaveState(peers map[string][]string, level int, release string) error {
	c, err := h.Cluster()
	if err != nil {
		return err
	}
	if maps.EqualFunc(c.Peers, peers, slices.Equal[[]string]) && max(1, c.Level) == max(1, level) {
		return nil
	}
	c.Peers = peers
	if level > 1 {
		c.Level, c.Release = level, release
	}
	return h.SaveCluster(c)
}

// SaveTiming replaces the profile, the one that it changes to, and which change they are of.
func (h *Home) SaveTiming(profile, next string, change uint64) error {
	c, err := h.Cluster()
	if err != nil {
		return err
	}
	c.Profile, c.Next, c.Change = profile, next, change
	return h.SaveCluster(c)
}

// Credentials reads the node's certificates and keys.
func (h *Home) Credentials() (Credentials, error) {
	var f savedCredentials
	err := readJSON(h.path(credsFile), &f)
	var read *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Credentials{}, fmt.Errorf("data directory: %w: %s is gone", ErrEmptied, credsFile)
	case errors.As(err, &read): // a want of privileges may pass
		return Credentials{}, fmt.Errorf("data directory: %w", err)
	case err != nil:
		return Credentials{}, fmt.Errorf("data directory: %w: %w", ErrCorrupt, err)
	}
	text := func(s string) []byte {
		if s == "" {
			return nil
		}
		return []byte(s)
	}
	return Credentials{
		CA: text(f.CA), CAKey: text(f.CAKey), Cert: text(f.Cert), Key: text(f.Key),
		OtherCA: text(f.OtherCA), OtherCAKey: text(f.OtherCAKey), Change: f.Change,
	}, nil
}

// SaveCredentials replaces the node's certificates and keys, all of them or, after a crash, none.
func (h *Home) SaveCredentials(c Credentials) error {
	f := savedCredentials{
		CA: string(c.CA), CAKey: string(c.CAKey), Cert: string(c.Cert), Key: string(c.Key),
		OtherCA: string(c.OtherCA), OtherCAKey: string(c.OtherCAKey), Change: c.Change,
	}
	if err := writeJSON(h.path(credsFile), f); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// Close lets the directory go.
func (h *Home) Close() error { return h.lock.Close() }
