package agent

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/health"
	"polso/steward"
)

// said is what a router answers a member that asks how it is. An older release reads of it what it knows.
type said struct {
	api.Status
	Sight director.Sight `json:"sight"`
}

// sights are what this router and the others see of the servers.
type sights struct {
	mu    sync.Mutex // guards below
	of    *director.Status
	doc   uint64 // the revision that own is about
	own   director.Sight
	heard map[string]heard // by node ID
}

// heard is what another router sees, and when it was so.
type heard struct {
	Sight director.Sight `json:"sight"`
	Age   float64        `json:"age_seconds"` // when it was told
	at    time.Time
}

// sight is what this router sees, made once for each of its passes.
func (b *body) sight() director.Sight {
	if b.bare || b.member == nil {
		return director.Sight{}
	}
	s, snap, dir := &b.member.sights, b.snapshot(), b.local.director.Status()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of != dir || s.doc != snap.Revision {
		s.of, s.doc, s.own = dir, snap.Revision, director.SightOf(snap.Document.Served(), dir.Health)
	}
	return s.own
}

// hear notes what a router sees, and tells whether a verdict is another than before.
func (s *sights) hear(id string, h heard) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.heard[id]
	if known && before.at.After(h.at) {
		return false
	}
	if s.heard == nil {
		s.heard = make(map[string]heard)
	}
	s.heard[id] = h
	alike := func(a, b director.Verdict) bool { return a.Target == b.Target && a.State == b.State }
	return !slices.Equal(before.Sight.Virtuals, h.Sight.Virtuals) || !slices.Equal(before.Sight.Sorry, h.Sight.Sorry) || !slices.EqualFunc(before.Sight.NotUp, h.Sight.NotUp, alike) || time.Since(before.at) > fresh
}

// all are those that were heard, by node ID.
func (s *sights) all() map[string]heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.heard)
}

// others are what the director of this router is told of the other routers' eyes.
func (b *body) others() director.Others {
	m := b.member
	if m == nil || !m.opened.Load() {
		return director.Others{}
	}
	var out director.Others
	all := m.sights.all()
	for _, n := range m.state.Load().Nodes {
		if h, ok := all[n.ID]; ok && n.ID != m.id && time.Since(h.at) < fresh {
			out.Sights = append(out.Sights, h.Sight)
		}
	}
	if leader, known := m.node.Leader(); known && leader != m.id {
		out.Director = all[leader].Sight
	}
	return out
}

// shared tells whether routers need to know what the others see: without it only the leader does.
func shared(doc config.Document) bool {
	return slices.ContainsFunc(doc.Virtuals, func(v config.Virtual) bool { return v.Votes > 1 || v.Probe == config.ByDirector })
}

// spread tells a router what the others see, and this one.
func (r *reports) spread(ctx context.Context, to string) {
	out := r.m.sights.all()
	delete(out, to)
	for id, h := range out {
		h.Age = time.Since(h.at).Seconds()
		out[id] = h
	}
	if out == nil {
		out = make(map[string]heard)
	}
	if !r.b.witness() {
		out[r.m.id] = heard{Sight: r.b.sight()}
	}
	_, _ = askPeer[struct{}](ctx, r.m, to, http.MethodPost, pathSights, out) // what it knows grows old, which says it all
}

// told notes what the leader says that the others see.
func (b *body) toldSights(_ context.Context, in map[string]heard) (struct{}, error) {
	news := false
	for id, h := range in {
		h.at = time.Now().Add(-time.Duration(h.Age * float64(time.Second)))
		news = b.member.sights.hear(id, h) || news
	}
	if news {
		b.local.ring()
	}
	return struct{}{}, nil
}

// seesOf is a sight as the steward counts it; nil if there is nothing in it.
func seesOf(s director.Sight) map[string]steward.Seen {
	if len(s.Virtuals) == 0 {
		return nil
	}
	out := make(map[string]steward.Seen, len(s.Virtuals))
	for _, v := range s.Virtuals {
		out[v.Virtual] = steward.Seen{Asks: v.Asks, Up: v.Up, Unknown: v.Unknown}
	}
	return out
}

// compareSights adds to servers what each router sees where they differ.
func (b *body) compareSights(m *member, snap *fsm.Snapshot, list []api.Virtual) {
	var names []string
	var from []director.Sight
	differs := false
	for _, n := range snap.Nodes {
		rep, ok := m.reports.of(n.ID)
		if n.Kind != fsm.Router || !ok || time.Since(rep.at) > fresh {
			continue
		}
		names, from = append(names, n.Name), append(from, rep.sight)
		differs = differs || len(rep.sight.NotUp) > 0
	}
	if !differs {
		return
	}
	all := director.NewSights(from...)
	for i := range list {
		j := slices.IndexFunc(snap.Document.Virtuals, func(v config.Virtual) bool { return v.Name == list[i].Name })
		if j < 0 {
			continue
		}
		said := all.Of(snap.Document.Virtuals[j])
		for k := range list[i].Servers {
			if s := &list[i].Servers[k]; s.State != "leaving" && !s.Sorry { // which may have a server's name
				s.Views = views(names, said[s.Name])
			}
		}
	}
}

// views is what routers say of one server; nil if none sees it up that another sees down.
func views(names []string, said []director.Verdict) []api.View {
	has := func(s health.State) bool {
		return slices.ContainsFunc(said, func(v director.Verdict) bool { return v.State == s })
	}
	if !has(health.Up) || !has(health.Down) {
		return nil
	}
	out := make([]api.View, len(said))
	for i, v := range said {
		out[i] = api.View{Router: names[i], State: v.State.String(), Reason: v.Reason}
	}
	return out
}

// counts sums up what a router sees; nil if it probes nothing.
func counts(s director.Sight) *api.Sees {
	if len(s.Virtuals) == 0 {
		return nil
	}
	out := new(api.Sees)
	for _, v := range s.Virtuals {
		out.Up, out.Down, out.Unknown = out.Up+v.Up, out.Down+v.Down, out.Unknown+v.Unknown
	}
	return out
}

// dim is the problem that this router directs and sees clearly fewer servers up than most of the others.
func (b *body) dim(m *member) (api.Problem, bool) {
	in := b.reported(m)
	why := in.Dim()
	if why == "" || !b.role().Leader {
		return api.Problem{}, false
	}
	p := api.Problem{Node: m.nameOf(m.id), What: "view", Why: why + "; if that lasts it hands over to one that sees more", Fix: "polso get servers -o wide shows who sees what; look at the network between " + m.nameOf(m.id) + " and the servers"}
	if nobody := b.whyNobody(m, in.State); nobody != "" {
		p.Why = why + "; it still directs, as nobody else could: " + nobody
	}
	return p, true
}

// dimmer is what speaks against a router by what it sees; "" if nothing does.
func dimmer(theirs, mine report) string {
	r, own := steward.Report{Sees: seesOf(theirs.sight)}, steward.Report{Sees: seesOf(mine.sight)}
	if !r.Dimmer(own) {
		return ""
	}
	return fmt.Sprintf("it sees clearly fewer servers up: %d, this one %d", counts(theirs.sight).Up, counts(mine.sight).Up)
}

// handed is why this router is given the lead, as the one that gives it says beforehand.
type handed struct {
	Term   uint64 `json:"term"` // the giver's
	Reason string `json:"reason"`
	Sees   bool   `json:"sees"` // because it sees more
	at     time.Time
}

// giveLead hands over as the steward wants it, and says why.
func (b *body) giveLead(ctx context.Context, m *member, act steward.Action) error {
	h := handed{Term: m.node.Role().Term, Reason: act.Reason, Sees: act.Kind == steward.Yield}
	if _, err := askPeer[struct{}](ctx, m, act.ID, http.MethodPost, pathHanded, h); err != nil && h.Sees {
		return err // it must know, or it could hand over again at once
	}
	return m.node.Transfer(ctx, act.ID)
}

// toldHanded notes why this router is about to be given the lead.
func (b *body) toldHanded(_ context.Context, h handed) (struct{}, error) {
	h.at = time.Now()
	b.member.handed.Store(&h)
	return struct{}{}, nil
}

// handedFor is why the lead of that term was given to this router; false if that is not known.
func (m *member) handedFor(term uint64) (handed, bool) {
	h := m.handed.Load()
	if h == nil || h.Term+1 != term {
		return handed{}, false
	}
	return *h, true
}

// longestWhy keeps a reason within what the log takes (fsm.TakeLead).
const longestWhy = 500

// because is a reason with what was said beforehand.
func (m *member) because(reason string, term uint64) string {
	h, known := m.handedFor(term)
	if !known {
		return reason
	}
	why := strings.ToValidUTF8(h.Reason[:min(len(h.Reason), longestWhy)], "")
	return reason + ": " + why
}
