package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/events"
)

// explained are the takeovers that a router's own ring has.
func (r *router) explained() (out []events.Takeover) {
	list, _ := r.agent.Load().ring.After(events.Position{})
	for _, e := range list {
		if e.Failover != nil {
			out = append(out, *e.Failover)
		}
	}
	return out
}

// whole checks that a record has every stage, that they make up the total, and that the log has it too.
func (r *router) whole(f events.Takeover) {
	t := r.net.t
	t.Helper()
	var names []string
	sum := 0.0
	for _, s := range f.Stages {
		names, sum = append(names, s.Name), sum+s.Seconds
	}
	if got := strings.Join(names, " "); got != "detection election lease addresses announcement" || f.Unfinished != "" {
		t.Errorf("%s: stages %q, unfinished %q", f, got, f.Unfinished)
	}
	if diff := sum - f.Seconds; diff > 1e-6 || diff < -1e-6 || f.Seconds <= 0 {
		t.Errorf("%s: the stages are %v together, not %v", f, sum, f.Seconds)
	}
	if log := r.log.tail(10000); !strings.Contains(log, fmt.Sprintf("msg=failover from=%s to=%s", f.From, f.To)) {
		t.Errorf("the log of %s does not tell of %s", r.name, f)
	}
}

// The router that takes over says why and how long each stage took: from one that was asked to hand over, from one that stops.
func TestFailoverIsExplained(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	// moved waits for the record of a takeover from that router, by whoever took over.
	moved := func(from string) (to *router, f events.Takeover) {
		w.eventually("somebody explains the takeover from "+from, func() error {
			for _, r := range w.nodes {
				for _, e := range r.explained() {
					if e.From == from && e.To == r.name && strings.HasPrefix(e.Reason, "transfer") {
						to, f = r, e
						return nil
					}
				}
			}
			return errors.New("nobody does")
		})
		return to, f
	}
	old := w.holder(webVIP)
	asked := time.Now()
	if _, err := w.router(old).client.Transfer(t.Context(), api.TransferRequest{}); err != nil {
		t.Fatal(err)
	}
	to, f := moved(old)
	to.whole(f)
	if f.Reason != "transfer" || f.By == "" || f.Seconds > time.Since(asked).Seconds() || f.At.Before(asked.Add(-time.Minute)) {
		t.Errorf("asked for: %+v", f)
	}
	to.halt()
	heir, f := moved(to.name)
	heir.whole(f)
	if f.Reason != "transfer: "+to.name+" stopped" || f.By != "" {
		t.Errorf("stopped: %+v", f)
	}
}

// What is explained, and when.
func TestTakeoverWaitsForItsAddresses(t *testing.T) {
	taking := consensus.Taking{Term: 7, From: "r1", Reason: consensus.Lost, Sign: 1, Stood: 2, Elected: 3}
	leads := consensus.Role{Leader: true, Term: 7, Epoch: 4}
	whole := arrival{held: sinceBoot() + time.Millisecond, announced: sinceBoot() + 2*time.Millisecond}
	lacking := arrival{missing: "192.0.2.10 is not up"}
	for name, c := range map[string]struct {
		taking     consensus.Taking
		leads      []consensus.Role
		now        consensus.Role
		arrival    arrival
		after      time.Duration
		stages     int // 0: not explained
		unfinished string
	}{
		"whole":                      {taking, []consensus.Role{leads}, leads, whole, 0, 5, ""},
		"there is no address":        {taking, []consensus.Role{leads}, leads, arrival{}, 0, 3, ""},
		"an address is missing":      {taking, []consensus.Role{leads}, leads, lacking, 0, 0, ""},
		"an address does not come":   {taking, []consensus.Role{leads}, leads, lacking, settleFailover, 3, "192.0.2.10 is not up"},
		"it lost the lead too soon":  {taking, []consensus.Role{leads}, consensus.Role{Term: 8}, lacking, 0, 3, "it lost the lead again before all was done: 192.0.2.10 is not up"},
		"it lost its lease too soon": {taking, []consensus.Role{leads}, consensus.Role{Leader: true, Term: 7, Epoch: 5}, lacking, 0, 3, "it lost the lead again before all was done: 192.0.2.10 is not up"},
		"it could hold nothing yet":  {taking, nil, leads, whole, 0, 0, ""},
		"it never held anything":     {taking, nil, consensus.Role{Term: 8}, whole, 0, 0, ""},
		"a lead of another term":     {taking, []consensus.Role{{Leader: true, Term: 6, Epoch: 3}}, leads, whole, 0, 0, ""},
		"the first lead":             {consensus.Taking{Term: 7, Reason: consensus.First}, []consensus.Role{leads}, leads, whole, 0, 0, ""},
	} {
		var o takeover
		o.begins(c.taking)
		for _, r := range c.leads {
			o.leads(r)
		}
		was, waits := o.waits(c.now)
		m, unfinished, done := was.moments(c.now, c.arrival, was.leased+c.after)
		if done = done && waits; done != (c.stages > 0) {
			t.Errorf("%s: explained: %v", name, done)
		}
		if stages, _ := m.Stages(); done && (len(stages) != c.stages || unfinished != c.unfinished) {
			t.Errorf("%s: stages %v, unfinished %q", name, stages, unfinished)
		}
		o.told(was)
		if _, again := o.waits(c.now); again {
			t.Errorf("%s: it is told twice", name)
		}
	}
}
