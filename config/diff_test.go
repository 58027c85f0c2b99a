package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustParse(t *testing.T, name string) Document {
	t.Helper()
	d, err := Parse(mustRead(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDiffGolden(t *testing.T) {
	before, after := mustParse(t, "before.hcl"), mustParse(t, "after.hcl")
	golden(t, "diff.txt", []byte(Diff(before, after).String()+"\n"))
	golden(t, "diff.back.txt", []byte(Diff(after, before).String()+"\n"))
	golden(t, "diff.first.txt", []byte(Diff(Document{}, after).String()+"\n"))
}

func TestDiffChecks(t *testing.T) {
	with := func(check *Check) Document {
		d := fullDocument()
		d.Virtuals[1].Check = check
		return d
	}
	tcp := &Check{Kind: CheckTCP, Every: 2e9, Timeout: 1e9, Rise: 2, Fall: 3}
	slow := *tcp
	slow.Every = 5e9
	for _, tt := range []struct {
		name     string
		from, to *Check
		want     string
	}{
		{"none", nil, nil, ""},
		{"new", nil, tcp, `~ virtual "web"  check  none -> tcp every 2s  (in place, existing connections stay)`},
		{"gone", tcp, nil, `~ virtual "web"  check  tcp every 2s -> none  (in place, existing connections stay)`},
		{"slower", tcp, &slow, `~ virtual "web"  check every  2s -> 5s  (in place, existing connections stay)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, c := range Diff(with(tt.from), with(tt.to)) {
				got += c.String()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDiffSeesEverything: documents differ exactly when there is a difference to show, and it turns round.
func TestDiffSeesEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, e := documents().Draw(t, "from"), documents().Draw(t, "to")
		if rapid.Bool().Draw(t, "close") { // else two drawn documents rarely have a part in common
			e = d.Clone()
			for i := range e.Virtuals {
				v := &e.Virtuals[i]
				w := drawVirtual(t, i)
				switch rapid.IntRange(0, 5).Draw(t, "part") {
				case 0:
					v.Scheduler, v.Flags = w.Scheduler, w.Flags
				case 1:
					v.Check = w.Check
				case 2:
					v.Persistent, v.SorryServer = w.Persistent, w.SorryServer
				case 3:
					v.Servers = w.Servers
				case 4:
					v.Servers[0].Weight = w.Servers[0].Weight
				}
			}
		}
		e = complete(e) // the parts of another virtual bring their own idea of a default port
		there, back := Diff(d, e), Diff(e, d)
		if d.Equal(e) != (len(there) == 0) {
			t.Fatalf("equal: %t, but the difference is\n%s", d.Equal(e), there)
		}
		if len(there) != len(back) {
			t.Fatalf("there\n%s\nand back\n%s", there, back)
		}
		if len(Diff(d, d)) != 0 || len(Diff(e, e)) != 0 {
			t.Fatal("a document differs from itself")
		}
	})
}
