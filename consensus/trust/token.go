package trust

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// A token reads POLSO-1-<the CA's pin>-<secret and checksum>, both in base32 without padding (RFC 4648 section 6). The
// checksum is CRC32C over pin and secret: it catches typing errors before anything is sent anywhere.
const (
	tokenPrefix  = "POLSO-1-"
	secretLength = 16
	pinChars     = 52 // 32 bytes
	secretChars  = 32 // 16 bytes of secret, 4 of checksum
)

var (
	tokenCoding = base32.StdEncoding.WithPadding(base32.NoPadding)
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
)

// ErrToken means the text is no join token: mistyped, cut short, or something else.
var ErrToken = errors.New("join token")

// Token is a new join token.
type Token struct {
	Text       string // what the operator carries to the joining node; shown once, kept nowhere
	ID         string // public, for list and revoke: 8 characters a-z 2-7
	SecretHash string // hex SHA-256 of the secret; what the cluster keeps
}

// NewToken makes a token for the cluster whose CA has this pin.
func NewToken(pin Pin) (Token, error) {
	secret := make([]byte, secretLength)
	if _, err := rand.Read(secret); err != nil {
		return Token{}, fmt.Errorf("join token: %w", err)
	}
	return Token{Text: tokenText(pin, secret), ID: TokenID(secret), SecretHash: HashSecret(secret)}, nil
}

func tokenText(pin Pin, secret []byte) string {
	tail := binary.BigEndian.AppendUint32(append([]byte(nil), secret...), tokenSum(pin, secret))
	return tokenPrefix + tokenCoding.EncodeToString(pin[:]) + "-" + tokenCoding.EncodeToString(tail)
}

func tokenSum(pin Pin, secret []byte) uint32 {
	return crc32.Update(crc32.Checksum(pin[:], castagnoli), castagnoli, secret)
}

// HashSecret returns the hex SHA-256 of a token's secret. The secret has 128 random bits, so a plain hash is enough.
func HashSecret(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:])
}

// TokenID returns the public ID of the token with this secret, derived from the secret's hash.
func TokenID(secret []byte) string {
	sum := sha256.Sum256(secret)
	sum = sha256.Sum256(sum[:]) // the ID shows nothing of the hash that is kept
	return strings.ToLower(tokenCoding.EncodeToString(sum[:5]))
}

// ParseToken reads a token as a person typed or pasted it: surrounding space and lower case do no harm. Every error is
// ErrToken and says what to look at.
func ParseToken(text string) (pin Pin, secret []byte, id string, err error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	fail := func(format string, args ...any) (Pin, []byte, string, error) {
		return Pin{}, nil, "", fmt.Errorf("%w: "+format, append([]any{ErrToken}, args...)...)
	}
	if text == "" {
		return fail("it is empty; `polso token create` prints one")
	}
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		if strings.HasPrefix(text, "POLSO-") {
			return fail("its version is not 1, the only one this polso knows; use the same release on all nodes")
		}
		return fail("it does not begin with %s; copy all that `polso token create` printed", tokenPrefix)
	}
	for i, r := range rest {
		if r != '-' && !(r >= 'A' && r <= 'Z' || r >= '2' && r <= '7') {
			return fail("character %d is %q, which no token has%s", len(tokenPrefix)+i+1, r, lookalike(r))
		}
	}
	parts := strings.Split(rest, "-")
	if len(parts) != 2 {
		return fail("it has %d parts after %s, want 2; copy all that `polso token create` printed", len(parts), tokenPrefix)
	}
	if len(parts[0]) != pinChars {
		return fail("its first part has %d characters, want %d; something is missing or doubled", len(parts[0]), pinChars)
	}
	if len(parts[1]) != secretChars {
		return fail("its last part has %d characters, want %d; something is missing or doubled", len(parts[1]), secretChars)
	}
	rawPin, err := tokenCoding.DecodeString(parts[0])
	if err != nil {
		return fail("first part: %w", err)
	}
	tail, err := tokenCoding.DecodeString(parts[1])
	if err != nil {
		return fail("last part: %w", err)
	}
	pin, secret = Pin(rawPin), tail[:secretLength:secretLength]
	// Comparing the text, not only the checksum: 52 characters hold 4 bits more than 32 bytes need, and the decoder
	// does not look at them.
	if binary.BigEndian.Uint32(tail[secretLength:]) != tokenSum(pin, secret) || tokenText(pin, secret) != text {
		return fail("its checksum is wrong; a character was mistyped")
	}
	return pin, secret, TokenID(secret), nil
}

func lookalike(r rune) string {
	switch r {
	case '0':
		return " (the letter O?)"
	case '1':
		return " (the letter I or L?)"
	case '8':
		return " (the letter B?)"
	default:
		return ""
	}
}
