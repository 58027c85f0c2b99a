package config

import (
	"strings"
	"testing"
	"time"
)

// A server's answer takes no more time than it is worth.
func TestUnwieldyJSON(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, tt := range []struct{ name, body, want string }{
		{"as deep as can be", nested(deepest), ""},
		{"deeper", nested(deepest + 1), "the body's JSON is nested more than 64 deep"},
		{"nothing but braces", nested(10000), "the body's JSON is nested more than 64 deep"},
		{"braces in a text", `{"a":"` + strings.Repeat(`\"{[,`, 5000) + `"}`, ""},
		{"as wide as can be", "[1" + strings.Repeat(",1", widest-2) + "]", ""},
		{"wider", "[1" + strings.Repeat(",1", widest-1) + "]", "the body's JSON has more than 4096 values"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Compile("status == 200")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan string, 1)
			go func() {
				holds, err := e.Holds(200, []byte(tt.body))
				switch {
				case err != nil:
					done <- err.Error()
				case !holds:
					done <- "it does not hold"
				default:
					done <- ""
				}
			}()
			select {
			case got := <-done:
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			case <-time.After(30 * time.Second):
				t.Error("no answer within half a minute")
			}
		})
	}
}
