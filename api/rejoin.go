package api

// RejoinRequest makes this router a member again, as a new one that takes its old name.
type RejoinRequest struct {
	Addresses []string `json:"addresses" minItems:"1" doc:"of any member, HOST or HOST:PORT"`
	Token     string   `json:"token"`
	Advertise []string `json:"advertise,omitempty" doc:"default: where the others reached it before"`
	Name      string   `json:"name,omitempty" doc:"default: its name of before"`
}
