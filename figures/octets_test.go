package figures

import (
	"strings"
	"testing"
)

func TestOctets(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "GET / HTTP/1.0\r\n\r\n": `"GET / HTTP/1.0\r\n"|"\r\n"`, "é": `"é"`,
		"\x00\xff": "00000000  00 ff                                             |..|", "a\x1b[0m": "00000000  61 1b 5b 30 6d                                    |a.[0m|",
	} {
		if got := strings.Join(Octets([]byte(in)), "|"); got != want {
			t.Errorf("Octets(%q) = %s, want %s", in, got, want)
		}
	}
	if got := Milliseconds(0.0123); got != "12.3 ms" {
		t.Error(got)
	}
}
