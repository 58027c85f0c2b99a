package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func FuzzInspect(f *testing.F) {
	o := Options{Dir: filepath.Join(f.TempDir(), "raft"), Cluster: "c1", Node: "n1"}
	s, err := Create(o)
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(s.StoreLogs(entries(1, 100)), s.Close()); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(o.Dir, databaseFile))
	if err != nil {
		f.Fatal(err)
	}
	whole = whole[:12*os.Getpagesize()]
	f.Add(uint32(0), []byte{})
	f.Add(uint32(3*os.Getpagesize()), []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		damaged := bytes.Clone(whole)
		copy(damaged[int(at)%len(damaged):], patch)
		inspect(bytes.NewReader(damaged), int64(len(damaged))) // ends, without a panic
	})
}
