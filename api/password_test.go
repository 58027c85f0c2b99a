package api

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestPHC(t *testing.T) {
	h := make(hashing, 2)
	phc, err := h.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", phc)
	}
	if _, _, _, ok := parsePHC(nobodysHash); !ok {
		t.Error("nobody's hash costs nothing")
	}
	// The test vector of RFC 9106's reference implementation: argon2id, v=19, m=65536, t=2, p=1, "password" with "somesalt".
	const vector = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, tt := range []struct {
		phc, password string
		want          bool
	}{
		{phc, password, true}, {phc, password + " ", false}, {vector, "password", true}, {vector, "Password", false}, {"", "", false}, {"$", "", false},
		{strings.Replace(phc, "m=19456", "m=4294967295", 1), password, false}, {strings.Replace(phc, "t=2", "t=0", 1), password, false},
		{strings.Replace(phc, "argon2id", "argon2i", 1), password, false}, {phc[:len(phc)-30], password, false},
	} {
		if got, err := h.matches(t.Context(), tt.phc, tt.password); got != tt.want || err != nil {
			t.Errorf("%s of %q: %v, %v", tt.phc, tt.password, got, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	full := make(hashing, 1)
	full <- struct{}{}
	if _, err := full.matches(over, phc, password); !errors.Is(err, context.Canceled) {
		t.Errorf("while others are hashed: %v", err)
	}
}

func TestPasswordRules(t *testing.T) {
	for password, want := range map[string]string{
		"elevenchars": "the password is too short", "twelve chars": "", "zwölf zeichen": "", "Administrator": "the password is the user's name",
		strings.Repeat("x", 1025): "the password is longer than 1024 bytes", "ends with nul\x00": "the password has characters that cannot be typed everywhere", "\xff23456789012": "the password has characters that cannot be typed everywhere",
	} {
		got := ""
		if err := checkPassword("administrator", password); err != nil {
			got = err.Title
		}
		if got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}
