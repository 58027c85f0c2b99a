package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// forgetFile says that the node is being made to forget its cluster. It is cluster.json under another name: the rename is
// the moment from which the node has no cluster, and OpenHome finishes what a crash has interrupted after it.
const forgetFile = "forget.json"

// Forget ends the node's membership: its cluster, credentials and store go, and so does its identity. Raft must never meet
// an ID again whose vote and log are lost, so what the directory holds from then on is another node of the same name. The
// store must be closed.
func (h *Home) Forget() error {
	err := os.Rename(h.path(clusterFile), h.path(forgetFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data directory %s: %w: the node has no cluster to forget", h.dir, ErrMissing)
	}
	if err = errors.Join(err, syncDir(h.dir)); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := h.finishForgetting(); err != nil {
		return fmt.Errorf("data directory %s: %w", h.dir, err)
	}
	return nil
}

// finishForgetting does what Forget has decided, once more if need be: the new identity is on the disk before the mark
// goes, so the old one cannot come back.
func (h *Home) finishForgetting() error {
	if _, err := os.Stat(h.path(forgetFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := h.Clear(); err != nil {
		return err
	}
	if err := h.beBorn(h.self.Name); err != nil {
		return err
	}
	return errors.Join(remove(h.path(forgetFile)), syncDir(h.dir))
}
