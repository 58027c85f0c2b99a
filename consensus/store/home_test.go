package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func openHome1(t *testing.T, dir, name string) *Home {
	t.Helper()
	h, err := OpenHome(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

var (
	someCluster = Cluster{ID: "c1", Name: "web", Profile: "lan", Generation: 1, Peers: map[string][]string{"n1": {"10.0.0.1", "10.1.0.1"}}}
	routerCreds = Credentials{
		CA: []byte("ca"), CAKey: []byte("ca key"), Cert: []byte("cert"), Key: []byte("key"),
		OtherCA: []byte("other"), OtherCAKey: []byte("other key"), Change: 7,
	}
)

func TestHomeIdentityIsBornOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "polso")
	h := openHome1(t, dir, "r1")
	self := h.Identity()
	if len(self.ID) != 32 || self.Name != "r1" {
		t.Errorf("identity %+v", self)
	}
	if _, err := OpenHome(dir, "r1"); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	if err := h.Reborn("router-1"); err != nil {
		t.Fatal(err)
	}
	if now := h.Identity(); now.ID == self.ID || now.Name != "router-1" {
		t.Errorf("reborn as %+v, was %+v", now, self)
	}
	self = h.Identity()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	again := openHome1(t, dir, "other")
	if got := again.Identity(); got.ID != self.ID || got.Name != "router-1" {
		t.Errorf("identity %+v, was %+v", got, self)
	}
	if other := openHome1(t, t.TempDir(), "r2").Identity(); other.ID == self.ID {
		t.Error("two directories, one identity")
	}
}

func TestHomeIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "polso")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	h := openHome1(t, dir, "r1")
	if err := h.Form(someCluster, routerCreds); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]os.FileMode{"": 0o700, credsFile: 0o600, clusterFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", file, got, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.new"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestHomeForms(t *testing.T) {
	dir := t.TempDir()
	h := openHome1(t, dir, "r1")
	if h.Formed() {
		t.Error("formed before it was")
	}
	if _, err := h.Cluster(); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "polso init") {
		t.Errorf("cluster: %v", err)
	}
	if err := h.Form(someCluster, routerCreds); err != nil {
		t.Fatal(err)
	}
	if err := h.Form(someCluster, routerCreds); !errors.Is(err, ErrExists) {
		t.Errorf("formed twice: %v", err)
	}
	if err := h.Clear(); !errors.Is(err, ErrExists) {
		t.Errorf("cleared a member: %v", err)
	}
	peers := map[string][]string{"n1": {"10.0.0.1"}, "n2": {"10.0.0.2"}}
	for _, now := range []struct {
		level   int
		release string
	}{{1, "0.1.0"}, {2, "0.2.0"}, {2, "0.3.0"}} { // which finds it so already
		if err := h.SaveState(peers, now.level, now.release); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = openHome1(t, dir, "")
	want := someCluster
	want.Peers, want.Level, want.Release = peers, 2, "0.2.0"
	if got, err := h.Cluster(); err != nil || !h.Formed() || !reflect.DeepEqual(got, want) {
		t.Errorf("cluster %+v, %v", got, err)
	}
	if got, err := h.Credentials(); err != nil || !reflect.DeepEqual(got, routerCreds) {
		t.Errorf("credentials %+v, %v", got, err)
	}
}

func TestHomeOfAWitnessHasNoCAKey(t *testing.T) {
	h := openHome1(t, t.TempDir(), "w1")
	if err := h.SaveCredentials(routerCreds); err != nil {
		t.Fatal(err)
	}
	witness := routerCreds
	witness.CAKey = nil
	if err := h.Form(someCluster, witness); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Credentials(); err != nil || got.CAKey != nil {
		t.Errorf("CA key %q, %v", got.CAKey, err)
	}
}

func TestHomeAfterAnInterruptedInit(t *testing.T) {
	h := openHome1(t, t.TempDir(), "r1")
	s, err := Create(Options{Dir: h.StoreDir(), Cluster: "c1", Node: h.Identity().ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), h.SaveCredentials(routerCreds)); err != nil {
		t.Fatal(err)
	}
	if h.Formed() {
		t.Error("formed without a cluster")
	}
	if err := h.Clear(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(h.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "identity.json lock" {
		t.Errorf("left: %s", got)
	}
}

func TestHomeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(dir string) error
		is   error
		want string
	}{
		{"identity cut", func(dir string) error { return os.Truncate(filepath.Join(dir, identityFile), 5) }, ErrCorrupt, "identity.json"},
		{"identity without id", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, identityFile), []byte(`{"id":"r1"}`), 0o600)
		}, ErrCorrupt, "32 hexadecimal digits"},
		{"identity gone from a member", func(dir string) error { return os.Remove(filepath.Join(dir, identityFile)) }, ErrEmptied, "identity.json is gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			h := openHome1(t, dir, "r1")
			if err := errors.Join(h.Form(someCluster, routerCreds), h.Close(), tt.do(dir)); err != nil {
				t.Fatal(err)
			}
			h, err := OpenHome(dir, "r1")
			if err == nil {
				h.Close()
			}
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v with %q", err, tt.is, tt.want)
			}
		})
	}
	busy := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(busy, "letters.txt"), nil, 0o600), os.Chmod(busy, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHome(busy, "r1"); err == nil || !strings.Contains(err.Error(), "holds letters.txt") {
		t.Errorf("a directory with other things: %v", err)
	}
	if info, err := os.Stat(busy); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("a refused directory was changed: %v, %v", info.Mode(), err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHome(file, "r1"); err == nil {
		t.Error("a file passes as a directory")
	}
}

func TestHomeForgets(t *testing.T) {
	prepare := func(t *testing.T) (*Home, Identity) {
		h := openHome1(t, t.TempDir(), "r1")
		s, err := Create(Options{Dir: h.StoreDir(), Cluster: "c1", Node: h.Identity().ID})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.StoreLog(entry(1)), s.Close(), h.Form(someCluster, routerCreds)); err != nil {
			t.Fatal(err)
		}
		return h, h.Identity()
	}
	check := func(t *testing.T, h *Home, was Identity) {
		t.Helper()
		if got := h.Identity(); got.ID == was.ID || got.Name != was.Name {
			t.Errorf("identity %+v, was %+v", got, was)
		}
		entries, err := os.ReadDir(h.Dir())
		if err != nil {
			t.Fatal(err)
		}
		if h.Formed() || len(entries) != 2 {
			t.Errorf("left: %v", entries)
		}
	}
	t.Run("to the end", func(t *testing.T) {
		h, was := prepare(t)
		if err := h.Forget(); err != nil {
			t.Fatal(err)
		}
		check(t, h, was)
		if err := h.Forget(); !errors.Is(err, ErrMissing) {
			t.Errorf("twice: %v", err)
		}
		self := h.Identity()
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if got := openHome1(t, h.Dir(), "").Identity(); got != self {
			t.Errorf("identity %+v after opening again, was %+v", got, self)
		}
	})
	t.Run("crash after the decision", func(t *testing.T) {
		h, was := prepare(t)
		if err := errors.Join(os.Rename(h.path(clusterFile), h.path(forgetFile)), h.Close()); err != nil {
			t.Fatal(err)
		}
		check(t, openHome1(t, h.Dir(), ""), was)
	})
	t.Run("crash before the mark is gone", func(t *testing.T) {
		h, was := prepare(t)
		if err := errors.Join(os.Rename(h.path(clusterFile), h.path(forgetFile)), h.Clear(), h.beBorn("r1"), h.Close()); err != nil {
			t.Fatal(err)
		}
		check(t, openHome1(t, h.Dir(), ""), was)
	})
}
