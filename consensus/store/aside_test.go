package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var asideAt = time.Date(2026, 11, 28, 4, 19, 17, 0, time.UTC)

// memberHome is a home with a cluster and a store that has something in it.
func memberHome(t *testing.T, dir string) *Home {
	t.Helper()
	h := openHome1(t, dir, "r1")
	s, err := Create(Options{Dir: h.StoreDir(), Cluster: "c1", Node: h.Identity().ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetUint64([]byte("CurrentTerm"), 7), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := h.Form(Cluster{ID: "c1", Name: "edge", Profile: "lan", Generation: 1}, Credentials{CA: []byte("ca"), CAKey: []byte("cakey"), Cert: []byte("cert"), Key: []byte("key")}); err != nil {
		t.Fatal(err)
	}
	return h
}

// tree is every file below dir with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSetAside(t *testing.T) {
	dir := t.TempDir()
	h := memberHome(t, dir)
	before := tree(t, dir)
	if _, err := SetAside(dir, asideAt); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is open: %v, want ErrLocked", err)
	}
	next, err := NewIdentity("r1")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := h.SetAside(next, asideAt)
	if err != nil || folder != filepath.Join(dir, "aside-20261128T041917Z") {
		t.Fatalf("%q, %v", folder, err)
	}
	after := tree(t, folder)
	for name, text := range before {
		if name != lockName && after[name] != text {
			t.Errorf("%s is not what it was", name)
		}
	}
	if h.Identity() != next || h.Formed() {
		t.Errorf("identity %+v, formed %v", h.Identity(), h.Formed())
	}
	if again, err := h.SetAside(next, asideAt); again != "" || err != nil {
		t.Errorf("nothing to set aside: %q, %v", again, err)
	}
	h.Close()
	h = openHome1(t, dir, "other")
	if h.Identity() != next {
		t.Errorf("after a restart %+v, want %+v", h.Identity(), next)
	}
	// It lives a second time, and is set aside in the same second.
	h.Close()
	h = memberHome(t, dir)
	if folder, err = h.SetAside(next, asideAt); err != nil || !strings.HasSuffix(folder, "Z-2") {
		t.Errorf("%q, %v", folder, err)
	}
}

// Interrupted at any point, what is left is refused until it is set aside to its end; nothing is ever lost, and no second
// identity takes the place of the first.
func TestSetAsideInterrupted(t *testing.T) {
	for moved := 1; ; moved++ {
		dir := t.TempDir()
		h := memberHome(t, dir)
		id := h.Identity().ID
		before := tree(t, dir)
		h.Close()
		folder, err := SetAside(dir, asideAt)
		if err != nil {
			t.Fatal(err)
		}
		// Put back what an interrupted one would not have moved yet: the last ones.
		names := []string{storeFolder, credsFile, identityFile, clusterFile}
		if moved == len(names) {
			break
		}
		for _, name := range names[moved:] {
			if err := os.Rename(filepath.Join(folder, name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		h, err = OpenHome(dir, "r1")
		switch {
		case err == nil:
			if h.Identity().ID != id || !h.Formed() {
				t.Errorf("%d moved: another node, or one without a cluster: %+v, formed %v", moved, h.Identity(), h.Formed())
			}
			if _, err := Open(Options{Dir: h.StoreDir(), Cluster: "c1", Node: id}); !errors.Is(err, ErrMissing) {
				t.Errorf("%d moved: its store: %v, want ErrMissing", moved, err)
			}
			h.Close()
		case !errors.Is(err, ErrEmptied):
			t.Errorf("%d moved: %v, want ErrEmptied", moved, err)
		}
		if _, err := SetAside(dir, asideAt); err != nil {
			t.Fatal(err)
		}
		left := tree(t, dir)
		for name, text := range before {
			if name == lockName {
				continue
			}
			found := slices.ContainsFunc([]string{"aside-20261128T041917Z", "aside-20261128T041917Z-2"}, func(in string) bool { return left[filepath.Join(in, name)] == text })
			if !found {
				t.Errorf("%d moved: %s is lost", moved, name)
			}
		}
		h = openHome1(t, dir, "r1")
		if h.Identity().ID == id || h.Formed() {
			t.Errorf("%d moved: set aside, and still itself", moved)
		}
		h.Close()
	}
}
