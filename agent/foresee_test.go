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
	t.Parallel()
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

	// What somebody else takes out of the kernel is named, unless the director has just put it back.
	w.eventually("drift is found", func() error {
		gone := ipvs.Op{Verb: ipvs.DeleteDestination, Service: ipvs.Service{Key: key}, Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.9.0.21:80")}}
		if err := active.table.Foreign(gone); err != nil {
			return err
		}
		p, err := active.client.Plan(ctx, api.PlanRequest{Files: files})
		if err != nil {
			return err
		}
		const said = "is not as revision 3 wants it; missing: ipvsadm -a -t 10.9.0.50:80 -r 10.9.0.21:80 -g -w 1"
		if !strings.Contains(fmt.Sprint(p.Warnings), "router "+active.name+": its kernel "+said) {
			return fmt.Errorf("warnings %q", p.Warnings)
		}
		return nil
	})
}

// A scheduler that some routers' kernels lack is named by the plan; one that none has is refused.
func TestSchedulersThatKernelsLack(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	ctx := t.Context()
	w.form()
	st := w.nodes[0].status("settled", settled(3, 2))
	files := []api.File{{Name: "edge.hcl", Text: strings.Replace(edgeHCL, "address", "scheduler = \"mh\"\n  address", 1)}}
	w.nodes[1].table.Lack("mh", "twos")
	p, err := w.nodes[0].client.Plan(ctx, api.PlanRequest{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	const only = `scheduler "mh": the kernel has only rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf`
	if want := w.nodes[1].name + ": " + only; !slices.Contains(p.Warnings, want) {
		t.Errorf("warnings %q, want %q", p.Warnings, want)
	}
	for _, n := range w.nodes {
		n.table.Lack("mh", "twos")
	}
	_, err = w.nodes[2].client.Apply(ctx, api.ApplyRequest{Files: files, Base: st.Revision})
	if err == nil || !strings.Contains(err.Error(), `no router's kernel has scheduler "mh"`) {
		t.Errorf("applied to kernels that lack it: %v", err)
	}
	for _, n := range w.nodes[:2] {
		n.table.Lack()
	}
	if _, err := w.nodes[2].client.Apply(ctx, api.ApplyRequest{Files: files, Base: st.Revision}); err != nil {
		t.Errorf("two routers have it: %v", err)
	}
}
