package api

import "time"

// RecoverRequest has this router go on alone, as a new generation of its cluster.
type RecoverRequest struct {
	Cluster string `json:"cluster" doc:"the cluster's name, as the operator typed it"`
}

// Recovered tells what the new generation is, and how the others come back.
type Recovered struct {
	Schema     string    `json:"schema"`
	Cluster    string    `json:"cluster"`
	Node       string    `json:"node" doc:"its only member"`
	Generation uint64    `json:"generation"`
	Revision   uint64    `json:"revision"`
	GivenUp    []string  `json:"given_up" nullable:"false" doc:"members of before; they come back only by polso rejoin"`
	Addresses  []string  `json:"addresses" nullable:"false"`
	Token      string    `json:"token" doc:"admits routers for an hour"`
	Expires    time.Time `json:"expires_at"`
}
