package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"polso/api"
	"polso/ipvs"
)

// A plan asks every router what it would do, by its live table, and is what it then does; one that is away is named.
func TestForesee(t *testing.T) {
	w := newNetwork(t, 3)
	r1 := w.nodes[0]
	ctx := t.Context()
	w.form()
	st := r1.status("settled", settled(3, 2))
	active := w.router(st.Active)
	key := ipvs.AddrKey(ipvs.TCP, netip.AddrPortFrom(webVIP, 80))
	active.table.SetStats(ipvs.Stats{key: {Destinations: map[netip.AddrPort]ipvs.DestinationStats{netip.MustParseAddrPort("10.9.0.22:80"): {Active: 12}}}})
	away := w.nodes[1]
	if away == active {
		away = w.nodes[2]
	}
	away.halt()

	files := []api.File{{Name: "edge.hcl", Text: edgeHCL[:strings.Index(edgeHCL, "  server \"b\"")] + "}\n"}}
	p, err := w.router(st.Active).client.Plan(ctx, api.PlanRequest{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Changes) != 1 || p.Changes[0].Active != 12 || !strings.Contains(p.Text, "drain 5m, then remove; 12 active connections now") {
		t.Errorf("plan %+v\n%s", p.Changes, p.Text)
	}
	want := []string{"-e -t 10.9.0.50:80 -r 10.9.0.22:80 -g -w 0"}
	for _, r := range p.Routers {
		if r.Reached == (r.Name == away.name) || r.Reached && (!slices.Equal(r.Steps, want) || len(r.Drift) > 0 || r.Directs != (r.Name == active.name)) {
			t.Errorf("router %+v, want the steps %q, and %s away", r, want, away.name)
		}
	}
	if said := fmt.Sprint(p.Warnings); !strings.Contains(said, "router "+away.name+" does not answer") {
		t.Errorf("warnings %s", said)
	}

	active.table.Diary()
	if _, err := active.client.Apply(ctx, api.ApplyRequest{Files: files, Base: p.Base}); err != nil {
		t.Fatal(err)
	}
	w.eventually("done as planned", func() error {
		if got := active.table.Diary(); !slices.Equal(got, want) {
			return fmt.Errorf("did %q, want %q", got, want)
		}
		return nil
	})
}
