package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damaged is a store's directory that something is done to.
type damaged struct {
	t   *testing.T
	o   Options
	db  string // the database
	old string // the older snapshot's folder
	new string // the newer one's
}

// damagedStore has entries 101 to 700, snapshots of 150 and 400, a term and a vote.
func damagedStore(t *testing.T) damaged {
	o := options(t)
	s := create1(t, o)
	fill(t, s, 101, 700)
	if err := errors.Join(s.SetUint64([]byte("CurrentTerm"), 3), s.SetUint64(voteTermKey, 3), s.Set(voteCandidateKey, []byte("candidate-n2"))); err != nil {
		t.Fatal(err)
	}
	d := damaged{t: t, o: o, db: filepath.Join(o.Dir, databaseFile)}
	folder := func(index uint64) string {
		snapshot(t, s, index)
		list, err := filepath.Glob(s.snapshotPath(fmt.Sprintf("*-%d-*", index)))
		if err != nil || len(list) != 1 {
			t.Fatalf("snapshots of %d: %q, %v", index, list, err)
		}
		return list[0]
	}
	d.old, d.new = folder(150), folder(400)
	// What the older one is for: the log begins right after the newer.
	if err := errors.Join(s.DeleteRange(101, 400), s.Close()); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d damaged) do(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// patch writes content into the file at that offset.
func (d damaged) patch(path string, at int64, content ...byte) {
	d.t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	d.do(err)
	_, err = f.WriteAt(content, at)
	d.do(errors.Join(err, f.Close()))
}

// find returns where the file has what, for the last time.
func (d damaged) find(path, what string) int64 {
	d.t.Helper()
	all, err := os.ReadFile(path)
	d.do(err)
	at := bytes.LastIndex(all, []byte(what))
	if at < 0 {
		d.t.Fatalf("%q is not in %s", what, path)
	}
	return int64(at)
}

// flip flips a bit so many bytes after the beginning of what, wherever the file has it: a database keeps old pages.
func (d damaged) flip(path, what string, after int) {
	d.t.Helper()
	all, err := os.ReadFile(path)
	d.do(err)
	found := 0
	for at := 0; ; found++ {
		next := bytes.Index(all[at:], []byte(what))
		if next < 0 {
			break
		}
		at += next + 1
		all[at-1+after] ^= 1
	}
	if found == 0 {
		d.t.Fatalf("%q is not in %s", what, path)
	}
	d.do(os.WriteFile(path, all, 0o600))
}

// replace puts b, as long as a, in a's place.
func (d damaged) replace(path, a, b string) { d.patch(path, d.find(path, a), []byte(b)...) }

func (d damaged) size(path string) int64 {
	d.t.Helper()
	info, err := os.Stat(path)
	d.do(err)
	return info.Size()
}

// Every damage is refused in words: where, what, and the way back. Nothing is replaced in silence, neither by opening nor by
// creating a store in its place. docs/operate.md has this table for operators.
func TestDamage(t *testing.T) {
	ps := int64(os.Getpagesize())
	const rejoin = "`polso rejoin`"
	for _, tt := range []struct {
		name   string
		damage func(d damaged)
		is     error
		where  string // the file
		what   string
		way    string
	}{
		// The log's file as a whole.
		{"empty log file", func(d damaged) { d.do(os.Truncate(d.db, 0)) }, ErrEmptied, "raft.db", "is empty", rejoin},
		{"log file gone, marker says used", func(d damaged) { d.do(os.Remove(d.db)) }, ErrEmptied, "raft.db", "is gone", rejoin},
		{"log file truncated to one page", func(d damaged) { d.do(os.Truncate(d.db, ps)) }, ErrCorrupt, "raft.db", "meta page", rejoin},
		{"log file truncated in the middle", func(d damaged) { d.do(os.Truncate(d.db, d.find(d.db, "extension 700")/2)) }, ErrCorrupt, "raft.db", "is cut short", rejoin},
		{"a new database in its place", func(d damaged) {
			d.do(os.Remove(d.db))
			s, err := openBolt(d.o.Dir)
			d.do(err)
			d.do(s.Close())
		}, ErrEmptied, "raft.db", "not the one that store.json tells of", rejoin},
		{"a new store in its place", func(d damaged) {
			other := Options{Dir: d.o.Dir + "2", Cluster: "c1", Node: "n1"}
			s, err := Create(other)
			d.do(err)
			d.do(s.Close())
			d.do(os.Rename(filepath.Join(other.Dir, databaseFile), d.db))
		}, ErrForeign, "raft.db", "was made for node n1", rejoin},

		// Its pages.
		{"older meta page", func(d damaged) { d.patch(d.db, 16+20, 0xff) }, ErrCorrupt, "raft.db", "meta page at 0", rejoin},
		{"newer meta page", func(d damaged) { d.patch(d.db, ps+16+20, 0xff) }, ErrCorrupt, "raft.db", "meta page at", rejoin},
		{"torn page: its end was never written", func(d damaged) {
			at := d.find(d.db, "extension 700") / ps * ps
			d.patch(d.db, at+ps/2, make([]byte, ps/2)...)
		}, ErrCorrupt, "raft.db", "", rejoin},
		{"garbage over several pages", func(d damaged) {
			d.patch(d.db, d.find(d.db, "extension 600"), bytes.Repeat([]byte{0xA5}, 32<<10)...)
		}, ErrCorrupt, "raft.db", "", rejoin},
		{"page headers zeroed", func(d damaged) {
			for at := 2 * ps; at < d.size(d.db); at += ps {
				d.patch(d.db, at, make([]byte, 16)...)
			}
		}, ErrCorrupt, "raft.db", "page", rejoin},
		{"a page that was written to the wrong place", func(d damaged) {
			d.patch(d.db, d.find(d.db, "extension 600")/ps*ps, 0x63)
		}, ErrCorrupt, "raft.db", "says that it is", rejoin},

		// Its values.
		{"bit of an entry", func(d damaged) { d.flip(d.db, "extension 600", 0) }, ErrCorrupt, "raft.db", "entry 600", rejoin},
		{"bit of the term", func(d damaged) { d.flip(d.db, "CurrentTerm", 11+12) }, ErrCorrupt, "raft.db", `value "CurrentTerm"`, rejoin},
		{"bit of the vote's term", func(d damaged) { d.flip(d.db, "LastVoteTerm", 12+12) }, ErrCorrupt, "raft.db", `value "LastVoteTerm"`, rejoin},
		{"bit of the vote", func(d damaged) { d.flip(d.db, "candidate-n2", 4) }, ErrCorrupt, "raft.db", `value "LastVoteCand"`, rejoin},

		// The marker.
		{"marker gone", func(d damaged) { d.do(os.Remove(filepath.Join(d.o.Dir, markerFile))) }, ErrCorrupt, "raft.db", "without its store.json", rejoin},
		{"marker cut", func(d damaged) { d.do(os.Truncate(filepath.Join(d.o.Dir, markerFile), 20)) }, ErrCorrupt, "store.json", "unexpected end", rejoin},
		{"disk of another node", func(d damaged) { d.replace(filepath.Join(d.o.Dir, markerFile), `"n1"`, `"n2"`) }, ErrForeign, "store.json", "names node n2 of cluster c1, this is node n1", rejoin},
		{"disk of another cluster", func(d damaged) { d.replace(filepath.Join(d.o.Dir, markerFile), `"c1"`, `"c2"`) }, ErrForeign, "store.json", "of cluster c2", rejoin},
		{"all gone", func(d damaged) { d.do(os.RemoveAll(d.o.Dir)) }, ErrMissing, "raft", "there is no store", "polso init"},

		// The snapshots that the log builds on.
		{"bit of a snapshot", func(d damaged) { d.flip(filepath.Join(d.new, stateFile), "state", 0) }, ErrCorrupt, stateFile, "CRC mismatch", rejoin},
		{"snapshot truncated", func(d damaged) { d.do(os.Truncate(filepath.Join(d.new, stateFile), 3)) }, ErrCorrupt, stateFile, "has 3 bytes, want 12", rejoin},
		{"snapshot without its state", func(d damaged) { d.do(os.Remove(filepath.Join(d.new, stateFile))) }, ErrCorrupt, stateFile, "no such file", rejoin},
		{"snapshot's meta.json garbled", func(d damaged) { d.patch(filepath.Join(d.new, metaFile), 0, 0xff, 0xff) }, ErrCorrupt, metaFile, "checksum does not match", rejoin},
		{"snapshot's meta.json names another member", func(d damaged) { d.flip(filepath.Join(d.new, metaFile), "member-n1", 8) }, ErrCorrupt, metaFile, "checksum does not match", rejoin},
		{"snapshot's meta.json names a later entry", func(d damaged) { d.replace(filepath.Join(d.new, metaFile), `"Index":400`, `"Index":650`) }, ErrCorrupt, metaFile, "checksum does not match", rejoin},
		{"newest snapshot gone: a gap before the log", func(d damaged) { d.do(os.RemoveAll(d.new)) }, ErrEmptied, "raft", "no snapshot of entry 400, which the log does not have: the newest whole one ends at entry 150", rejoin},
		{"all snapshots gone", func(d damaged) { d.do(errors.Join(os.RemoveAll(d.new), os.RemoveAll(d.old))) }, ErrEmptied, "raft", "no snapshot of entry 400, which the log does not have: no whole one is there", rejoin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := damagedStore(t)
			reopen(t, d.o).Close() // it is well before
			tt.damage(d)
			for range 2 { // and damaged still after it was refused
				s, err := Open(d.o)
				if err == nil {
					s.Close()
					t.Fatal("opens")
				}
				if !errors.Is(err, tt.is) {
					t.Errorf("got  %v\nwant %v", err, tt.is)
				}
				for _, want := range []string{d.o.Dir, tt.where, tt.what, tt.way} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %v\nwithout %q", err, want)
					}
				}
			}
			if tt.is == ErrMissing {
				return
			}
			if s, err := Create(d.o); err == nil {
				s.Close()
				t.Error("a new store was made in its place")
			}
		})
	}
}

// A flipped byte anywhere either does no harm or is noticed.
func TestAnyFlippedByte(t *testing.T) {
	o := options(t)
	s := create1(t, o)
	if err := s.SetUint64([]byte("CurrentTerm"), 3); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 1, 300)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(o.Dir, databaseFile)
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	used := int(binary.NativeEndian.Uint64(whole[16+40:])) * os.Getpagesize()
	rounds := 200
	noticed := 0
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		at, bit := random.IntN(used), byte(1)<<random.IntN(8)
		damaged := bytes.Clone(whole)
		damaged[at] ^= bit
		if err := os.WriteFile(db, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(o)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
				t.Errorf("byte %d, bit %x: %v", at, bit, err)
			}
			noticed++
			continue
		}
		if err := holds(s, 1, 300, 3); err != nil {
			t.Errorf("byte %d, bit %x: went unnoticed: %v", at, bit, err)
		}
		s.Close()
	}
	t.Logf("noticed %d of %d, the others did no harm", noticed, rounds)
	if noticed < rounds/20 {
		t.Errorf("only %d of %d were noticed: the test hits nothing", noticed, rounds)
	}
}
