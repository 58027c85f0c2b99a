package lab

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// busy is the document whose changes must cut no connection: two virtual servers with traffic, one by direct routing and one by
// masquerading, and a third that comes and goes. Every change is made of the text that the one before left.
const busy = `cluster {
  timeouts {
    tcp = "15m"
  }
}

virtual "near" {
  address    = "10.9.0.50"
  interface  = "outside"
  port       = 7000
  scheduler  = "wrr"
  forward    = "dr"
  on_failure = "remove"
  check "tcp" {
    every = "1s"
    rise  = 1
  }
  server "a" {
    address = "10.9.0.21"
    weight  = 2
  }
  server "b" {
    address = "10.9.0.22"
    weight  = 2
  }
}

virtual "far" {
  address    = "10.9.0.51"
  interface  = "outside"
  port       = 7000
  scheduler  = "wrr"
  forward    = "nat"
  on_failure = "remove"
  check "tcp" {
    every = "1s"
    rise  = 1
  }
  server "na" {
    address = "10.9.1.31"
    weight  = 2
  }
  server "nb" {
    address = "10.9.1.32"
    weight  = 2
  }
}

vip "gateway" {
  address   = "10.9.1.1/24"
  interface = "inside"
}
`

// What is added and taken away again.
const (
	thirdNear = `  server "c" {
    address = "10.9.0.23"
  }
`
	anotherVirtual = `
virtual "other" {
  address   = "10.9.0.52"
  interface = "outside"
  port      = 80
  forward   = "dr"
  server "a" {
    address = "10.9.0.21"
  }
}
`
	anotherVIP = `
vip "other" {
  address   = "10.9.0.53/24"
  interface = "outside"
}
`
)

// given is how long a connection may be silent until it counts as broken.
const given = 8 * time.Second

// swap replaces every old by new.
func swap(old, new string) func(string) string {
	return func(text string) string { return strings.ReplaceAll(text, old, new) }
}

// flowSurvival: under traffic the document changes in every way that keeps a connection's server, and no connection
// breaks. It logs the table of docs/operate.md; `make scenario RUN=TestOneCluster//FlowSurvival` prints it.
func flowSurvival(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	active, err := l.Active(ctx)
	must(t, err)
	text := busy
	revision := change(t, ctx, active, text)
	_, err = l.SameTable(ctx, 6)
	must(t, err)

	var flows []*Flow
	for i := range 20 {
		vip := []netip.Addr{WebVIP, NATVIP}[i%2]
		f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(vip, echoPort), 200*time.Millisecond)
		must(t, err)
		defer f.Stop()
		flows = append(flows, f)
	}

	var rows strings.Builder
	table := tabwriter.NewWriter(&rows, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprint(table, "| change\t connections\t broken\t longest silence\t\n| ---\t ---\t ---\t ---\t\n")
	silent := func() (n int) {
		for _, f := range flows {
			if f.Alive() != nil {
				n++
			}
		}
		return n
	}
	// row adds a line.
	row := func(kind string, broken int) {
		silence := time.Duration(0)
		for _, f := range flows {
			d, _ := f.Lap() // Alive has told
			silence = max(silence, d)
		}
		fmt.Fprintf(table, "| %s\t %d\t %d\t %d ms\t\n", kind, len(flows), broken, silence.Milliseconds())
	}
	// unbroken lets the connections talk for a while. One that is late on a busy machine is not broken.
	unbroken := func(kind string) {
		must(t, Pause(ctx, 250*time.Millisecond))                       // each has spoken at least once
		_ = eventually(ctx, often, given, func(context.Context) error { // silent says it
			if n := silent(); n > 0 {
				return fmt.Errorf("%d are silent", n)
			}
			return nil
		})
		broken := silent()
		if broken > 0 {
			t.Errorf("%s: %d connections are broken", kind, broken)
		}
		row(kind, broken)
	}
	unbroken("none")
	for _, tt := range []struct {
		kind string
		edit func(string) string
		late bool // in the short form it goes with the next one
	}{
		{"another scheduler", swap(`scheduler  = "wrr"`, `scheduler  = "mh"`), false},
		{"flags of the scheduler", swap(`scheduler  = "mh"`, "scheduler  = \"mh\"\n  flags      = [\"port\"]"), false},
		{"a weight raised", swap("weight  = 2", "weight  = 5"), false},
		{"every weight set to 0", swap("weight  = 5", "weight  = 0"), false},
		{"the weights set again", swap("weight  = 0", "weight  = 2"), true},
		{"a server added", swap("port       = 7000\n", "port       = 7000\n"+thirdNear), false},
		{"another server removed", swap(thirdNear, ""), false},
		{"a server of theirs removed: it drains", swap("  server \"b\" {\n    address = \"10.9.0.22\"\n    weight  = 2\n  }\n", ""), false},
		{"on_failure", swap(`"remove"`, `"quiesce"`), false},
		{"what is checked", swap(`check "tcp" {`, "check \"http\" {\n    port  = 80"), false},
		{"how often is checked", swap(`every = "1s"`, `every = "3s"`), true},
		{"persistence switched on", swap("  on_failure =", "  persistent {\n    timeout = \"5m\"\n  }\n  on_failure ="), false},
		{"persistence's timeout", swap(`timeout = "5m"`, `timeout = "10m"`), true},
		{"persistence switched off", swap("  persistent {\n    timeout = \"10m\"\n  }\n", ""), false},
		{"connection timeouts", swap(`"15m"`, `"20m"`), false},
		{"another virtual server added", func(text string) string { return text + anotherVirtual }, false},
		{"another virtual server removed", swap(anotherVirtual, ""), false},
		{"an address added", func(text string) string { return text + anotherVIP }, false},
		{"an address removed", swap(anotherVIP, ""), true},
		{"the virtual servers renamed", swap("ar\" {", "ar-by\" {"), false},
		{"the servers renamed", swap("a\" {", "a-1\" {"), false},
	} {
		next := tt.edit(text)
		if next == text {
			t.Fatalf("%s: nothing is changed in\n%s", tt.kind, text)
		}
		text = next
		if tt.late && os.Getenv("POLSO_LAB_LONG") == "" {
			continue
		}
		change(t, ctx, active, text)
		unbroken(tt.kind)
	}
	_, err = active.Polso(ctx, "rollback", fmt.Sprint(revision), "--yes")
	must(t, err)
	unbroken("rollback to the first")
	_, err = l.SameTable(ctx, 6) // without the server that came and went: it had no connection, so its drain is over in seconds
	must(t, err)

	// What must break: the test would see it.
	change(t, ctx, active, busy[strings.Index(busy, `virtual "far"`):])
	must(t, Pause(ctx, 2*time.Second))
	gone := silent()
	if gone != len(flows)/2 {
		t.Errorf("%d connections are silent, want the %d whose virtual server is gone", gone, len(flows)/2)
	}
	row("for comparison: one of the two virtual servers removed", gone)

	must(t, table.Flush())
	t.Logf("profile %s\n\n%s", DefaultProfile(), rows.String())
	if now, err := l.Active(ctx); err != nil || now != active {
		t.Errorf("another router directs now: %v", err)
	}
}

// change replaces the document, waits until that router's kernel follows, and returns the revision.
func change(t *testing.T, ctx context.Context, on *Router, text string) uint64 {
	t.Helper()
	var made struct {
		Revision  uint64 `json:"revision"`
		Unchanged bool   `json:"unchanged"`
	}
	must(t, on.Ask(ctx, http.MethodPost, "/v1/document", map[string]any{"files": []map[string]string{{"name": "edge.hcl", "text": text}}}, &made))
	if made.Unchanged {
		t.Fatalf("the document is as it was:\n%s", text)
	}
	must(t, eventually(ctx, 5*often, startupTimeout, func(ctx context.Context) error {
		s, err := on.Status(ctx, Own)
		if err == nil && s.AppliedRevision != made.Revision {
			err = fmt.Errorf("%s follows revision %d, want %d", on.Name, s.AppliedRevision, made.Revision)
		}
		return err
	}))
	return made.Revision
}
