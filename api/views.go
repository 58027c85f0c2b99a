package api

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
