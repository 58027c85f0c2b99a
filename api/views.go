package api

import "time"

// View is what one router sees of a server.
type View struct {
	Router string `json:"router"`
	State  string `json:"state" enum:"up,down,unknown"`
	Reason string `json:"reason,omitempty" doc:"its last check's answer; of a server that is up there, nothing"`
}

// Sees counts the servers that a router probes, once for every virtual that they are in.
type Sees struct {
	Up      int `json:"up"`
	Down    int `json:"down"`
	Unknown int `json:"unknown"`
}

// RouterCheck is what a router asks of itself, and what it came to.
type RouterCheck struct {
	Name    string     `json:"name"`
	Asks    string     `json:"asks" doc:"in a few words: ping 192.0.2.1"`
	State   string     `json:"state" enum:"up,down,unknown" doc:"unknown counts as up"`
	Reason  string     `json:"reason" doc:"the last answer"`
	Since   *time.Time `json:"since,omitempty"`
	Penalty int        `json:"penalty" doc:"how far the router stands back while it fails; 0: it is not fit to direct then"`
}
