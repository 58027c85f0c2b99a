package agent

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/health"
	"polso/notify"
)

const (
	// noticeEvery is how often what changed is looked for. What comes and goes in between nobody is told of.
	noticeEvery = 500 * time.Millisecond
	// lastNotice is how long the end of an agent waits for those who are to be told of it.
	lastNotice = 5 * time.Second
)

// notices tells the document's notify blocks and the ring of events what happens here, until ctx ends: by then nothing is held any
// more, and that is told too.
func (b *body) notices(ctx context.Context, m *member) error {
	n := notify.New(notify.Options{Last: lastNotice, Log: b.a.log.With("part", "notify")})
	telling, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- n.Run(telling) }()
	b.watchNotices(ctx, m, n)
	stop()
	<-ended
	return ctx.Err()
}

// watchNotices compares how things are with how they were.
func (b *body) watchNotices(ctx context.Context, m *member, n *notify.Notifier) {
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	var before notify.Picture
	var led time.Time // since when this node directs
	var seen looker
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-m.news:
			b.a.ring.Add(seen.role(b.standing(m))...)
			continue
		case <-tick.C:
		}
		b.explain(m)
		now := b.sighted(m)
		if seen.searches() {
			now.problems = b.troubled()
		}
		b.a.ring.Add(seen.look(now)...)
		s := m.state.Load()
		if !s.Known {
			continue
		}
		n.Set(s.Document.Notifies)
		if !before.Active {
			led = time.Now()
		}
		is := notify.Picture{}
		if ctx.Err() == nil {
			is = b.picture(m, s, led, &seen)
		}
		told := notify.Changes(before, is)
		before = is
		for i := range told {
			told[i].At, told[i].Cluster, told[i].Router = time.Now(), s.Cluster.Name, b.a.o.Name
		}
		n.Tell(told...)
		b.a.ring.Add(noticed(told)...)
	}
}

// picture is how things are now, to a node that directs since led if it does. What the last pass saw is looked at once.
func (b *body) picture(m *member, s *fsm.Snapshot, led time.Time, seen *looker) notify.Picture {
	p := notify.Picture{Active: b.role().Leader && !b.witness(), Revision: s.Revision}
	if len(s.History) > 0 {
		p.By = "by " + s.History[len(s.History)-1].Author.Name
	}
	status := b.local.director.Status()
	if seen.of != status || seen.revision != s.Revision {
		seen.of, seen.revision = status, s.Revision
		seen.servers, seen.virtuals = pictureOf(s.Document, status)
	}
	p.Servers, p.Virtuals = seen.servers, seen.virtuals
	p.Conflicts = make(map[string]string)
	for _, h := range status.Held {
		if h.Conflict.Count > 0 {
			p.Conflicts[h.Addr.String()] = h.Conflict.MAC.String()
		}
	}
	if p.Active {
		p.Routers = make(map[string]bool)
		for _, node := range s.Nodes {
			rep, _ := m.reports.of(node.ID)
			heard := rep.at
			if heard.Before(led) { // nobody had asked it
				heard = led
			}
			p.Routers[node.Name] = time.Since(heard) < lostAfter
		}
	}
	return p
}

// lostAfter is how long a router may be silent before it counts as lost: some reports, and an election.
const lostAfter = 5 * time.Second

// pictureOf is what is decided of a document's servers and virtuals: servers as their checks say, virtuals as the table follows
// from checks, operators and agents. What is not decided is left out, and who is down by a check's initial alone: after a restart that
// is everybody, and nothing has happened to them.
func pictureOf(doc config.Document, status *director.Status) (map[notify.Place]notify.Server, map[string]notify.Virtual) {
	servers, virtuals := make(map[notify.Place]notify.Server), make(map[string]notify.Virtual)
	for _, v := range doc.Virtuals {
		for _, s := range v.Servers {
			t, checked := director.TargetOf(v, s)
			if !checked {
				continue
			}
			if st := status.Health[t.Key()]; st.State != health.Unknown && !(st.Assumed && st.State == health.Down) {
				servers[notify.Place{Virtual: v.Name, Server: s.Name}] = notify.Server{Up: st.State == health.Up, Address: s.Address.String(), Reason: st.Reason}
			}
		}
		key, _ := director.KeyOf(v)
		if pool, decided := status.Pools[key]; decided {
			_, why := pool.State()
			virtuals[v.Name] = notify.Virtual{Up: !pool.Down, Address: key.String(), Reason: cmp.Or(why, fmt.Sprintf("%d of %d servers up", pool.Up, pool.Of))}
		}
	}
	return servers, virtuals
}
