package lab

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

const perVirtual = 10 // servers

// crowd is many virtual servers, and what their table is in the form of Router.Table.
func crowd(virtuals, first int) (document, table string) {
	c := Crowd{Virtuals: virtuals, Servers: perVirtual, First: first}
	return c.Document(), sortedLines(c.Rules()...)
}

// TestScale: a document with many virtual servers is planned, applied and in every router's kernel, while a client is served
// and nobody takes over; then one weight changes. It logs the timings; `make scenario RUN=TestScale` prints them, and with
// POLSO_LAB_LONG=1 there are a thousand virtual servers with ten thousand real ones.
func TestScale(t *testing.T) {
	virtuals := 200
	if os.Getenv("POLSO_LAB_LONG") != "" {
		virtuals = 1000
	}
	ctx, l := form(t, echo)
	must(t, l.WaitWhole(ctx))
	active, err := l.Active(ctx)
	must(t, err)
	before, err := active.Status(ctx, Own)
	must(t, err)
	f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 100*time.Millisecond)
	must(t, err)
	defer f.Stop()

	began := time.Now()
	lap := func(what string) {
		now := time.Now()
		silence, err := f.Lap()
		must(t, err)
		t.Logf("%-48s %8.2f s; a connection was silent for at most %v", what, now.Sub(began).Seconds(), silence.Round(time.Millisecond))
		began = time.Now()
	}
	send := func(path string, document string, answer any) {
		must(t, active.Ask(ctx, http.MethodPost, path, map[string]any{
			"files": []map[string]string{{"name": "crowd.hcl", "text": l.Document(echo) + document}},
		}, answer))
	}
	var plan struct {
		Summary string `json:"summary"`
	}
	document, table := crowd(virtuals, 1)
	send("/v1/document/plan", document, &plan)
	lap("plan: " + plan.Summary)
	if want := fmt.Sprintf("Plan: %d to add, 0 to change, 0 to remove.", virtuals*(1+perVirtual)); plan.Summary != want {
		t.Errorf("%q, want %q", plan.Summary, want)
	}
	for _, weight := range []int{1, 7} {
		what := "the whole"
		if weight != 1 {
			what = "one weight"
			document, table = crowd(virtuals, weight)
		}
		var made struct {
			Revision uint64 `json:"revision"`
		}
		send("/v1/document", document, &made)
		lap(what + ": written")
		for _, r := range l.Routers {
			must(t, follows(ctx, r, made.Revision))
		}
		lap(what + ": in every kernel")
		for _, r := range l.Routers {
			got, err := r.Table(ctx)
			must(t, err)
			if want := sortedLines(table, l.TableOf(echo)); got != want {
				t.Errorf("%s has %d lines, want %d", r.Name, strings.Count(got, "\n")+1, strings.Count(want, "\n")+1)
			}
		}
		began = time.Now()
	}
	_, err = active.Status(ctx, Cluster)
	must(t, err)
	lap("status of the cluster")
	after, err := active.Status(ctx, Own)
	must(t, err)
	if after.Term != before.Term || !after.Lease.Held {
		t.Errorf("term %d, holding %t; was term %d", after.Term, after.Lease.Held, before.Term)
	}
	t.Logf("profile %s: %d virtual servers with %d servers each", DefaultProfile(), virtuals, perVirtual)
}

// follows waits until a router's kernel is as a revision wants it. It asks seldom: the answer is as large as the document.
func follows(ctx context.Context, r *Router, revision uint64) error {
	return eventually(ctx, time.Second, 4*time.Minute, func(ctx context.Context) error {
		s, err := r.Status(ctx, Own)
		if err == nil && s.AppliedRevision != revision {
			err = fmt.Errorf("%s follows revision %d, want %d", r.Name, s.AppliedRevision, revision)
		}
		return err
	})
}

func sortedLines(texts ...string) string {
	lines := strings.Split(strings.Join(texts, "\n"), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
