package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// recoveryFile says that the node has decided to go on as the next generation of its cluster. With it the decision is taken,
// and whoever opens the home carries it out to its end, once more if need be: the store first, then FinishRecovery.
const recoveryFile = "recover.json"

// Recovery is what a node becomes.
type Recovery struct {
	Cluster     Cluster         `json:"cluster"` // of the new generation
	Credentials Credentials     `json:"credentials"`
	Note        json.RawMessage `json:"note"` // the caller's own
}

// BeginRecovery writes the decision down. The node must have a cluster.
func (h *Home) BeginRecovery(r Recovery) error {
	if _, err := h.Cluster(); err != nil {
		return err
	}
	if err := writeJSON(h.path(recoveryFile), r); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// Recovery returns the decision that is not carried out yet; false when there is none.
func (h *Home) Recovery() (Recovery, bool, error) {
	var r Recovery
	err := readJSON(h.path(recoveryFile), &r)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, false, nil
	case err != nil:
		return r, false, fmt.Errorf("data directory: %w: %w", ErrCorrupt, err)
	}
	return r, true, nil
}

// FinishRecovery gives the node its new certificates and cluster and ends the recovery. The store must have been changed
// already.
func (h *Home) FinishRecovery() error {
	r, begun, err := h.Recovery()
	if err != nil || !begun {
		return err
	}
	if err := errors.Join(h.SaveCredentials(r.Credentials), h.SaveCluster(r.Cluster)); err != nil {
		return err
	}
	if err := errors.Join(remove(h.path(recoveryFile)), syncDir(h.dir)); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}
