// Package store keeps what a node must not forget: raft's log, term and vote, its snapshots, and the node's home with its
// identity, certificates and the way to its cluster.
//
// The log lies in raft-boltdb, with what that lacks beside it: a checksum in every entry and value, a look at every page
// before bbolt maps the file (bbolt meets damage with panics in goroutines of its own, or not at all), and a marker that
// tells an emptied store from a new one. On any doubt opening is refused: a node that forgot its vote is not the same
// node any more.
package store

import "errors"

// What can be wrong with a store or a home. Each error says which file, and what to do.
var (
	// ErrMissing means that no store was ever created here.
	ErrMissing = errors.New("there is no store")
	// ErrExists means that there is one already, where one was to be created.
	ErrExists = errors.New("there is a store already")
	// ErrEmptied means that the store was lost: it was created once, and what was in it is gone.
	ErrEmptied = errors.New("the store has lost its content")
	// ErrCorrupt means that the store does not hold what was written to it.
	ErrCorrupt = errors.New("the store is damaged")
	// ErrForeign means that the store belongs to another node or another cluster.
	ErrForeign = errors.New("the store belongs to another node")
	// ErrLocked means that another process has it open.
	ErrLocked = errors.New("another process has it open")
)
