package trust

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTokenRoundTrip(t *testing.T) {
	pin := Pin{1, 2, 3}
	token, err := NewToken(pin)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{token.Text, " " + token.Text + "\r\n", strings.ToLower(token.Text)} {
		gotPin, secret, id, err := ParseToken(text)
		if err != nil {
			t.Fatal(err)
		}
		if gotPin != pin || id != token.ID || HashSecret(secret) != token.SecretHash {
			t.Errorf("came back as %s %s %s", gotPin, id, HashSecret(secret))
		}
	}
	other, err := NewToken(pin)
	if err != nil {
		t.Fatal(err)
	}
	if other.ID == token.ID || other.SecretHash == token.SecretHash {
		t.Error("two tokens share their secret")
	}
	if strings.Contains(token.SecretHash, token.ID) || len(token.ID) != 8 {
		t.Errorf("ID %q, hash %q", token.ID, token.SecretHash)
	}
}

// The form is a contract with whoever wrote a token down: a fixed pin and secret give a fixed text.
func TestTokenGolden(t *testing.T) {
	pin, secret := Pin(bytes.Repeat([]byte{0xA5}, 32)), bytes.Repeat([]byte{0x5A}, 16)
	const want = "POLSO-1-UWS2LJNFUWS2LJNFUWS2LJNFUWS2LJNFUWS2LJNFUWS2LJNFUWSQ-LJNFUWS2LJNFUWS2LJNFUWS2LK573H2R"
	if got := tokenText(pin, secret); got != want {
		t.Errorf("got %s", got)
	}
	if got := TokenID(secret); got != "b7fs25rf" {
		t.Errorf("ID %s", got)
	}
}

func TestTokenTypos(t *testing.T) {
	token, err := NewToken(Pin{9})
	if err != nil {
		t.Fatal(err)
	}
	text := token.Text
	change := func(i int, c string) string { return text[:i] + c + text[i+1:] }
	next := func(i int) string {
		if text[i] == 'Q' {
			return change(i, "R")
		}
		return change(i, "Q")
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "  ", "empty"},
		{"something else", "K10abc::server:xyz", "does not begin with POLSO-1-"},
		{"another version", "POLSO-2-" + text[8:], "version is not 1"},
		{"zero for O", change(20, "0"), "character 21 is '0', which no token has (the letter O?)"},
		{"one for I", change(30, "1"), "the letter I or L?"},
		{"space inside", text[:40] + " " + text[40:], "character 41 is ' '"},
		{"cut short", text[:len(text)-3], "last part has 29 characters, want 32"},
		{"doubled character", text[:30] + text[29:], "first part has 53 characters, want 52"},
		{"last part lost", text[:60], "it has 1 parts"},
		{"one part too many", text + "-A", "it has 3 parts"},
		{"mistyped in the pin", next(12), "checksum"},
		{"mistyped in the secret", next(70), "checksum"},
		{"mistyped in the checksum", next(len(text) - 1), "checksum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, secret, _, err := ParseToken(tt.text)
			if !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if secret != nil {
				t.Error("a secret came with the error")
			}
		})
	}
}

// Every change of one character and every swap of two neighbours is caught.
func TestTokenAnyTypo(t *testing.T) {
	token, err := NewToken(Pin{7})
	if err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	for i := len(tokenPrefix); i < len(token.Text); i++ {
		for _, c := range alphabet {
			text := token.Text[:i] + string(c) + token.Text[i+1:]
			if _, _, _, err := ParseToken(text); (err == nil) != (text == token.Text) {
				t.Fatalf("%s: %v", text, err)
			}
		}
		if i > len(tokenPrefix) {
			b := []byte(token.Text)
			b[i-1], b[i] = b[i], b[i-1]
			if _, _, _, err := ParseToken(string(b)); (err == nil) != (string(b) == token.Text) {
				t.Fatalf("%s: %v", b, err)
			}
		}
	}
}

func TestTokenAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if _, _, _, err := ParseToken(text); err == nil {
			t.Fatalf("%q passed", text)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add("POLSO-1-UWS2LJNFUWS2LJNFUWS2LJNFUWS2LJNFUWS2LJNFUWS2LJNFUWSQ-LJNFUWS2LJNFUWS2LJNFUWS2LK573H2R")
	f.Add("polso-1-")
	f.Fuzz(func(t *testing.T, text string) {
		pin, secret, _, err := ParseToken(text)
		if err != nil {
			return
		}
		if got := tokenText(pin, secret); got != strings.ToUpper(strings.TrimSpace(text)) {
			t.Errorf("%q came back as %q", text, got)
		}
	})
}
