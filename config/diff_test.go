package config

import (
	"errors"
	"strings"
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

// TestDiffOfNames: the kernel knows services and destinations by their addresses, so a new name ends no connection.
func TestDiffOfNames(t *testing.T) {
	const web, mail = "address = \"192.0.2.10\"\nport = 80", "address = \"192.0.2.11\"\nport = 25"
	const both, moved, ssh = "address = \"192.0.2.10\"\nports = [80, 443]", "address = \"192.0.2.11\"\nports = [80, 443]", "address = \"192.0.2.10\"\nport = 22"
	const old = "vip \"old\" {\n address = \"192.0.2.10/32\"\n}\n"
	one, two := srv("a", `address = "10.0.0.1"`), srv("b", `address = "10.0.0.2"`)
	virtual := func(name string, body ...string) string {
		return "virtual \"" + name + "\" {\n" + strings.Join(body, "\n") + "\n}\n"
	}
	for _, tt := range []struct{ name, from, to, want string }{
		{"a virtual", virtual("web", web, one), virtual("www", web, one),
			`~ virtual "www"  name  web -> www  (renamed, connections stay)`},
		{"a virtual and more of it", virtual("web", web, one), virtual("www", web, "scheduler = \"mh\"", one, two),
			`~ virtual "www"   name       web -> www  (renamed, connections stay)
                  scheduler  wlc -> mh
+ server "www/b"  10.0.0.2 weight 1`},
		{"a server", virtual("web", web, one, two), virtual("web", web, srv("aa", "address = \"10.0.0.1\"\nweight = 3"), two),
			`~ server "web/aa"  name    a -> aa  (renamed, connections stay)
                   weight  1 -> 3`},
		{"servers that change places", virtual("web", web, one, two), virtual("web", web, srv("b", `address = "10.0.0.1"`), srv("a", `address = "10.0.0.2"`)),
			`~ server "web/a"  name  b -> a  (renamed, connections stay)
~ server "web/b"  name  a -> b  (renamed, connections stay)`},
		{"a name for another service", virtual("web", web, one) + virtual("mail", mail), virtual("web", mail),
			`- virtual "web"   192.0.2.10:80/tcp  (its connections end)
- server "web/a"  10.0.0.1
~ virtual "web"   name  mail -> web  (renamed, connections stay)`},
		{"another address is another service", virtual("web", web, one), virtual("web", mail, srv("a", `address = "10.0.0.1:25"`)),
			`-/+ virtual "web"  address  192.0.2.10 -> 192.0.2.11    (new service: connections of the old one end)
                   port     80 -> 25
~ server "web/a"   address  10.0.0.1:80 -> 10.0.0.1:25`},
		{"all that matters of what is added", "", virtual("web", web, "forward = \"nat\"\nmasquerade = true\npersistent {\n timeout = \"5m\"\n}", srv("a", "address = \"10.0.0.1\"\nupper = 9\nlower = 5")),
			`+ virtual "web"   192.0.2.10:80/tcp scheduler wlc forward nat masquerade persistent 5m
+ server "web/a"  10.0.0.1 weight 1 upper 9 lower 5`},
		{"and of tunnels", "", virtual("web", web, "forward = \"tun\"\ntunnel {\n type = \"gre\"\n}", one, srv("b", "address = \"10.0.0.2\"\ntunnel {\n type = \"gue\"\n}")),
			`+ virtual "web"   192.0.2.10:80/tcp scheduler wlc forward tun tunnel gre
+ server "web/a"  10.0.0.1 weight 1
+ server "web/b"  10.0.0.2 weight 1 tunnel gue port 6080`},
		{"several ports of another address", virtual("web", both, one), virtual("web", moved, one),
			`~ virtual "web"  address  192.0.2.10 -> 192.0.2.11  (the old address goes: its connections end)`},
		{"of one that a vip keeps", virtual("web", both, one), old + virtual("web", moved, one),
			`+ vip "old"      192.0.2.10/32
~ virtual "web"  address  192.0.2.10 -> 192.0.2.11  (in place, existing connections stay)`},
		{"of one that another virtual keeps", virtual("web", both, one) + virtual("ssh", ssh, one), virtual("web", moved, one) + virtual("ssh", ssh, one),
			`~ virtual "web"  address  192.0.2.10 -> 192.0.2.11  (in place, existing connections stay)`},
		{"a vip", "vip \"inside\" {\n address = \"10.0.0.254/24\"\n}\n", "vip \"gateway\" {\n address = \"10.0.0.254/24\"\n}\n",
			`~ vip "gateway"  name  inside -> gateway  (renamed, the address stays)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, err1 := Parse(File{"from.hcl", []byte(tt.from)})
			to, err2 := Parse(File{"to.hcl", []byte(tt.to)})
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Join(Diff(from, to).Lines(), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
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
					v.Persistent, v.Sorry = w.Persistent, w.Sorry
				case 3:
					v.Servers = w.Servers
				case 4:
					v.Servers[0].Weight = w.Servers[0].Weight
				}
			}
		}
		e = Complete(e) // the parts of another virtual bring their own idea of a default port
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

// A virtual that is not active stays in the document, and whoever plans reads what that means for its connections.
func TestInactive(t *testing.T) {
	const text = "virtual \"web\" {\n  address = \"192.0.2.10\"\n  port = 80\n  server \"a\" { address = \"10.0.0.1\" }\n}\n"
	parse := func(text string) Document {
		d, err := Parse(File{Name: "t", Text: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	on, off := parse(text), parse(strings.Replace(text, "port = 80", "port = 80\n  active = false", 1))
	if !off.Virtuals[0].Inactive || len(off.Served().Virtuals) != 0 || len(off.Virtuals) != 1 {
		t.Errorf("%+v", off.Virtuals)
	}
	if wire, err := Canonical(off); err != nil || !strings.Contains(string(wire), `,"active":false}`) {
		t.Errorf("%v, %s", err, wire)
	}
	if got := on.Served(); &got.Virtuals[0] != &on.Virtuals[0] {
		t.Error("a document of which all is served is made anew")
	}
	for _, test := range []struct {
		from, to Document
		want     string
	}{{on, off, deactivated}, {off, on, activated}} {
		if c := Diff(test.from, test.to); len(c) != 1 || c[0].Note != test.want || c[0].Symbol != Changed {
			t.Errorf("%+v, want %s", c, test.want)
		}
	}
}
