package main

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	token := "POLSO-1-" + strings.Repeat("x", 80)
	for _, tt := range []struct{ name, in, want string }{
		{"a token", "join 10.9.0.11 --token " + token, "join 10.9.0.11 --token POLSO-1-xxxxxxxxxxxxxxxx…"},
		{"nothing long", "r1  10.9.0.11:5390   follower", "r1  10.9.0.11:5390   follower"},
		{"a path", "/" + strings.Repeat("y", 80), "/" + strings.Repeat("y", 80)},
	} {
		if got := shorten(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
