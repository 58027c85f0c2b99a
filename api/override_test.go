package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoHCL = `
virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "dr"
  server "a" {
    address = "10.0.0.1"
  }
  server "b" {
    address = "10.0.0.2"
  }
}
virtual "mail" {
  address = "192.0.2.11"
  port    = 25
  forward = "dr"
  server "a" {
    address = "10.0.0.1"
  }
}
`

// What an operator says of servers, one word after the other, as it is answered and as it is listed in the end.
func TestOverrides(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{"e.hcl", twoHCL}}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   any
		want string
	}{
		{OverrideRequest{Target: "server/web/a", Kind: "drain", Reason: " disk "}, "Server web/a is drained. Undo: polso enable server web/a"},
		{OverrideRequest{Target: "server/web/a", Kind: "weight", Weight: 5}, "Server web/a has weight 5. Undo: polso weight web/a --reset"},
		{OverrideRequest{Target: "server/web/a", Kind: "up"}, "Server web/a counts as up, whatever its check says. Undo: polso force off web/a"},
		{OverrideRequest{Target: "server/web/b", Kind: "down"}, "Server web/b counts as down, whatever its check says. Undo: polso force off web/b" +
			"; virtual web has no server left that takes new connections"},
		{ClearRequest{Target: "server/web/a", About: "traffic"}, "Server web/a: taken back.; it goes on to be forced up, of weight 5: polso get overrides"},
		{OverrideRequest{Target: "server/web/b", Kind: "weight"}, "Server web/b has weight 0. Undo: polso weight web/b --reset"},
		{OverrideRequest{Target: "address/::ffff:10.0.0.1", Kind: "disable"}, "10.0.0.1 (mail/a, web/a) is disabled. Undo: polso maintain 10.0.0.1 --end" +
			"; virtual mail has no server left that takes new connections; virtual web has no server left that takes new connections"},
		{OverrideRequest{Target: "address/10.0.0.1", Kind: "up"}, "error: what is at 10.0.0.1 has no one health"},
		{ClearRequest{Target: "server/mail/a", About: "traffic"}, "error: Server mail/a is neither drained nor disabled: it is disabled with all of 10.0.0.1"},
		{ClearRequest{Target: "server/web/b"}, "Server web/b is as the document says."},
		{ClearRequest{Target: "server/web/b"}, "error: Server web/b is as the document says"},
		{OverrideRequest{Target: "server/web/z", Kind: "drain"}, `error: virtual "web" has no server "z"`},
	} {
		var done Done
		var err error
		switch r := step.do.(type) {
		case OverrideRequest:
			done, err = c.SetOverride(ctx, r)
		case ClearRequest:
			done, err = c.ClearOverride(ctx, r)
		}
		got := strings.Join(append(done.Done, done.Warnings...), "; ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != step.want {
			t.Errorf("%+v\n got %s\nwant %s", step.do, got, step.want)
		}
	}
	if _, err := c.DrainRouter(ctx, "r1", DrainRequest{For: 60}); err != nil {
		t.Fatal(err)
	}
	list, err := c.Overrides(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range list {
		if o.By == "" || o.At.IsZero() || (o.Until != nil) != (o.Kind == "drain") || (o.Weight != nil) != (o.Kind == "weight") {
			t.Errorf("%+v", o)
		}
		got = append(got, o.Kind+" "+o.Target)
	}
	if d := cmp.Diff([]string{"disable address/10.0.0.1", "drain router/r1", "up server/web/a", "weight server/web/a"}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
