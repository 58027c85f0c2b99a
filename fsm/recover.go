package fsm

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

// Generation is the next generation of a cluster: what is left of it after most of its voters were lost for ever.
type Generation struct {
	Number uint64 // Cluster.Generation
	CA     string // PEM of its CA's certificate
	Node   string // ID of the only member
	By     Actor
	At     time.Time
}

// Recovered returns s as the new generation begins with it: one member, which keeps its name; the others are removed, the
// tokens void, and a change of the CA that was under way is over. Document, history and what else there is stay. It is s itself if the generation has begun with it already.
// Refused: before there is a cluster (ErrNotFounded), for a node that is no router of it (ErrInvalid), and for any but the next
// generation (ErrConflict).
func (s *Snapshot) Recovered(g Generation) (*Snapshot, error) {
	n, ok := s.Node(g.Node)
	switch {
	case !s.Founded():
		return nil, notFounded()
	case s.Cluster.Generation == g.Number && s.Cluster.CA == g.CA:
		return s, nil
	case !ok:
		return nil, gone(g.Node)
	case n.Kind != Router:
		return nil, refuse(CodeInvalid, "recover a router", "%s is a witness, which has no addresses to hold", n.Name)
	case s.Cluster.Generation+1 != g.Number:
		return nil, refuse(CodeConflict, "", "the cluster's generation is %d here: %d does not follow it", s.Cluster.Generation, g.Number)
	}
	next := *s
	c := &change{Snapshot: &next, by: g.By, at: g.At}
	c.Cluster.Generation, c.Cluster.CA = g.Number, g.CA
	c.Cluster.NextCA, c.Cluster.OldCA = "", "" // those are of the generation before
	var out []string
	for _, other := range s.Nodes {
		if other.ID != g.Node {
			out = append(out, other.Name)
			c.drop(other.ID)
		}
	}
	for _, t := range s.Tokens {
		c.dropToken(t.ID)
	}
	c.endOverrides()
	detail := fmt.Sprintf("generation %d begins with %s alone", g.Number, n.Name)
	if len(out) > 0 {
		detail += "; given up: " + strings.Join(out, ", ")
	}
	c.Audit = push(c.Audit[:len(c.Audit):len(c.Audit)], Entry{Index: s.Index, At: g.At, Actor: g.By, Action: "recover", Detail: line(detail, maxDetail)}, maxAudit)
	return c.Snapshot, nil
}

// Recovery is a state machine for one purpose: it takes in what a log has, and its snapshot is what change makes of that.
type Recovery struct {
	*FSM
	change func(*Snapshot) (*Snapshot, error)
}

// NewRecovery returns one with nothing in it. An entry that cannot be read, and an error of change, fail the snapshot.
func NewRecovery(change func(*Snapshot) (*Snapshot, error), log *slog.Logger) *Recovery {
	return &Recovery{New(Options{Fatal: func(error) {}, Log: log}), change}
}

// Snapshot hands raft the changed state.
func (r *Recovery) Snapshot() (raft.FSMSnapshot, error) {
	if stopped := r.standsStill(); stopped != nil {
		return nil, stopped
	}
	next, err := r.change(r.Load())
	if err != nil {
		return nil, err
	}
	return persister{next}, nil
}
