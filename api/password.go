package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// hashing is as many hashes of passwords as may be made at a time: each takes 19 MiB and some 30 ms of a processor that forwards packets.
type hashing chan struct{}

// argon is what argon2id is asked for; the first choice of OWASP's password storage cheat sheet with 19 MiB.
type argon struct {
	memory, time uint32 // KiB, rounds
	threads      uint8
}

const (
	saltSize = 16
	hashSize = 32

	shortestPassword = 12   // characters
	longestPassword  = 1024 // bytes
)

// nobodysHash is of no password. Who names a user that is not there waits for it as for any other.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// enter waits for a turn; the result gives it back.
func (h hashing) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h <- struct{}{}:
		return func() { <-h }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash makes a PHC string of a password.
func (h hashing) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	a := argon{memory: 19 << 10, time: 2, threads: 1}
	sum := argon2.IDKey([]byte(password), salt, a.time, a.memory, a.threads, hashSize)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.time, a.threads, enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// matches tells whether a PHC string is of that password. One that cannot be read is of none.
func (h hashing) matches(ctx context.Context, phc, password string) (bool, error) {
	a, salt, want, ok := parsePHC(phc)
	if !ok {
		return false, nil
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(password), salt, a.time, a.memory, a.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// parsePHC reads what hash wrote, here or in a release that asks for more, within bounds: a wrong one must not take the router's memory.
func parsePHC(phc string) (a argon, salt, sum []byte, ok bool) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return a, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads); n != 3 || err != nil {
		return a, nil, nil, false
	}
	if a.memory < 8 || a.memory > 256<<10 || a.time < 1 || a.time > 16 || a.threads < 1 || a.threads > 4 {
		return a, nil, nil, false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	ok = err1 == nil && err2 == nil && len(salt) >= 8 && len(salt) <= 64 && len(sum) >= 16 && len(sum) <= 64
	return a, salt, sum, ok
}

// checkPassword refuses what is no password for that user.
func checkPassword(user, password string) *Error {
	const rule = "a password has at least 12 characters, and is not the user's name"
	switch {
	case !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Errorf(CodeInvalid, "the password has characters that cannot be typed everywhere").WithHint(rule)
	case utf8.RuneCountInString(password) < shortestPassword:
		return Errorf(CodeInvalid, "the password is too short").WithHint(rule)
	case len(password) > longestPassword:
		return Errorf(CodeInvalid, "the password is longer than %d bytes", longestPassword)
	case strings.EqualFold(password, user):
		return Errorf(CodeInvalid, "the password is the user's name").WithHint(rule)
	}
	return nil
}
