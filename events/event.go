// Package events is what happened, as a list that people and programs follow: the kinds, a router's bounded ring of what it saw, and
// how far somebody has read the rings of a whole cluster.
package events

import "time"

// Kind says what sort of thing happened. Where a notify block of the document can ask for the same, the word is the same.
type Kind string

// What one router saw: it is in that router's ring alone, and ends with its process.
const (
	Started            Kind = "started"             // its agent began
	Role               Kind = "role"                // it leads, follows, or hears no leader
	FailedOver         Kind = "failover"            // it took over; Failover says why and how long it took
	AddressUp          Kind = "address_up"          // it took an address up
	AddressGone        Kind = "address_gone"        // it has the address no more
	AnnouncementFailed Kind = "announcement_failed" // an address that it holds cannot be announced
	AnnouncementSent   Kind = "announcement_sent"   // it can again
	Conflict           Kind = "conflict"            // another machine claims an address that it holds
	Raised             Kind = "problem"             // polso status on it shows a problem more
	Cleared            Kind = "problem_gone"        // the problem is over
)

// What the director sees for all: it is in the ring of the router that directed then.
const (
	ServerUp    Kind = "server_up"
	ServerDown  Kind = "server_down"
	VirtualUp   Kind = "virtual_up"
	VirtualDown Kind = "virtual_down"
	RouterLost  Kind = "router_lost" // it does not answer
	RouterBack  Kind = "router_back" // it answers again
)

// What the cluster has written down: every router knows it, and it outlives them.
const (
	Lead      Kind = "lead"      // somebody took the lead
	Document  Kind = "document"  // another document runs, or the one before again
	Confirmed Kind = "confirmed" // one that waited to be confirmed stays
	Override  Kind = "override"  // an operator's word beside the document: drain, disable, weight; it was said, taken back or has ended
	Joined    Kind = "joined"    // a router or witness
	Removed   Kind = "removed"   // the same
	Changed   Kind = "cluster"   // anything else of the cluster: tokens, users, timing, certificates
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{
		Started, Role, FailedOver, AddressUp, AddressGone, AnnouncementFailed, AnnouncementSent, Conflict, Raised, Cleared,
		ServerUp, ServerDown, VirtualUp, VirtualDown, RouterLost, RouterBack,
		Lead, Document, Confirmed, Override, Joined, Removed, Changed,
	}
}

// Event is something that happened.
type Event struct {
	ID       string    `json:"id" doc:"of this event alone, the same on whichever router it is read"`
	At       time.Time `json:"at" doc:"by the clock of who saw it"`
	Router   string    `json:"router,omitempty" doc:"who saw it, or was asked for it; absent where the cluster did it by itself"`
	Kind     Kind      `json:"kind" doc:"what sort of thing"`
	About    string    `json:"about,omitempty" doc:"what it happened to: virtual/server, a virtual, an address, a router, what a problem is called"`
	What     string    `json:"what" doc:"in an operator's words"`
	Failover *Takeover `json:"failover,omitempty" doc:"with kind failover"`
}
