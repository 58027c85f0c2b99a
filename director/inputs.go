// Package director decides what this node's kernel should look like, given a mandate, and makes it so.
//
// One goroutine makes one pass at a time: read every input once, Decide, observe the kernel, plan, do. It knows neither
// raft nor the state machine.
package director

import (
	"net/netip"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// Group names a set of addresses that move together.
type Group string

// DefaultGroup is the group of every address that names no other.
const DefaultGroup Group = "default"

// Mandate says which groups this node may direct, and until when. The zero value: hold nothing.
type Mandate struct {
	Epoch  uint64
	Groups map[Group]vip.Instant
}

// State is the replicated intent, as far as the director needs it.
type State struct {
	Known     bool // false until this process knows what was committed: touch no table before
	Revision  uint64
	Document  config.Document
	Overrides []Override
	Leaving   []Leaving
	// Foreign says that services in the kernel are not known to be ours: they were there before this node's first document,
	// and nobody gave them up. Nothing is touched or held until it is false, also while the kernel has no service.
	Foreign bool
	// OtherLeads says that another router is known to lead now. It is false while nobody is known to, or this node is.
	OtherLeads bool
}

// Override is an operator's word about one server, or about every server at an address, that stands beside the document.
type Override struct {
	Virtual, Server string     // both empty with Address
	Address         netip.Addr // Drain and Disable only
	Kind            OverrideKind
	Weight          int // with SetWeight
}

// OverrideKind is what an override does.
type OverrideKind string

// The overrides of a server.
const (
	Drain     OverrideKind = "drain"   // weight 0, connections stay
	Disable   OverrideKind = "disable" // out of the table
	SetWeight OverrideKind = "weight"
	ForceUp   OverrideKind = "up"   // whatever its check says
	ForceDown OverrideKind = "down" // as if its check said so
)

// Leaving is a server that the document no longer names and that still drains: a wanted destination of weight 0.
type Leaving struct {
	Virtual config.Virtual // as it was when the server was removed; only its key and name count
	Server  config.Server
}

// Inputs is everything a decision depends on, read once per pass.
type Inputs struct {
	Mandate    Mandate
	State      State
	Health     health.View
	Links      vip.Links
	Interfaces map[string]string   // logical name -> device, from this node's own settings
	Homes      map[netip.Addr]Home // the last pass's Want.Homes
	Observed   *ipvs.Table         // the kernel's table at the beginning of the pass; nil: it could not be read
	Last       ipvs.Table          // the same as last read, whenever that was
	Daemons    []ipvs.Daemon       // sync daemons that run at the beginning of the pass, as far as could be read
	Ruleless   string              // why the packet rules cannot be read or made; "" if they can
	Stats      ipvs.Stats          // of Observed
	Pools      map[ipvs.Key]Pool   // the last pass's Want.Pools; nil: this process has not decided yet
	Running    time.Duration       // since this process's first pass
	Others     Others              // what the other routers see
	Spared     Spared              // the last pass's Want.Spared
	Grounds    Grounds             // the last pass's Want.Grounds
	Hushed     bool                // the last pass's Want.Hushed
	Now        time.Time           // when the pass began

	asked     *asked                // the last pass's; made by Decide if it is of another document
	past      *past                 // of the same caller's decision before; nil: it keeps none
	overrides map[target][]Override // the state's, made by Decide
	spoken    spoken                // likewise
	drains    map[ipvs.Key][]Leaving
	rosters   []roster // of the document's virtuals
}

// Want is what the node's kernel should look like.
type Want struct {
	KeepTable bool       // touch no service, whatever is there: Table means nothing
	Table     ipvs.Table // the whole table
	Rules     ipvs.Rules // what its services need of the packet filter
	Held      []vip.Held
	Places    []Place             // every address of the document that has a place on this node, held or not
	Homes     map[netip.Addr]Home // the last place of each address of the document, for the next pass
	Probes    []health.Target
	Sysctls   Sysctls
	Sync      []ipvs.Daemon     // that share connections with the other routers; of each role one at most
	Pools     map[ipvs.Key]Pool // of each service, for the next pass
	Spared    Spared            // see there, for the next pass
	Grounds   Grounds           // likewise
	Hushed    bool              // servers that are down may be there still, and so may their connections
	Again     time.Duration     // the next pass is due then, since a weight or what is known of a server changes; 0: none does
	Problems  []Problem         // what of the document cannot be done on this node, and why
	Unfit     []string          // why this node could not direct as another may: see Status
	Undecided []string          // see Status
}

// Place is where an address of the document belongs on this node.
type Place struct {
	Addr     netip.Addr
	Link     string // the device
	Name     string // the vip's, or the first virtual's
	Group    Group
	Services []ipvs.Key // that clients reach through it; none for a vip without a virtual
}

// Home is where an address had its place last.
type Home struct {
	Link   string
	Subnet netip.Prefix // as the document gave it, where the link was found by it; zero where the link was named
}

// Problem is something wanted that this node cannot do.
type Problem struct {
	What string // "vip 192.0.2.10"
	Why  string // `no link has its subnet`
	Fix  string // the next step
}

// Status is what the last pass saw and did, published as an immutable value.
type Status struct {
	At        time.Time
	Revision  uint64 // of the document the kernel was last made to follow
	Converged bool   // the kernel is as that revision wants it
	Epoch     uint64
	Held      []HeldStatus
	Places    []Place    // where this node would hold the document's addresses
	Table     ipvs.Table // as observed after the pass
	Stats     ipvs.Stats
	Sync      []ipvs.Daemon // as observed after the pass: those that run, whoever wants them
	Links     vip.Links
	Health    health.View
	Problems  []Problem
	// Unfit says, one line each, why this node could not direct as another may, whether it directs now or stands by. What
	// is wrong with the document itself, and so on every router, is not among it. Steps that fail count by Failing.
	Unfit []string
	// Undecided names the virtuals that no server takes connections for, only because checks have not decided yet. Another
	// that knows more should take over first; it is no reason for a director to hand over, so it is not among Unfit.
	Undecided []string
	Pools     map[ipvs.Key]Pool // of each service that the last pass decided on
	Failures  []Failure         // steps that failed in the last pass
	Failing   int               // failing passes in a row
	Drift     uint64            // foreign changes repaired since start
	Passes    uint64
	Settings  []SettingStatus // kernel settings that are wanted or were changed
}

// HeldStatus is one address that this node holds or should hold.
type HeldStatus struct {
	vip.Held
	Name      string // the vip's or virtual's
	Group     Group
	Present   bool // in the kernel now
	Announced time.Time
	Conflict  vip.Conflict // who else claims it
}

// Failure is a step that failed.
type Failure struct {
	Step string // the operation in ipvsadm's or ip's words
	Err  string
}
