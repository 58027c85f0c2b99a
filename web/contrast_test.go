package web

import (
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colour is one of the style sheet's by its name, in one of its schemes.
type colour [3]float64

var declared = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// schemes are the colours of the light and of the dark page, as polso.css has them.
func schemes(t *testing.T) map[string]map[string]colour {
	t.Helper()
	text, err := fs.ReadFile(static, "static/polso.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(string(text), "@media (prefers-color-scheme: dark)")
	dark, _, _ := strings.Cut(rest, "/* Page */")
	out := map[string]map[string]colour{"light": {}, "dark": {}}
	for name, part := range map[string]string{"light": light, "dark": dark} {
		for _, m := range declared.FindAllStringSubmatch(part, -1) {
			n, err := strconv.ParseUint(m[2], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			out[name][m[1]] = colour{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}
		}
	}
	if len(out["light"]) != len(out["dark"]) || len(out["light"]) < 15 {
		t.Fatalf("%d colours in light, %d in dark", len(out["light"]), len(out["dark"]))
	}
	return out
}

// luminance is WCAG's relative luminance.
func (c colour) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			linear[i] = v / 12.92
		} else {
			linear[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

func contrast(a, b colour) float64 {
	high, low := a.luminance(), b.luminance()
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

// Whatever stands on whatever can be read, in light and in dark.
func TestContrast(t *testing.T) {
	pairs := map[string]float64{"on-fill fill": 4.5, "good good-tint": 4.5, "bad bad-tint": 4.5}
	for _, ground := range []string{"back", "panel", "tint"} {
		for _, text := range []string{"ink", "soft", "link", "good", "bad", "warn", "quiet"} {
			pairs[text+" "+ground] = 4.5
		}
		pairs["edge "+ground] = 3
	}
	for _, ground := range []string{"good-tint", "bad-tint", "warn-tint"} {
		pairs["ink "+ground], pairs["link "+ground], pairs["edge "+ground] = 4.5, 4.5, 3
	}
	for scheme, colours := range schemes(t) {
		for pair, least := range pairs {
			on, ground, _ := strings.Cut(pair, " ")
			a, known := colours[on]
			b, knownToo := colours[ground]
			if !known || !knownToo {
				t.Fatalf("%s: no colour for %q", scheme, pair)
			}
			if got := contrast(a, b); got < least {
				t.Errorf("%s: %s on %s is %.2f:1, want %.1f:1", scheme, on, ground, got, least)
			}
		}
	}
}
