package director

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// TestFitness: what a router says of itself as a standby and as the director, and that it says it once.
func TestFitness(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		unfit := func(when, want string) {
			t.Helper()
			if got := strings.Join(w.d.Status().Unfit, "; "); got != want {
				t.Errorf("%s: unfit %q, want %q", when, got, want)
			}
		}
		eth0 := vip.Link{Name: "eth0", Index: 2}
		unfit("just started", "")
		w.wait(6 * time.Second)
		unfit("nothing known", "the state is not known yet")
		w.forget()
		running(w)
		unfit("standing by", "")

		w.edge.SetLink(eth0)
		w.wait(0)
		unfit("a standby's cable is pulled", "link eth0 of vip 192.0.2.10 is down")
		w.check("a standby's cable is pulled", "converged rev 2")
		eth0.Up = true
		w.edge.SetLink(eth0)
		w.wait(0)
		unfit("it is back", "")

		w.lead(1)
		w.wait(6 * time.Second)
		w.forget()
		eth0.Up = false
		w.edge.SetLink(eth0)
		w.wait(20 * time.Second)
		unfit("the director's cable is pulled", "link eth0 of vip 192.0.2.10 is down")
		w.expect("the director's cable is pulled", ``)
		w.check("the director's cable is pulled", "converged rev 2 web 192.0.2.10 present")
		if err := w.end(); err != nil {
			t.Errorf("run: %v", err)
		}
		var said strings.Builder
		for line := range strings.Lines(w.log.String()) {
			if strings.Contains(line, "fit to direct") {
				said.WriteString(line)
			}
		}
		checkText(t, said.String(), `
level=WARN msg="not fit to direct" why="the state is not known yet"
level=INFO msg="fit to direct again"
level=WARN msg="not fit to direct" why="link eth0 of vip 192.0.2.10 is down"
level=INFO msg="fit to direct again"
level=WARN msg="not fit to direct" why="link eth0 of vip 192.0.2.10 is down"
`)
	})
}

// TestScar: a cold standby tries nothing, so it says for a while what it could not do as the director.
func TestScar(t *testing.T) {
	const why = "when it last directed: ipvsadm -A -t 192.0.2.10:80 -s mh: the kernel lacks scheduler mh (modprobe ip_vs_mh): no such file or directory"
	doc := document(with(web("a"), func(v *config.Virtual) { v.Scheduler = "mh" }))
	doc.Cluster.Standby = config.Cold
	tests := []struct {
		name   string
		change func(*world) // once it stands by again
		want   string
	}{
		{"for a while", func(w *world) { w.wait(4 * time.Minute) }, why},
		{"not for ever", func(w *world) { w.wait(5*time.Minute + restful) }, ""},
		{"another document may go better", func(w *world) { w.change(func() { w.state.Revision++ }) }, ""},
		{"while it directs its failing passes tell", func(w *world) { w.lead(2) }, ""},
		{"it directed well since", func(w *world) {
			w.table.Lack()
			w.lead(2)
			w.wait(restful)
			w.withdraw()
		}, ""},
		{"it directed no better since", func(w *world) {
			w.wait(4 * time.Minute)
			w.lead(2)
			w.wait(2 * time.Second)
			w.withdraw()
			w.wait(4 * time.Minute)
		}, why},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				w.table.Lack("mh")
				w.start()
				w.know(2, doc)
				w.lead(1)
				w.wait(time.Second) // four passes
				w.withdraw()
				w.wait(breath)
				if u := w.d.Status().Unfit; len(u) > 0 {
					t.Errorf("after four passes: unfit %v", u)
				}
				w.lead(1)
				w.wait(2 * time.Second)
				w.change(func() { w.mandate, w.state.OtherLeads = Mandate{}, true })
				w.wait(breath)
				if u := w.d.Status().Unfit; !slices.Equal(u, []string{why}) {
					t.Errorf("standing by: unfit %v", u)
				}
				tt.change(w)
				w.wait(breath)
				if got := strings.Join(w.d.Status().Unfit, "; "); got != tt.want {
					t.Errorf("unfit %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestUndecided: which virtuals this router would serve by nobody for want of verdicts.
func TestUndecided(t *testing.T) {
	quiesce := func(v *config.Virtual) { v.OnFailure = config.Quiesce }
	mail := with(web("a"), func(v *config.Virtual) { v.Name, v.Ports = "mail", []uint16{25} })
	tests := []struct {
		name   string
		doc    config.Document
		words  string // verdicts, with commas
		have   *ipvs.Table
		change func(*Inputs)
		want   string
	}{
		{"just booted", document(web("a", "b")), "", &ipvs.Table{}, nil, "web"},
		{"one is up", document(web("a", "b")), "web/a up", &ipvs.Table{}, nil, ""},
		{"one is down, one may be up", document(web("a", "b")), "web/a down", &ipvs.Table{}, nil, "web"},
		{"one is quiesced, one may be up", document(with(web("a", "b"), quiesce)), "web/a down", &ipvs.Table{}, nil, "web"},
		{"all are down", document(web("a", "b")), "web/a down,web/b down", &ipvs.Table{}, nil, ""},
		{"the process is new, the kernel's table is not", document(web("a", "b")), "", table80("10.0.0.1:80 5"), nil, ""},
		{"what the kernel has takes nothing", document(web("a", "b")), "", table80("10.0.0.1:80 0"), nil, "web"},
		{"no checks", document(with(web("a"), func(v *config.Virtual) { v.Check = nil })), "", &ipvs.Table{}, nil, ""},
		{"no servers", document(web()), "", &ipvs.Table{}, nil, ""},
		{"a check that cannot be asked", document(with(web("a"), func(v *config.Virtual) {
			v.Servers[0].Address = netip.MustParseAddrPort("10.0.0.1:0")
		})), "", &ipvs.Table{}, nil, ""},
		{"nothing to hope for: drained", document(web("a")), "", &ipvs.Table{}, func(in *Inputs) {
			in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: Drain}}
		}, ""},
		{"nothing to hope for: disabled", document(web("a")), "", &ipvs.Table{}, func(in *Inputs) {
			in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: Disable}}
		}, ""},
		{"one of two virtuals", document(mail, with(web("x", "b"), func(v *config.Virtual) { v.Servers = v.Servers[1:] })), "web/b up", &ipvs.Table{}, nil, "mail"},
		{"a cold standby, which has no table", document(web("a", "b")), "", &ipvs.Table{}, func(in *Inputs) {
			in.State.Document.Cluster.Standby, in.State.OtherLeads = config.Cold, true
		}, "web"},
		{"a cold standby that knows", document(web("a", "b")), "web/b up", &ipvs.Table{}, func(in *Inputs) {
			in.State.Document.Cluster.Standby, in.State.OtherLeads = config.Cold, true
		}, ""},
		{"the director too, but it is not unfit", document(web("a")), "", &ipvs.Table{}, func(in *Inputs) { in.Mandate = mandate(1, time.Second) }, "web"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{
				State:  State{Known: true, Revision: 2, Document: tt.doc},
				Health: verdicts(tt.doc, strings.Split(tt.words, ",")...), Links: links(), Observed: tt.have,
			}
			if tt.change != nil {
				tt.change(&in)
			}
			want := Decide(in)
			if got := strings.Join(want.Undecided, ","); got != tt.want || len(want.Unfit) > 0 {
				t.Errorf("undecided %q, want %q; unfit %v", got, tt.want, want.Unfit)
			}
		})
	}
}

func TestLater(t *testing.T) {
	tests := []struct {
		name   string
		status Status
		want   time.Duration
	}{
		{"fit", Status{Converged: true}, 0},
		{"its kernel is behind", Status{}, 100 * time.Millisecond},
		{"unfit", Status{Converged: true, Unfit: []string{"the state is not known yet"}}, 200 * time.Millisecond},
		{"its checks have not decided", Status{Converged: true, Undecided: []string{"web"}}, 100 * time.Millisecond},
		{"nor is its kernel as wanted", Status{Undecided: []string{"web"}}, 200 * time.Millisecond},
		{"all of it", Status{Undecided: []string{"web"}, Unfit: []string{"the state is not known yet"}}, 200 * time.Millisecond},
		{"unfit and behind", Status{Unfit: []string{"the state is not known yet"}}, 200 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.status.Later(400 * time.Millisecond); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestStandingsExhaustively goes through everything that decides whose the table is, and compares with the rules said
// another way.
func TestStandingsExhaustively(t *testing.T) {
	const (
		nothing  = "touches nothing"
		stays    = "keeps what is there"
		all      = "wants the document's table"
		none     = "wants an empty table"
		oneOfIts = "-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1"
	)
	yes := []bool{false, true}
	tables := map[string]*ipvs.Table{"unreadable": nil, "empty": {}, "full": table80("10.0.0.9:80 5")}
	for _, known := range yes {
		for _, foreign := range yes {
			for _, mandated := range yes {
				for _, other := range yes {
					for _, standby := range []config.Standby{config.Warm, config.Cold} {
						for has, observed := range tables {
							doc := document(web("a"))
							doc.Cluster.Standby = standby
							in := Inputs{
								State:  State{Known: known, Foreign: foreign, OtherLeads: other, Revision: 2, Document: doc},
								Health: verdicts(doc, "web/a up"), Links: links(), Observed: observed,
							}
							if mandated {
								in.Mandate = mandate(1, time.Second)
							}
							want := all
							switch {
							case !known || foreign || observed == nil:
								want = nothing
							case standby == config.Cold && !mandated && other:
								want = none
							case standby == config.Cold && !mandated:
								want = stays
							}
							name := fmt.Sprintf("known %t, foreign %t, mandated %t, another leads %t, %s, the kernel's table is %s", known, foreign, mandated, other, standby, has)
							got := Decide(in)
							if got.KeepTable != (want == nothing) {
								t.Errorf("%s: keeps the table %t, want it %s", name, got.KeepTable, want)
							}
							text := got.Table.String()
							switch want {
							case nothing, none:
								if text != "" {
									t.Errorf("%s: %s, but wants\n%s", name, want, text)
								}
							case stays:
								if !reflect.DeepEqual(got.Table, *observed) {
									t.Errorf("%s: %s, but wants\n%s", name, want, text)
								}
							case all:
								if !slices.Contains(strings.Split(text, "\n"), oneOfIts) || strings.Contains(text, "10.0.0.9") {
									t.Errorf("%s: %s, but wants\n%s", name, want, text)
								}
							}
							if holds := len(got.Held) > 0; holds != (known && !foreign && mandated) {
								t.Errorf("%s: holds %t", name, holds)
							}
							if unfit := len(got.Unfit) > 0; unfit != (known && foreign) {
								t.Errorf("%s: unfit %v", name, got.Unfit)
							}
						}
					}
				}
			}
		}
	}
}
