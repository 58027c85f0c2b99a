package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/config"
	"polso/events"
	"polso/fsm"
	"polso/notify"
)

// follower follows the events at one router, as polso events -f does.
type follower struct {
	mu     sync.Mutex // guards below
	heard  []events.Event
	silent []string
}

func (f *follower) tell(t api.Told) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.Event != nil {
		f.heard = append(f.heard, *t.Event)
	}
	if t.Silent != nil {
		f.silent = nil
		for _, s := range t.Silent {
			f.silent = append(f.silent, s.Router)
		}
	}
	return nil
}

// takeover is the record of the takeover by that router from that one which was heard, the last.
func (f *follower) takeover(from string) (out events.Takeover, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = fmt.Errorf("heard nothing of it among %d events", len(f.heard))
	for _, e := range f.heard {
		if e.Failover != nil && e.Failover.From == from {
			out, err = *e.Failover, nil
		}
	}
	return out, err
}

// timedTakeover is what a router tells that has taken over from one that it knew.
var timedTakeover = regexp.MustCompile(`(?m)^polso_takeover_seconds_count [1-9]`)

// The director is lost: somebody who follows the events at a router that stands by, and somebody who asks for the list there, read why
// another took over and how long it took, and that the lost one cannot be asked. When it is back, its own events are there.
func TestEventsOfAFailover(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	old := w.router(w.holder(webVIP))
	var at *router // where somebody looks
	for _, r := range w.nodes {
		if r != old {
			at = r
		}
	}
	f := new(follower)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- at.client.Follow(ctx, api.EventsRequest{Since: "1h"}, f.tell) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("following ended with %v", err)
		}
	}()
	w.eventually("who follows hears what was", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !slices.ContainsFunc(f.heard, func(e events.Event) bool { return e.Kind == events.AddressUp && e.Router == old.name }) {
			return fmt.Errorf("%d events, none of an address of %s", len(f.heard), old.name)
		}
		return nil
	})

	old.halt()
	var told events.Takeover
	w.eventually("who follows hears why another took over", func() (err error) { told, err = f.takeover(old.name); return err })
	w.router(told.To).whole(told)
	if text, err := w.router(told.To).client.Metrics(t.Context()); err != nil || !timedTakeover.Match(text) {
		t.Errorf("%s has timed no takeover for Prometheus (%v)", told.To, err)
	}
	w.eventually("who follows hears that the lost one is silent", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !slices.Equal(f.silent, []string{old.name}) {
			return fmt.Errorf("silent are %v", f.silent)
		}
		return nil
	})
	list, err := at.client.Events(t.Context(), api.EventsRequest{Kinds: []string{"failover"}})
	if err != nil || len(list.Silent) != 1 || list.Silent[0].Router != old.name || list.Silent[0].Reason == "" {
		t.Fatalf("silent are %+v (%v), want %s", list.Silent, err, old.name)
	}
	i := slices.IndexFunc(list.Events, func(e events.Event) bool { return e.Failover != nil && e.Failover.From == old.name })
	if i < 0 || cmp.Diff(told, *list.Events[i].Failover) != "" || list.Events[i].Router != told.To {
		t.Errorf("the list has %+v, the stream %+v", list.Events, told)
	}

	old.start()
	w.eventually("its own events are there again", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		n := 0
		for _, e := range f.heard {
			if e.Kind == events.Started && e.Router == old.name {
				n++
			}
		}
		if n != 2 || len(f.silent) > 0 {
			return fmt.Errorf("it is heard to start %d times, silent are %v", n, f.silent)
		}
		return nil
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := make(map[string]bool)
	for _, e := range f.heard {
		if seen[e.ID] {
			t.Errorf("%s is told twice: %+v", e.ID, e)
		}
		seen[e.ID] = true
	}
}

// What becomes of a router from one look to the next.
func TestLooks(t *testing.T) {
	var l looker
	looks := func(s sighted) string {
		var out []string
		for _, e := range l.look(s) {
			out = append(out, fmt.Sprintf("%s(%s) %s", e.Kind, e.About, e.What))
		}
		return strings.Join(out, "; ")
	}
	one := map[string]string{"192.0.2.10": "eth0"}
	none, trouble := map[string]string{}, map[string]string{"disk": "full (make room)"}
	for i, c := range []struct {
		now  sighted
		want string
	}{
		{sighted{standing: "follows r1 in term 2"}, "role() follows r1 in term 2"},
		{sighted{standing: "", problems: trouble}, ""},
		{sighted{standing: "follows r1 in term 2", problems: none}, ""}, // it mended itself
		{sighted{standing: "leads in term 3", held: one, problems: trouble}, "role() leads in term 3; address_up(192.0.2.10) 192.0.2.10 on eth0"},
		{sighted{standing: "leads in term 3", held: one, problems: trouble}, "problem(disk) disk: full (make room)"},
		{sighted{standing: "leads in term 3", held: one, problems: map[string]string{"disk": "fuller"}}, ""},
		{sighted{standing: "leads in term 3", held: one, problems: none, silent: map[string]string{"192.0.2.10": "no buffer"}}, "announcement_failed(192.0.2.10) 192.0.2.10: no buffer"},
		{sighted{standing: "leads in term 3", held: one}, "announcement_sent(192.0.2.10) 192.0.2.10"},
		{sighted{standing: "leads in term 3", held: one, problems: none}, "problem_gone(disk) disk"},
		{sighted{standing: "leads in term 3", held: one, silent: map[string]string{"192.0.2.10": "no buffer"}}, "announcement_failed(192.0.2.10) 192.0.2.10: no buffer"},
		{sighted{standing: "hears no leader"}, "role() hears no leader; address_gone(192.0.2.10) 192.0.2.10 from eth0"},
	} {
		if got := looks(c.now); got != c.want {
			t.Errorf("look %d: %q, want %q", i+1, got, c.want)
		}
	}
}

func TestNoticesAsEvents(t *testing.T) {
	var got []string
	for _, e := range noticed([]notify.Event{
		{Kind: config.EventActive},
		{Kind: config.EventServerDown, Virtual: "web", Server: "a", Address: "10.0.0.1:80", Reason: "tcp: refused"},
		{Kind: config.EventVirtualUp, Virtual: "web", Address: "tcp 192.0.2.10:80", Reason: "1 of 2 servers up"},
		{Kind: config.EventRouterLost, About: "r2"},
		{Kind: config.EventConflict, Address: "192.0.2.10", Reason: "claimed by 02:00"},
	}) {
		got = append(got, fmt.Sprintf("%s(%s) %s", e.Kind, e.About, e.What))
	}
	want := []string{
		"server_down(web/a) web/a (10.0.0.1:80): tcp: refused", "virtual_up(web) web (tcp 192.0.2.10:80): 1 of 2 servers up", "router_lost(r2) r2",
		"conflict(192.0.2.10) (192.0.2.10): claimed by 02:00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, k := range []config.EventKind{config.EventServerUp, config.EventServerDown, config.EventVirtualUp, config.EventVirtualDown, config.EventRouterLost, config.EventRouterBack, config.EventConflict} {
		if !slices.Contains(events.Kinds(), events.Kind(k)) {
			t.Errorf("%s is no kind of event", k)
		}
	}
}

// What the cluster has written down and carried out, in the words of events.
func TestAuditAsEvents(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	s := &fsm.Snapshot{Cluster: fsm.Cluster{ID: "c.1"}, Audit: []fsm.Entry{
		{Index: 3, At: at, Actor: fsm.Actor{Kind: "node", Name: "r1"}, Action: "lead", Detail: "r1 takes the lead: first, 0s"},
		{Index: 5, At: at.Add(time.Minute), Actor: fsm.Actor{Kind: "user", Name: "ada", Via: "r2"}, Action: "set_document", Detail: "first", Revision: 2},
		{Index: 6, At: at.Add(time.Minute), Actor: fsm.Actor{Kind: "user", Name: "ada", Via: "r2"}, Action: "set_document", Detail: "second", Error: "refused"},
		{Index: 7, At: at.Add(time.Hour), Actor: fsm.Actor{Kind: "local", Name: "root", Via: "r3"}, Action: "set_override", Detail: "drain server/web/a"},
	}}
	told := clusterSaid(s, ringAsked{After: events.Position{Boot: "c-1", Last: 3}, Since: at})
	var got []string
	for _, e := range told.Events {
		got = append(got, fmt.Sprintf("%s %s %s(%s) %s", e.ID, e.Router, e.Kind, e.About, e.What))
	}
	if diff := cmp.Diff([]string{".c-1.5 r2 document(2) revision 2: first, by ada", ".c-1.7 r3 override() drain server/web/a, by root"}, got); diff != "" || told.Now.Last != 7 {
		t.Errorf("at %d (-want +got):\n%s", told.Now.Last, diff)
	}
	if told := clusterSaid(s, ringAsked{After: events.Position{Boot: "another", Last: 5}}); len(told.Events) != 3 {
		t.Errorf("who comes from another cluster: %+v", told)
	}
	if told := clusterSaid(s, ringAsked{Since: at.Add(time.Hour)}); len(told.Events) != 1 || told.Now.Last != 7 {
		t.Errorf("since an hour later: %+v", told)
	}
}
