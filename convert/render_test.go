package convert

import (
	"net/netip"
	"strings"
	"testing"
)

// Every note stands at its block, or at the block around it if that is gone, in the order of the text; a hostile line stays inside its
// comment.
func TestNotesStandAtTheirBlocks(t *testing.T) {
	b, v := written1(t)
	b.vip("gate", place{"a.cf", 4, ""}).Address = netip.MustParsePrefix("10.0.0.254/24")
	b.hint(v.servers[0].path, place{"a.cf", 21, "\tweight = 7"}, "is it?")
	b.lost("", place{"a.cf", 0, ""}, "no line in particular")
	b.changed(`vip "gate"`, place{"a.cf", 4, "nat_router = \x1b[31m}\n} evil"}, "now a vip")
	b.lost(v.path+` server "gone"`, place{"a.cf", 30, strings.Repeat("w", 300)}, "it was not active")
	b.changed(v.path, place{"a.cf", 11, "x"}, "first of the virtual")
	b.hint("cluster", place{"a.cf", 1, "keepalive = 6"}, "about the cluster")
	r, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	runs(t, r)
	const want = `# Imported from a.cf (test).
# a.cf: lost: no line in particular

# a.cf:1: hint: about the cluster
#     keepalive = 6
cluster {
  standby = "warm"
}

# a.cf:4: changed: now a vip
#     nat_router = �[31m}�} evil
vip "gate" {
  address = "10.0.0.254/24"
}

# a.cf:11: changed: first of the virtual
#     x
# a.cf:30: lost: virtual "web" server "gone": it was not active
#     WWWW…
virtual "web" {
  address   = "192.0.2.10"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"

  # a.cf:21: hint: is it?
  #     weight = 7
  server "a" {
    address = "10.0.0.1"
    weight  = 1
  }
}
`
	if got := strings.Replace(string(r.HCL()), strings.Repeat("w", longestText), "WWWW", 1); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var report strings.Builder
	if err := r.Report(&report); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"a.cf:1: hint: cluster: about the cluster\n    keepalive = 6\na.cf:4: changed: vip",
		"a.cf: lost: no line in particular\nImported 1 virtual, 1 server, 1 vip; 2 lost, 2 changed, 2 hints.\n",
	} {
		if !strings.Contains(report.String(), line) {
			t.Errorf("no %q in\n%s", line, &report)
		}
	}
	if len(r.Lost()) != 2 {
		t.Errorf("lost: %v", r.Lost())
	}
}
