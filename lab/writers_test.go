package lab

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// Two operators change the document at once, on two routers: one of two that began at the same revision is refused and told what
// the other has changed, and whatever was accepted is there in the end.
func twoWriters(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l, web)
	var writers []*Router
	active, err := l.Active(ctx)
	must(t, err)
	for _, r := range l.Routers {
		if r != active { // both writes are handed on to the leader
			writers = append(writers, r)
		}
	}
	weights := map[string]int{}
	conflicts := 0
	for round := range 5 {
		outcome := map[string]chan error{"a": make(chan error, 1), "b": make(chan error, 1)}
		for i, server := range []string{"a", "b"} {
			go func() { outcome[server] <- setWeight(ctx, writers[i], server, 10+round) }()
		}
		for i, server := range []string{"a", "b"} {
			err := <-outcome[server]
			if ExitStatus(err) == 5 {
				conflicts++
				wantChange(t, err, map[string]string{"a": "web/b", "b": "web/a"}[server])
				err = setWeight(ctx, writers[i], server, 10+round) // the other is done: begun afresh it goes through
			}
			must(t, err)
			weights[server] = 10 + round
		}
	}

	// For certain, whatever the timing was: both begin at the same revision.
	text, err := writers[0].Polso(ctx, "history", "-n", "1", "-q")
	must(t, err)
	base := strings.TrimPrefix(strings.TrimSpace(text), "revision/")
	_, err = writers[0].Polso(ctx, "set", "server", "web/c", "weight=7", "--check-revision", base, "--yes")
	must(t, err)
	weights["c"] = 7
	_, err = writers[1].Polso(ctx, "remove", "server", "web/c", "--check-revision", base, "--yes")
	if ExitStatus(err) != 5 {
		t.Fatalf("the second write on revision %s: got %v, want exit status 5", base, err)
	}
	wantChange(t, err, "web/c")

	want := web
	want.Weights = weights
	shown, err := active.Polso(ctx, "show")
	must(t, err)
	if shown != l.Document(want) {
		t.Errorf("got\n%s\nwant\n%s", shown, l.Document(want))
	}
	must(t, l.Apply(ctx, active, shown)) // unchanged: it waits until every router follows it
	table, err := l.SameTable(ctx, tableLines(web))
	must(t, err)
	if table != l.TableOf(want) {
		t.Errorf("the kernels have\n%s\nwant\n%s", table, l.TableOf(want))
	}
	t.Logf("%d of 10 concurrent writes met a conflict", conflicts)
}

func setWeight(ctx context.Context, on *Router, server string, weight int) error {
	_, err := on.Polso(ctx, "set", "server", "web/"+server, fmt.Sprintf("weight=%d", weight), "--yes")
	return err
}

// wantChange checks that a conflict names what the other writer changed.
func wantChange(t *testing.T, err error, part string) {
	t.Helper()
	for _, word := range []string{"Changed meanwhile:", fmt.Sprintf("~ server %q", part)} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the conflict does not say %q: %v", word, err)
		}
	}
}
