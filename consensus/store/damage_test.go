package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every damage that was seen to be met with silence, a panic or a hang is refused in words; see the want column.
func TestDamage(t *testing.T) {
	patch := func(path string, at int64, content ...byte) error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt(content, at)
		return errors.Join(err, f.Close())
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	find := func(path, what string) int64 {
		all, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.LastIndex(all, []byte(what))
		if at < 0 {
			t.Fatalf("%q is not in %s", what, path)
		}
		return int64(at)
	}
	ps := int64(os.Getpagesize())
	for _, tt := range []struct {
		name   string
		damage func(o Options, db string) error
		is     error
		want   string
	}{
		{"zero length", func(_ Options, db string) error { return os.Truncate(db, 0) }, ErrEmptied, "raft.db is empty"},
		{"database gone", func(_ Options, db string) error { return os.Remove(db) }, ErrEmptied, "is gone"},
		{"a new database in its place", func(o Options, db string) error {
			if err := os.Remove(db); err != nil {
				return err
			}
			s, err := openBolt(o.Dir)
			if err != nil {
				return err
			}
			return s.Close()
		}, ErrEmptied, "not the one that store.json tells of"},
		{"a new store in its place", func(o Options, db string) error {
			other := Options{Dir: o.Dir + "2", Cluster: "c1", Node: "n1"}
			s, err := Create(other)
			if err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			return os.Rename(filepath.Join(other.Dir, databaseFile), db)
		}, ErrForeign, "was made for node n1"},
		{"marker gone", func(o Options, _ string) error { return os.Remove(filepath.Join(o.Dir, markerFile)) }, ErrCorrupt, "without its store.json"},
		{"marker cut", func(o Options, _ string) error { return os.Truncate(filepath.Join(o.Dir, markerFile), 20) }, ErrCorrupt, "store.json"},
		{"all gone", func(o Options, _ string) error { return os.RemoveAll(o.Dir) }, ErrMissing, "polso init"},
		{"cut to one page", func(_ Options, db string) error { return os.Truncate(db, ps) }, ErrCorrupt, "meta page"},
		{"cut in half", func(_ Options, db string) error { return os.Truncate(db, find(db, "extension 700")/2) }, ErrCorrupt, "is cut short"},
		{"older meta page", func(_ Options, db string) error { return patch(db, 16+20, 0xff) }, ErrCorrupt, "meta page at 0"},
		{"newer meta page", func(_ Options, db string) error { return patch(db, ps+16+20, 0xff) }, ErrCorrupt, "meta page at"},
		{"garbage in the middle", func(_ Options, db string) error {
			return patch(db, find(db, "extension 300"), bytes.Repeat([]byte{0xA5}, 32<<10)...)
		}, ErrCorrupt, ""},
		{"page headers zeroed", func(_ Options, db string) error {
			for at := 2 * ps; at < size(db); at += ps {
				if err := patch(db, at, make([]byte, 16)...); err != nil {
					return err
				}
			}
			return nil
		}, ErrCorrupt, "page"},
		{"a page that was written to the wrong place", func(_ Options, db string) error {
			return patch(db, find(db, "extension 300")/ps*ps, 0x63)
		}, ErrCorrupt, "says that it is"},
		{"one byte of an entry", func(_ Options, db string) error { return patch(db, find(db, "extension 300"), 'E') }, ErrCorrupt, "entry 300"},
		{"one byte of the term", func(_ Options, db string) error { return patch(db, find(db, "CurrentTerm")+11+12, 9) }, ErrCorrupt, `value "CurrentTerm"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			s := create1(t, o)
			if err := s.SetUint64([]byte("CurrentTerm"), 3); err != nil {
				t.Fatal(err)
			}
			fill(t, s, 1, 700)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := tt.damage(o, filepath.Join(o.Dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(o)
			if err == nil {
				s.Close()
				t.Fatal("opens")
			}
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %v with %q", err, tt.is, tt.want)
			}
			if tt.is != ErrMissing && tt.is != ErrForeign && !strings.Contains(err.Error(), "polso join --replace") {
				t.Errorf("no next step: %v", err)
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
