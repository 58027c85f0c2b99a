package agent

import (
	"fmt"
	"net/netip"
	"os/user"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/config"
	"polso/fsm"
	"polso/ipvs"
)

const otherHCL = `virtual "web" {
  address = "10.9.0.50"
  port    = 80
  forward = "dr"
  server "a" {
    address = "10.9.0.21"
  }
  server "c" {
    address = "10.9.0.23"
  }
}
`

// A change that waits to be confirmed, made on a follower: it goes back in time though its leader is gone, and stays once it is
// confirmed, wherever. The audit on every router tells all of it, with who asked whom.
func TestConfirmAcrossAFailover(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	ctx := t.Context()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	st := w.nodes[0].status("one directs", settled(3, 2))
	leader := w.router(st.Active)
	asked := w.others(leader)[0]
	busy := ipvs.DestinationStats{Active: 1} // what leaves stays in the tables, however long this machine takes over the rest
	for _, r := range w.nodes {
		r.table.SetStats(ipvs.Stats{ipvs.AddrKey(ipvs.TCP, netip.AddrPortFrom(webVIP, 80)): {Destinations: map[netip.AddrPort]ipvs.DestinationStats{
			netip.MustParseAddrPort("10.9.0.22:80"): busy, netip.MustParseAddrPort("10.9.0.23:80"): busy}}})
	}

	// Through the agent: the API would not take so short a time.
	doc, err := config.Parse(config.File{Name: "edge.hcl", Text: []byte(otherHCL)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := config.Canonical(doc)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(8 * time.Second) // every router has it, and the leader is gone, before
	ada := fsm.Actor{Kind: "user", Name: "ada", Address: "192.0.2.7"}
	if _, err := asked.agent.Load().Propose(ctx, ada, "try", &fsm.SetDocument{Document: text, Source: otherHCL, ConfirmUntil: until, LeaveUntil: until.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.nodes {
		r.status("it waits", func(st api.Status) error {
			if c := st.Confirm; c == nil || c.Revision != 3 || c.BackTo != 2 || c.By != "ada" || !c.Until.Equal(until) {
				return fmt.Errorf("confirm %+v", st.Confirm)
			}
			return nil
		})
	}
	leader.halt()
	asked.status("it went back", func(st api.Status) error {
		if st.Revision != 4 || st.Confirm != nil || st.Active == "" {
			return fmt.Errorf("revision %d, %+v, active %q", st.Revision, st.Confirm, st.Active)
		}
		return nil
	})
	if early := time.Until(until); early > 0 {
		t.Errorf("it went back %v before its time", early)
	}
	leader.start()
	asked.status("three again", settled(3, 4))
	sameTables(t, w, "-A -t 10.9.0.50:80 -s wlc\n-a -t 10.9.0.50:80 -r 10.9.0.21:80 -g -w 1\n-a -t 10.9.0.50:80 -r 10.9.0.22:80 -g -w 3\n"+
		"-a -t 10.9.0.50:80 -r 10.9.0.23:80 -g -w 0\n")
	back, err := leader.client.Document(ctx)
	if err != nil || back.Source != edgeHCL || back.Message != "revision 3 was not confirmed: back to revision 2" {
		t.Errorf("what runs: %+v, %v", back, err)
	}

	// Confirmed on another router than the one that was asked.
	made, err := asked.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: otherHCL}}, ConfirmSeconds: 600})
	if err != nil || made.Confirm == nil {
		t.Fatalf("apply: %+v, %v", made, err)
	}
	leader.status("revision 5 is known there", settled(3, 5))
	if _, err := leader.client.Confirm(ctx, api.ConfirmRequest{Revision: 5}); err != nil {
		t.Fatal(err)
	}
	_, err = asked.client.Confirm(ctx, api.ConfirmRequest{})
	refused(t, "confirm again", err, api.CodeNotFound, "no revision waits", "polso history")

	wantAudit(t, w, []string{
		"set_document user ada 192.0.2.7 via " + asked.name + " made 3",
		"expire steward made 4",
		"set_document local " + who.Username + " via " + asked.name + " made 5",
		"confirm local " + who.Username + " via " + leader.name,
		"confirm local " + who.Username + " via " + asked.name + ": no revision waits to be confirmed",
	})
	st = leader.status("it stays", settled(3, 5))
	if st.Confirm != nil {
		t.Errorf("confirm %+v", st.Confirm)
	}
}

// wantAudit wants the last of these in every router's audit, joins and takings of the lead aside, which must be there too.
func wantAudit(t *testing.T, w *network, want []string) {
	t.Helper()
	for _, r := range w.nodes {
		w.eventually(r.name+" has the audit", func() error {
			list, err := r.client.Audit(t.Context(), api.AuditRequest{Count: 1000})
			if err != nil {
				return err
			}
			var got []string
			leads, joins := 0, 0
			for _, e := range list {
				line := e.Action + " " + e.Kind
				if e.Kind != "steward" && e.Kind != "node" {
					line += " " + e.By
				}
				if e.Address != "" {
					line += " " + e.Address
				}
				if e.Via != "" {
					line += " via " + e.Via
				}
				if e.Revision > 0 {
					line += fmt.Sprintf(" made %d", e.Revision)
				}
				if e.Error != "" {
					line += ": " + e.Error
				}
				switch {
				case e.Action == "lead":
					leads++
					if !strings.Contains(e.Detail, "takes the lead: ") {
						t.Errorf("%s: %q", r.name, e.Detail)
					}
				case e.Action == "add_node":
					joins++
					if e.Via == "" || e.Address == "" {
						t.Errorf("%s: %s joined from %q via %q", r.name, e.By, e.Address, e.Via)
					}
				case e.Action == "expire" && e.Revision == 0: // what has drained
				default:
					got = append(got, line)
				}
			}
			if got := strings.Join(got[max(0, len(got)-len(want)):], "\n"); got != strings.Join(want, "\n") || leads < 2 || joins != 2 {
				return fmt.Errorf("%d takings of the lead, %d joins, and:\n%s\nwant:\n%s", leads, joins, got, strings.Join(want, "\n"))
			}
			return nil
		})
	}
}
