package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// large is a document with so many virtual servers and real servers in each; an address has at most 100 ports.
func large(virtuals, servers, weight int) string {
	var b strings.Builder
	for i := range virtuals {
		fmt.Fprintf(&b, "virtual \"v%d\" {\n  address   = \"10.9.1.%d\"\n  interface = \"outside\"\n  port      = %d\n", i, i/100+1, 1000+i%100)
		for j := range servers {
			n := i*servers + j
			fmt.Fprintf(&b, "  server \"s%d\" {\n    address = \"10.10.%d.%d\"\n    weight  = %d\n  }\n", j, n/200, n%200+1, weight)
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// What the tables of docs/performance.md cost, stage by stage: what whoever writes pays once, what every router pays for the
// change, and what it pays with every pass and every status.
func BenchmarkScale(b *testing.B) {
	for _, size := range [][2]int{{100, 10}, {1000, 10}, {2284, 16}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) { stages(b, size[0], size[1]) })
	}
}

func stages(b *testing.B, count, servers int) {
	stage := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	text := large(count, servers, 1)
	parse := func(text string) (config.Document, error) {
		return config.Load(config.File{Name: "large.hcl", Text: []byte(text)})
	}
	doc, err := parse(text)
	if err != nil {
		b.Fatal(err)
	}
	other, err := parse(large(count, servers, 2))
	if err != nil {
		b.Fatal(err)
	}
	canonical, err := config.Canonical(doc)
	if err != nil {
		b.Fatal(err)
	}
	entry := fsm.Envelope{Request: fsm.NewRequest(), Actor: fsm.Actor{Kind: "local", Name: "root"}, At: time.Now(), Command: &fsm.SetDocument{Source: text, Document: canonical}}
	packed, err := fsm.Encode(entry)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("the text has %d bytes, the canonical document %d, the entry of the log %d of at most %d", len(text), len(canonical), len(packed), fsm.MaxPacked)

	stage("parse", func() error { _, err := parse(text); return err })
	stage("canonical", func() error { _, err := config.Canonical(doc); return err })
	stage("read canonical", func() error { _, err := config.FromCanonical(canonical); return err })
	stage("diff, nothing", func() error { config.Diff(doc, doc); return nil })
	stage("diff, everything", func() error { config.Diff(doc, other); return nil })
	stage("encode", func() error { _, err := fsm.Encode(entry); return err })

	snap := &fsm.Snapshot{Known: true, Revision: 2, Document: doc}
	in := director.Inputs{
		State:      director.State{Known: true, Revision: 2, Document: doc},
		Links:      vip.Links{{Name: "eth0", Up: true}},
		Interfaces: map[string]string{"outside": "eth0"},
		Observed:   &ipvs.Table{},
	}
	want := director.Decide(in).Table
	raised := want.Canonical()
	raised.Services[count/2].Destinations[5].Weight++
	observed := in
	observed.Observed = &want
	stage("decide, empty kernel", func() error { director.Decide(in); return nil })
	stage("decide, as wanted", func() error { director.Decide(observed); return nil })
	drains := observed
	for _, v := range doc.Virtuals {
		drains.State.Leaving = append(drains.State.Leaving, director.Leaving{Virtual: v, Server: v.Servers[0]})
	}
	stage("decide, one of each drains", func() error { director.Decide(drains); return nil })
	checked := observed
	checked.State.Document.Virtuals = slices.Clone(doc.Virtuals)
	checked.Health = make(health.View)
	for i := range checked.State.Document.Virtuals {
		v := &checked.State.Document.Virtuals[i]
		v.Check = &config.Check{Kind: config.CheckTCP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3}
		for _, s := range v.Servers {
			target, _ := director.TargetOf(*v, s)
			checked.Health[target.Key()] = health.Status{State: health.Up}
		}
	}
	stage("decide, all checked", func() error { director.Decide(checked); return nil })
	stage("plan, everything", func() error { ipvs.Plan(want, ipvs.Table{}); return nil })
	stage("plan, one weight", func() error {
		if ops := ipvs.Plan(raised, want); len(ops) != 1 {
			return fmt.Errorf("%d steps", len(ops))
		}
		return nil
	})
	stage("do, simulated kernel", func() error {
		kernel := new(ipvs.Fake)
		return errors.Join(kernel.Batch(ipvs.Plan(want, ipvs.Table{}))...)
	})

	dir := &director.Status{Table: want, Places: director.Decide(observed).Places}
	list := virtuals(snap, dir)
	stage("status, addresses", func() error { vips(snap, dir); return nil })
	stage("status, servers", func() error { virtuals(snap, dir); return nil })
	text2, err := json.Marshal(list)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("the status has %d bytes", len(text2))
	stage("status, JSON", func() error { _, err := json.Marshal(list); return err })
}
