package director

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// counting is a table that notes what is asked of it.
type counting struct {
	*ipvs.Fake
	wholes, overviews int
	read              int // entries, by Services
}

func (c *counting) Table() (ipvs.Table, ipvs.Stats, error) {
	c.wholes++
	return c.Fake.Table()
}

func (c *counting) Overview() (ipvs.Table, ipvs.Stats, error) {
	c.overviews++
	return c.Fake.Overview()
}

func (c *counting) Services(keys []ipvs.Key) (ipvs.Table, ipvs.Stats, error) {
	t, st, err := c.Fake.Services(keys)
	c.read += entries(t)
	return t, st, err
}

// asked returns what was asked since the last time.
func (c *counting) asked() (wholes, overviews, read int) {
	wholes, overviews, read = c.wholes, c.overviews, c.read
	c.wholes, c.overviews, c.read = 0, 0, 0
	return
}

func mark(n int) ipvs.Service {
	return ipvs.Service{Key: ipvs.MarkKey(uint32(n), ipvs.IPv4), Scheduler: "rr"}
}

func at(n int) ipvs.Destination {
	return ipvs.Destination{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(n)}), 0), Weight: 1}
}

// tableOf fills a table with so many services of three servers each.
func tableOf(t *testing.T, services int) *counting {
	t.Helper()
	var want ipvs.Table
	for i := range services {
		s := mark(i + 1)
		s.Destinations = []ipvs.Destination{at(1), at(2), at(3)}
		want.Services = append(want.Services, s)
	}
	c := &counting{Fake: new(ipvs.Fake)}
	if err := errors.Join(c.Batch(ipvs.Plan(want, ipvs.Table{}))...); err != nil {
		t.Fatal(err)
	}
	return c
}

// same fails unless the survey knows what the kernel has.
func (c *counting) same(t *testing.T, s *survey) {
	t.Helper()
	have, stats, err := c.Fake.Table()
	if err != nil {
		t.Fatal(err)
	}
	if steps := ipvs.Plan(have, s.table); len(steps) > 0 {
		t.Errorf("the survey is %d steps off, the first %s", len(steps), steps[0])
	}
	if len(s.stats) != len(stats) {
		t.Errorf("counters of %d services, want %d", len(s.stats), len(stats))
	}
	for k, v := range stats {
		if len(s.stats[k].Destinations) != len(v.Destinations) {
			t.Errorf("%s: counters of %d servers, want %d", k, len(s.stats[k].Destinations), len(v.Destinations))
		}
	}
}

func (c *counting) foreign(t *testing.T, ops ...ipvs.Op) {
	t.Helper()
	for _, op := range ops {
		if err := c.Foreign(op); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSmallTableIsReadWholeInEachPass(t *testing.T) {
	c, now := tableOf(t, glance/4), time.Now()
	var s survey
	for range 3 {
		if err := s.look(c, now); err != nil {
			t.Fatal(err)
		}
		c.foreign(t, ipvs.Op{Verb: ipvs.DeleteDestination, Service: mark(7), Destination: at(c.wholes)})
	}
	if wholes, overviews, read := c.asked(); wholes != 3 || overviews+read > 0 {
		t.Errorf("read %d times, %d overviews and %d entries beside", wholes, overviews, read)
	}
}

// A large table: passes that are rung for read nothing, others a part, and what somebody changed is found within one round.
func TestLargeTableIsReadInTurns(t *testing.T) {
	const services = 3 * glance / 4 // of four entries each: three parts
	c, now := tableOf(t, services), time.Now()
	var s survey
	look := func() {
		t.Helper()
		if err := s.look(c, now); err != nil {
			t.Fatal(err)
		}
	}
	look()
	c.same(t, &s)
	if wholes, _, _ := c.asked(); wholes != 1 {
		t.Errorf("at first read whole %d times", wholes)
	}
	look()
	if wholes, overviews, read := c.asked(); wholes+overviews+read > 0 {
		t.Error("a pass that is rung for reads what it has just read")
	}

	c.foreign(t,
		ipvs.Op{Verb: ipvs.DeleteDestination, Service: mark(services), Destination: at(2)},
		ipvs.Op{Verb: ipvs.EditDestination, Service: mark(1), Destination: ipvs.Destination{Addr: at(1).Addr, Weight: 9}},
	)
	for range 3 {
		now = now.Add(turn)
		look()
		if wholes, overviews, read := c.asked(); wholes > 0 || overviews != 1 || read > glance {
			t.Errorf("a turn reads the table whole %d times, %d overviews and %d entries", wholes, overviews, read)
		}
	}
	c.same(t, &s)

	// What the list of services shows is seen at once.
	c.foreign(t,
		ipvs.Op{Verb: ipvs.AddService, Service: mark(services + 1)},
		ipvs.Op{Verb: ipvs.AddDestination, Service: mark(services + 1), Destination: at(5)},
		ipvs.Op{Verb: ipvs.DeleteService, Service: mark(77)},
	)
	now = now.Add(turn)
	look()
	c.same(t, &s)

	s.forget()
	look()
	if wholes, _, _ := c.asked(); wholes != 1 {
		t.Error("after a failure it is not read anew")
	}
}

func TestConfirmReadsWhatWasTouched(t *testing.T) {
	c, now := tableOf(t, glance), time.Now()
	var s survey
	if err := s.look(c, now); err != nil {
		t.Fatal(err)
	}
	published, counters := s.table, len(s.stats)
	c.asked()
	ops := []ipvs.Op{
		{Verb: ipvs.DeleteService, Service: mark(3)},
		{Verb: ipvs.AddService, Service: mark(glance + 1)},
		{Verb: ipvs.AddDestination, Service: mark(glance + 1), Destination: at(1)},
		{Verb: ipvs.DeleteDestination, Service: mark(9), Destination: at(1)},
	}
	if err := errors.Join(c.Batch(ops)...); err != nil {
		t.Fatal(err)
	}
	if err := s.confirm(c, ops, now); err != nil {
		t.Fatal(err)
	}
	c.same(t, &s)
	if wholes, overviews, read := c.asked(); wholes+overviews > 0 || read != 2+3 {
		t.Errorf("read whole %d times, %d overviews and %d entries, want the five touched", wholes, overviews, read)
	}
	if len(published.Services) != glance || len(published.Services[8].Destinations) != 3 || counters != glance {
		t.Error("what was published has been changed")
	}

	c.FailTable(errors.New("busy"))
	if err := s.confirm(c, ops, now); err == nil || s.known {
		t.Errorf("%v, known %v: nobody can say what the steps made of it", err, s.known)
	}
	c.FailTable(nil)
	timeouts := ipvs.Op{Verb: ipvs.SetTimeouts, Timeouts: ipvs.Timeouts{TCP: time.Hour}}
	if err := errors.Join(c.Do(timeouts), s.confirm(c, []ipvs.Op{timeouts}, now)); err != nil {
		t.Fatal(err)
	}
	if s.table.Timeouts.TCP != time.Hour {
		t.Errorf("timeouts %s", s.table.Timeouts)
	}
}

// stubborn is a node on which no address can be held.
type stubborn struct{ still }

func (stubborn) Hold([]vip.Held) error { return vip.ErrLate }

// TestFailureElsewhereLeavesTheSurvey: a step that has nothing to do with the table says nothing about it. With a large one, on a busy
// router, to read it anew after each address that could not be held took longer than the lease, so that none ever was.
func TestFailureElsewhereLeavesTheSurvey(t *testing.T) {
	c := &counting{Fake: new(ipvs.Fake)}
	doc := throng(500, 10)
	for i := range doc.Virtuals {
		doc.Virtuals[i].Check = nil
	}
	until := vip.Instant(time.Hour)
	d := New(Options{
		IPVS: c, VIP: stubborn{}, Sysctls: newProc(&diary{}), Health: settled{health.New(health.Options{}), nil},
		Mandate: func() Mandate { return Mandate{Epoch: 1, Groups: map[Group]vip.Instant{DefaultGroup: until}} },
		State:   func() State { return State{Known: true, Revision: 2, Document: doc} },
	})
	pass := func() { d.round(d.o.Mandate, d.o.State) }
	pass() // fills the table
	c.asked()
	pass()
	if f := d.Status().Failures; len(f) != 1 || f[0].Step != "ip addr add" {
		t.Fatalf("failures: %v", f)
	}
	if wholes, overviews, _ := c.asked(); wholes+overviews > 0 {
		t.Errorf("the table is read whole %d times, and %d overviews, as no address could be held", wholes, overviews)
	}
	c.Fail(func(op ipvs.Op) error { return syscall.ENOMEM })
	doc.Virtuals = slices.Clone(doc.Virtuals[1:])
	pass()
	c.asked()
	pass()
	if wholes, _, _ := c.asked(); wholes == 0 {
		t.Error("the table is not read anew although the kernel refused a step")
	}
}
