package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args string
		want int
		say  string
	}{
		{"--only flood", 64, "flood"},
		{"--profile leisurely", 64, "leisurely"},
		{"--nonsense", 64, "nonsense"},
		{"--polso /nowhere/polso", 1, "/nowhere/polso"},
	} {
		var out, errs bytes.Buffer
		if got := run(t.Context(), strings.Fields(tt.args), &out, &errs); got != tt.want || !strings.Contains(errs.String(), tt.say) {
			t.Errorf("%s: %d %q, want %d", tt.args, got, errs.String(), tt.want)
		}
	}
}

// Outside the laboratory it fails; nothing was proven.
func TestWithoutIPVSItFails(t *testing.T) {
	if _, err := os.Stat("/proc/net/ip_vs"); err == nil {
		t.Skip("this kernel has IPVS")
	}
	binary := filepath.Join(t.TempDir(), "polso")
	if err := os.WriteFile(binary, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if got := run(t.Context(), []string{"--polso", binary, "--rounds", "1"}, &out, &errs); got != 1 || !strings.Contains(errs.String(), "no IPVS") {
		t.Errorf("%d %q", got, errs.String())
	}
	if !strings.Contains(out.String(), "0 of 1 rounds") || !strings.Contains(out.String(), "FAILED") {
		t.Errorf("%s", out.String())
	}
}

func TestNumbers(t *testing.T) {
	if got := fmt.Sprint(numbers(3, 0), numbers(200, 7)); got != "[1 2 3] [7]" {
		t.Error(got)
	}
}

func TestDocumentsDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for n := range 1000 {
		seen[fmt.Sprint(virtuals(n))] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d documents, want 1000", len(seen))
	}
}
