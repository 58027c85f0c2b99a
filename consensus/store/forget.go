package store

import (
	"errors"
	"fmt"
)

// Forget ends the node's membership: its cluster, credentials and store go, and so does its identity. Raft must never meet
// an ID again whose vote and log are lost, so what the directory holds from then on is another node of the same name. The
// store must be closed. A crash on the way leaves a node without a cluster, which Clear and a new identity finish.
func (h *Home) Forget() error {
	name := h.self.Name
	if err := errors.Join(remove(h.path(clusterFile)), syncDir(h.dir)); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := errors.Join(h.Clear(), remove(h.path(identityFile)), h.identify(name)); err != nil {
		return fmt.Errorf("data directory %s: %w", h.dir, err)
	}
	return nil
}
