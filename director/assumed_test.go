package director

import (
	"context"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// With initial = "down" a server that is new to the table waits for its check. One that stands there, from a process before this one
// too, keeps what it has until its check has decided, and its pool with it.
func TestAssumedDown(t *testing.T) {
	v := sorry(web("a", "b"), "sorry")
	slow := with(web("a", "b"), func(v *config.Virtual) { v.SlowStart = 20 * time.Second })
	const all = "web/a assumed, web/b assumed, web/sorry assumed"
	for _, tt := range []struct {
		name  string
		v     config.Virtual
		there []string // in the table, from a process before
		steps []step
	}{
		{"new servers wait", v, nil, []step{
			{all, "(down: 0 of 1 needed)"}, {"web/a up", "a 1"}, {"web/b down", "a 1"},
		}},
		{"those of a process before stand until decided", v, []string{"10.0.0.1:80 3", "10.0.0.2:80 1"}, []step{
			{"", "a 3, b 1"}, {all, "a 3, b 1"}, {"web/a up", "a 1, b 1"}, {"web/b down", "a 1"}, {"web/b up", "a 1, b 1"},
		}},
		{"and go once they are found down", v, []string{"10.0.0.1:80 1", "10.0.0.2:80 1"}, []step{
			{all, "a 1, b 1"}, {"web/a down", "b 1"}, {"web/b down", "(down: 0 of 1 needed)"},
		}},
		{"weight 0 stands too: it has connections", v, []string{"10.0.0.1:80 1", "10.0.0.2:80 0"}, []step{
			{all, "a 1, b 0"}, {"web/b up", "a 1, b 1"},
		}},
		{"one beside them is new", v, []string{"10.0.0.1:80 1"}, []step{{"", "a 1"}, {all, "a 1"}, {"web/b up", "a 1, b 1"}}},
		{"a sorry server stands as well", v, []string{"10.0.0.201:80 1"}, []step{
			{all, "sorry 1 (down: 0 of 1 needed, the sorry server answers)"},
			{"web/sorry down", "(down: 0 of 1 needed)"},
			{"web/a up", "a 1"},
		}},
		{"who stood does not start slowly", slow, []string{"10.0.0.1:80 1", "10.0.0.2:80 1"}, []step{
			{all, "a 1, b 1"}, {"web/a up, web/b up", "a 1, b 1"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSeries(tt.v)
			s.in.Observed = table80(tt.there...)
			s.run(t, tt.steps...)
		})
	}
}

// What a router only assumes speaks against no server, neither to itself nor to others.
func TestAssumedDownIsNoVote(t *testing.T) {
	doc := document(with(web("a", "b", "c"), func(v *config.Virtual) { v.Votes = 2 }))
	in := base(doc, "web/a up", "web/b up", "web/c down")
	in.Others.Sights = sights(doc, "web/a assumed, web/b assumed, web/c assumed", allUp)
	if got := inTable(in); got != "abc" {
		t.Errorf("%q get connections, want all: one of two votes is an assumption", got)
	}
	if seen := in.Others.Sights[0].Virtuals[0]; seen.Unknown != 3 || seen.Down != 0 {
		t.Errorf("its sight is %+v", seen)
	}
}

// A new process, with its own probes, over the table of one before: no server is touched until it is found down, and that one goes at
// once; one that is new comes when it is found up.
func TestRestartWithInitialDown(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		for _, op := range ipvs.Plan(*table80("10.0.0.1:80 1", "10.0.0.2:80 1"), ipvs.Table{}) {
			if err := w.table.Fake.Do(op); err != nil {
				t.Fatal(err)
			}
		}
		dead := web("a", "b").Servers[1].Address
		defer w.probing(t, func(_ context.Context, asked health.Target) health.Result {
			return health.Result{OK: asked.Addr != dead, Reason: "tcp: said the test"}
		})()
		w.start()
		w.know(2, document(with(web("a", "b", "c"), func(v *config.Virtual) {
			check := *v.Check
			check.Initial, check.Every, check.Rise, check.Fall = config.InitialDown, 20*time.Second, 2, 3
			v.Check = &check
		})))
		w.lead(1)
		w.wait(5 * time.Second) // asked once, every quarter of every, and nothing is decided
		if got := w.forget(); strings.Contains(got, "ipvsadm") {
			t.Errorf("before a verdict, done:\n%s", got)
		}
		w.wait(time.Minute)
		var did []string
		for _, line := range strings.Split(w.forget(), "\n") {
			if _, step, ok := strings.Cut(line, "ipvsadm "); ok {
				did = append(did, step)
			}
		}
		const service = " -t 192.0.2.10:80 -r "
		if got, want := strings.Join(did, "; "), "-a"+service+"10.0.0.3:80 -g -w 1; -d"+service+"10.0.0.2:80"; got != want {
			t.Errorf("afterwards: %s; want %s", got, want)
		}
	})
}
