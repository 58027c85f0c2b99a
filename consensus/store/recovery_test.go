package store

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The decision survives a restart, and carrying it out replaces cluster and credentials; a node without a cluster has none.
func TestHomeRecovers(t *testing.T) {
	dir := t.TempDir()
	h := openHome1(t, dir, "r1")
	next := Recovery{
		Cluster:     Cluster{ID: "c1", Name: "edge", Profile: "lan", Generation: 2},
		Credentials: Credentials{CA: []byte("ca2"), CAKey: []byte("cakey2"), Cert: []byte("cert2"), Key: []byte("key2")},
		Note:        json.RawMessage(`{"by":"root"}`),
	}
	if err := h.BeginRecovery(next); !errors.Is(err, ErrMissing) {
		t.Errorf("without a cluster: %v, want ErrMissing", err)
	}
	if err := h.Form(Cluster{ID: "c1", Name: "edge", Profile: "lan", Generation: 1}, Credentials{CA: []byte("ca"), CAKey: []byte("cakey"), Cert: []byte("cert"), Key: []byte("key")}); err != nil {
		t.Fatal(err)
	}
	if _, begun, err := h.Recovery(); begun || err != nil {
		t.Errorf("before: %v, %v", begun, err)
	}
	if err := h.FinishRecovery(); err != nil {
		t.Errorf("nothing to finish: %v", err)
	}
	if err := h.BeginRecovery(next); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, recoveryFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the CA's key: %v, %v", info.Mode(), err)
	}
	if c, err := h.Cluster(); err != nil || c.Generation != 1 {
		t.Errorf("decided, and already done: %+v, %v", c, err)
	}
	h.Close()
	h = openHome1(t, dir, "r1")
	got, begun, err := h.Recovery()
	if err != nil || !begun || string(got.Credentials.CAKey) != "cakey2" || got.Cluster.Generation != 2 {
		t.Fatalf("after a restart: %+v, %v, %v", got, begun, err)
	}
	if err := h.FinishRecovery(); err != nil {
		t.Fatal(err)
	}
	c, err1 := h.Cluster()
	creds, err2 := h.Credentials()
	if err := errors.Join(err1, err2); err != nil || c.Generation != 2 || string(creds.CA) != "ca2" || string(creds.Key) != "key2" {
		t.Errorf("finished: %+v, %+v, %v", c, creds, err)
	}
	if _, begun, err := h.Recovery(); begun || err != nil {
		t.Errorf("finished, and still to do: %v, %v", begun, err)
	}
	if err := os.WriteFile(filepath.Join(dir, recoveryFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Recovery(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damaged: %v, want ErrCorrupt", err)
	}
	if err := h.Forget(); err != nil {
		t.Fatal(err)
	}
	if _, begun, err := h.Recovery(); begun || err != nil {
		t.Errorf("forgotten, and still to do: %v, %v", begun, err)
	}
}
