package director

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// TestEditsAreMinimal goes from one document to any other, over few services and servers so that the two have much in common,
// and holds the steps to what an operator is promised: a service that both name is edited in place, so is a server, one that is
// well in the old and named in the new stays in the table, one that the new does not name drains, and once the steps are done
// there is nothing more to do.
func TestEditsAreMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := anyDocument(t, "before"), anyDocument(t, "after")
		view := make(health.View)
		anyVerdicts(t, before, view)
		kernel := new(ipvs.Fake)
		follow(t, kernel, Inputs{State: State{Known: true, Revision: 1, Document: before}, Health: view})
		anyVerdicts(t, after, view)
		in := Inputs{State: State{Known: true, Revision: 2, Document: after, Leaving: leavers(before, after)}, Health: view}
		had, _, _ := kernel.Table()
		ops := follow(t, kernel, in)
		has, _, _ := kernel.Table()

		trail := func() string { return fmt.Sprintf("\nhad\n%s\nhas\n%s\nsteps %v\nview %v", had, has, ops, view) }
		added, removed := make(map[string]bool), make(map[string]bool)
		for _, op := range ops {
			name := op.Service.Key.String()
			switch op.Verb {
			case ipvs.AddDestination, ipvs.DeleteDestination:
				name += " " + op.Destination.Addr.String()
			}
			switch op.Verb {
			case ipvs.AddService, ipvs.AddDestination:
				added[name] = true
			case ipvs.DeleteService, ipvs.DeleteDestination:
				removed[name] = true
			}
		}
		for name := range added {
			if removed[name] {
				t.Fatalf("%s is removed and added anew%s", name, trail())
			}
		}
		for _, v := range after.Virtuals {
			key, _ := KeyOf(v)
			if removed[key.String()] {
				t.Fatalf("%s is named and removed%s", key, trail())
			}
			there := servicesOf(&has).of(key)
			for addr := range servicesOf(&had).of(key) {
				if _, stays := there[addr]; !stays && !fails(v, addr, view) {
					t.Fatalf("%s of %s is cut%s", addr, key, trail())
				}
			}
		}
	})
}

// follow makes a kernel follow the inputs and returns the steps. It checks that nothing is left to do afterwards.
func follow(t *rapid.T, kernel *ipvs.Fake, in Inputs) []ipvs.Op {
	var first []ipvs.Op
	for again := range 2 {
		have, _, err := kernel.Table()
		if err != nil {
			t.Fatal(err)
		}
		in.Observed = &have
		want := Decide(in)
		ops := ipvs.Plan(want.Table, have)
		if again == 0 {
			first = ops
		} else if len(ops) > 0 {
			t.Fatalf("done, and there is more: %v\nhave\n%s\nfirst steps %v", ops, have, first)
		}
		for _, op := range ops {
			if err := kernel.Do(op); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
		}
	}
	return first
}

// fails tells whether the document and its checks take the server at addr out of the table.
func fails(v config.Virtual, addr netip.AddrPort, view health.View) bool {
	i := slices.IndexFunc(v.Servers, func(s config.Server) bool { return s.Address == addr })
	if i < 0 {
		return false
	}
	target, checked := TargetOf(v, v.Servers[i])
	return checked && v.OnFailure == config.Remove && view[target.Key()].State == health.Down
}

// leavers is what the state machine makes of a change of documents: whom a service loses drains.
func leavers(before, after config.Document) []Leaving {
	var out []Leaving
	for _, v := range before.Virtuals {
		key, _ := KeyOf(v)
		for _, w := range after.Virtuals {
			if other, _ := KeyOf(w); other != key {
				continue
			}
			for _, s := range v.Servers {
				if !slices.ContainsFunc(w.Servers, func(x config.Server) bool { return x.Address == s.Address }) {
					out = append(out, Leaving{Virtual: v, Server: s})
				}
			}
		}
	}
	return out
}

// anyVerdicts adds verdicts for what has none yet.
func anyVerdicts(t *rapid.T, doc config.Document, view health.View) {
	for _, p := range askedOf(nil, doc).probes {
		if _, ok := view[p.Key()]; !ok {
			view[p.Key()] = health.Status{State: rapid.SampledFrom([]health.State{health.Unknown, health.Up, health.Up, health.Down}).Draw(t, "verdict")}
		}
	}
}

// anyDocument draws documents over five services and four servers under changing names.
func anyDocument(t *rapid.T, label string) config.Document {
	var doc config.Document
	services := []config.Virtual{
		{Name: "web", Address: netip.MustParseAddr("192.0.2.10"), Ports: []uint16{80}, Protocol: config.TCP},
		{Name: "secure", Address: netip.MustParseAddr("192.0.2.10"), Ports: []uint16{443}, Protocol: config.TCP},
		{Name: "dns", Address: netip.MustParseAddr("192.0.2.11"), Ports: []uint16{53}, Protocol: config.UDP},
		{Name: "six", Address: netip.MustParseAddr("2001:db8::10"), Ports: []uint16{80}, Protocol: config.TCP},
		{Name: "marked", FWMark: 7, Family: config.IPv4},
	}
	for _, i := range rapid.SliceOfDistinct(rapid.IntRange(0, len(services)-1), rapid.ID[int]).Draw(t, label) {
		v := services[i]
		v.Name += rapid.SampledFrom([]string{"", "-renamed"}).Draw(t, "name")
		v.MinServers = 1
		v.Scheduler = rapid.SampledFrom([]string{"rr", "wlc", "sh"}).Draw(t, "scheduler")
		if v.Scheduler == "sh" && rapid.Bool().Draw(t, "flagged") {
			v.Flags = []string{"fallback"}
		}
		v.Forward = rapid.SampledFrom([]config.Forward{config.DR, config.NAT, config.Tun}).Draw(t, "forward")
		v.OnFailure = rapid.SampledFrom([]config.OnFailure{config.Remove, config.Quiesce}).Draw(t, "on failure")
		if rapid.Bool().Draw(t, "persistent") {
			v.Persistent = &config.Persistent{Timeout: time.Minute, Mask: rapid.SampledFrom([]int{0, 24}).Draw(t, "mask")}
		}
		if rapid.Bool().Draw(t, "check") {
			v.Check = &config.Check{Kind: config.CheckTCP, Every: time.Second, Timeout: time.Second, Rise: 1, Fall: 1, Port: rapid.SampledFrom([]uint16{80, 8080}).Draw(t, "probe")}
		}
		for _, n := range rapid.SliceOfDistinct(rapid.IntRange(1, 4), rapid.ID[int]).Draw(t, "servers") {
			v.Servers = append(v.Servers, anyServer(t, v, n))
		}
		doc.Virtuals = append(doc.Virtuals, v)
	}
	text := config.Format(doc)
	doc, err := config.Parse(config.File{Name: label, Text: text})
	if err != nil {
		t.Fatalf("drew a wrong document: %v\n%s", err, text)
	}
	return doc
}

func anyServer(t *rapid.T, v config.Virtual, n int) config.Server {
	s := config.Server{
		Name:    fmt.Sprintf("%c%s", 'a'+n, rapid.SampledFrom([]string{"", "-renamed"}).Draw(t, "server")),
		Forward: v.Forward,
		Weight:  rapid.IntRange(0, 3).Draw(t, "weight"),
	}
	if rapid.Bool().Draw(t, "other way") {
		s.Forward = config.NAT
	}
	addr, port := netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), uint16(0)
	if v.Address.Is6() {
		addr = netip.AddrFrom16([16]byte{0xfd, 15: byte(n)})
	}
	if len(v.Ports) == 1 {
		port = v.Ports[0]
	}
	if s.Forward == config.NAT && rapid.Bool().Draw(t, "other port") {
		port = 8080
	}
	s.Address = netip.AddrPortFrom(addr, port)
	return s
}
