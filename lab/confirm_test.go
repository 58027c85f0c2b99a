package lab

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Confirm with a failover in the middle: a change is made on a standby, the director is killed while it waits, and its successor
// takes the change back in time, on every router; one that was confirmed on the successor stays.
func confirmAcrossAFailover(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l, web)
	before, err := l.SameTable(ctx, tableLines(web))
	must(t, err)
	document := show(t, ctx, l.Routers[0])
	change := web
	change.Scheduler, change.Servers = "wlc", []string{"a", "b"}

	old, next := tryWithAFailover(t, ctx, l, l.Document(change), "25s")
	waits := waiting(t, ctx, next)
	if time.Until(waits.Until) < 0 {
		t.Fatalf("the failover took longer than the change may wait: until %v", waits.Until)
	}
	var back struct {
		At      time.Time `json:"at"`
		Message string    `json:"message"`
	}
	must(t, Eventually(ctx, time.Until(waits.Until)+20*time.Second, func(ctx context.Context) error {
		return next.Ask(ctx, http.MethodGet, fmt.Sprintf("/v1/revisions/%d", waits.Revision+1), nil, &back)
	}))
	late := back.At.Sub(waits.Until)
	if late < 0 || late > 5*time.Second {
		t.Errorf("it went back %v after its time", late)
	}
	if want := fmt.Sprintf("revision %d was not confirmed: back to revision %d", waits.Revision, waits.BackTo); back.Message != want {
		t.Errorf("it says %q, want %q", back.Message, want)
	}
	must(t, l.Repair(ctx, Killed, old))
	must(t, l.WaitWhole(ctx))
	after, err := l.SameTable(ctx, tableLines(web))
	must(t, err)
	if after != before {
		t.Errorf("the table is\n%s\nwas\n%s", after, before)
	}
	for _, r := range l.Routers {
		if got := show(t, ctx, r); got != document {
			t.Errorf("%s has another document:\n%s", r.Name, got)
		}
	}
	traffic(t, ctx, l, web, len(web.Servers))
	t.Logf("%s killed, %s took revision %d back %v after its time", old.Name, next.Name, waits.Revision, late.Round(time.Millisecond))

	old, next = tryWithAFailover(t, ctx, l, l.Document(change), "2m")
	_, err = next.Polso(ctx, "confirm")
	must(t, err)
	if _, err := next.Polso(ctx, "confirm"); ExitStatus(err) != 6 {
		t.Errorf("confirmed again: %v, want exit status 6", err)
	}
	must(t, l.Repair(ctx, Killed, old))
	must(t, l.WaitWhole(ctx))
	s, err := old.Status(ctx, Cluster)
	must(t, err)
	if s.Confirm != nil {
		t.Errorf("%s says that it waits: %+v", old.Name, s.Confirm)
	}
	traffic(t, ctx, l, change, len(change.Servers))
}

// tryWithAFailover makes a change that waits so long to be confirmed, on a standby, and kills the director.
func tryWithAFailover(t *testing.T, ctx context.Context, l *Lab, document, wait string) (old, next *Router) {
	t.Helper()
	old, err := l.Active(ctx)
	must(t, err)
	writer := l.Routers[0]
	if writer == old {
		writer = l.Routers[1]
	}
	must(t, l.Apply(ctx, writer, document, "--confirm", wait))
	waiting(t, ctx, writer)
	_, _, err = l.Strike(ctx, Killed, old)
	must(t, err)
	next, err = l.Successor(ctx, old, WebVIP)
	must(t, err)
	return old, next
}

// waiting is what the cluster says of the revision that waits to be confirmed.
func waiting(t *testing.T, ctx context.Context, r *Router) Confirmation {
	t.Helper()
	var got Confirmation
	must(t, Eventually(ctx, 10*time.Second, func(ctx context.Context) error {
		s, err := r.Status(ctx, Cluster)
		if err != nil {
			return err
		}
		if s.Confirm == nil || s.Confirm.Revision != s.Revision {
			return fmt.Errorf("%s: revision %d runs, and %+v waits", r.Name, s.Revision, s.Confirm)
		}
		got = *s.Confirm
		return nil
	}))
	return got
}
