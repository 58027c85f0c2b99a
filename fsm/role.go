package fsm

// Role is what somebody may do.
type Role string

// The roles, each with all that the one before may.
const (
	Viewer   Role = "viewer"   // sees everything but secrets
	Operator Role = "operator" // changes what runs: the document, servers, who directs
	Admin    Role = "admin"    // changes who belongs to the cluster, and who may do what
)

// rank orders the roles; what is no role is below all of them.
func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// Valid tells whether r is a role.
func (r Role) Valid() bool { return r.rank() > 0 }

// May tells whether r is enough where least is needed. What is no role is never enough, nor is anything enough for it.
func (r Role) May(least Role) bool { return r.Valid() && least.Valid() && r.rank() >= least.rank() }
