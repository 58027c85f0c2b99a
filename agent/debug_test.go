package agent

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A router tells what it is at, and neither its keys nor the cluster's get out with it.
func TestDebug(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	r1 := w.nodes[0]
	made := w.gather("vm")
	creds := r1.agent.Load().current.Load().member.creds.Load()
	word := regexp.MustCompile(`[A-Za-z0-9+/=_-]{40,}`)
	keys := slices.Concat([][]byte{[]byte(made.Token)}, word.FindAll(creds.CAKey, -1), word.FindAll(creds.Key, -1))
	if len(keys) < 3 {
		t.Fatalf("only %d keys were found: the test no longer sees them", len(keys))
	}
	inside, err := r1.client.Debug(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]string)
	for _, p := range inside.Parts {
		if p.Why != "" {
			t.Errorf("%s: %s", p.Name, p.Why)
		}
		have[p.Name] = string(p.Data)
		for _, k := range keys {
			if bytes.Contains(p.Data, k) {
				t.Errorf("%s has a secret", p.Name)
			}
		}
	}
	for name, want := range map[string]string{"raft.json": `"State": "Leader"`, "log.txt": "agent started", "goroutines.txt": "goroutine ", "process.json": "heap_bytes"} {
		if !strings.Contains(have[name], want) {
			t.Errorf("%s lacks %q: %.300s", name, want, have[name])
		}
	}
}

// A router of no cluster says so of its raft group.
func TestDebugWithoutACluster(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	w.nodes[0].start()
	inside, err := w.nodes[0].client.Debug(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range inside.Parts {
		if (p.Why != "") != (p.Name == "raft.json") {
			t.Errorf("%s: %q", p.Name, p.Why)
		}
	}
}

// What is remembered of the log is whole lines, the last ones, within bounds.
func TestRecent(t *testing.T) {
	var r recent
	for i := range 20_000 {
		if _, err := fmt.Fprintf(&r, "line %d: %s\n", i, strings.Repeat("x", i%90)); err != nil {
			t.Fatal(err)
		}
		if i == 10 && !bytes.HasPrefix(r.lines(), []byte("line 0: ")) {
			t.Error("the first line is lost early")
		}
	}
	got := string(r.lines())
	if len(got) > kept || len(got) < kept/2 || cap(r.text) > 3*kept {
		t.Errorf("%d bytes in %d", len(got), cap(r.text))
	}
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	for i, line := range lines {
		if want := fmt.Sprintf("line %d: ", 20_000-len(lines)+i); !strings.HasPrefix(line, want) {
			t.Fatalf("%q, want %q", line, want)
		}
	}
}
