package main

import (
	"testing"

	"polso/api"
)

// A server's connections are not those of a sorry server or of one that leaves, which may have its name.
func TestConnectionsOf(t *testing.T) {
	st := api.Status{Virtuals: []api.Virtual{{Name: "web", Servers: []api.Server{
		{Name: "a", Address: "10.0.0.1", State: "drain", Active: 3, Inactive: 1},
		{Name: "a", Address: "10.0.0.2", State: "leaving", Active: 5},
		{Name: "a", Address: "10.0.0.9", State: "up", Sorry: true, Active: 7},
	}}}}
	for target, want := range map[string]int{"server/web/a": 4, "address/10.0.0.2": 5, "address/10.0.0.9": 7, "server/web/b": 0} {
		if n := connectionsOf(st, target); n != want {
			t.Errorf("%s: %d, want %d", target, n, want)
		}
	}
}
