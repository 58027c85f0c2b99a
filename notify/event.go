// Package notify tells people and programs what happened to a router, by command, webhook and mail, each within limits. Who
// reports an event never waits for it to be told.
package notify

import (
	"slices"
	"strings"
	"time"

	"polso/config"
)

// Event is something that happened, as JSON the body of a webhook and the input of a command.
type Event struct {
	Kind    config.EventKind `json:"event"`
	At      time.Time        `json:"at"`
	Cluster string           `json:"cluster"`
	Router  string           `json:"router"` // who tells; with Active, Inactive whom it is about
	About   string           `json:"about,omitempty"`
	Virtual string           `json:"virtual,omitempty"`
	Server  string           `json:"server,omitempty"`  // its name in the virtual
	Address string           `json:"address,omitempty"` // the server's, the virtual's, or the claimed one
	Reason  string           `json:"reason,omitempty"`  // in an operator's words
	Dropped int              `json:"dropped,omitempty"` // how many events before this one nobody was told of
}

// String is the event in one line: "server_down web/a (10.0.0.11:80): tcp: connection refused".
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(string(e.Kind))
	switch {
	case e.Server != "":
		b.WriteString(" " + e.Virtual + "/" + e.Server)
	case e.Virtual != "":
		b.WriteString(" " + e.Virtual)
	case e.About != "":
		b.WriteString(" " + e.About)
	}
	if e.Address != "" {
		b.WriteString(" (" + e.Address + ")")
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// wants tells whether n is to be told of e.
func wants(n config.Notify, e Event) bool {
	if len(n.Virtuals) > 0 && !slices.Contains(n.Virtuals, e.Virtual) {
		return false
	}
	return len(n.Events) == 0 || slices.Contains(n.Events, e.Kind)
}
