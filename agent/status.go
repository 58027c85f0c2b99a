package agent

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/consensus/lease"
	"polso/director"
	"polso/fsm"
)

// localStatus is this router alone.
func (b *body) localStatus() api.Status {
	snap, dir := b.snapshot(), b.local.director.Status()
	st := b.statusOf(snap, dir, virtuals(snap, dir))
	st.Sysctls, st.Overrides = sysctls(dir), api.OverridesOf(snap.Overrides)
	return st
}

// statusHere is this router alone, in that detail.
func (b *body) statusHere(detail api.Detail) api.Status {
	if detail == api.Brief {
		return b.briefStatus()
	}
	return b.localStatus()
}

// briefStatus is localStatus without the virtual servers, of which there may be thousands: what a leader that looks at
// servers itself wants to know of the others once a second.
func (b *body) briefStatus() api.Status {
	return b.statusOf(b.snapshot(), b.local.director.Status(), []api.Virtual{})
}

func (b *body) statusOf(snap *fsm.Snapshot, dir *director.Status, list []api.Virtual) api.Status {
	role := b.role()
	at := lease.Instant(sinceBoot())
	st := api.Status{
		Schema: api.Schema, Cluster: snap.Cluster.Name, Node: b.a.o.Name, Formed: b.member != nil,
		Revision: snap.Revision, AppliedRevision: dir.Revision, Level: snap.InUse(), Converged: dir.Converged, Profile: snap.Cluster.Profile,
		VIPs: vips(snap, dir), Virtuals: list, Members: []api.Member{}, Problems: problems(b.a.o.Name, dir),
		Kernel: string(b.a.o.Kernel), Fence: "valid_lft", Health: api.Forming, SyncDaemon: syncDaemon(dir),
	}
	if b.local.keeper.Fence().Up {
		st.Fence = "nftables"
	}
	switch {
	case b.a.o.Dev:
		st.Kernel, st.Fence = "simulated", "none"
	case b.bare:
		st.Kernel, st.Fence, st.Virtuals = string(NoKernel), "none", []api.Virtual{}
	}
	if out := b.unusable; out != nil {
		st.Formed, st.Cluster, st.Health = true, b.cluster, api.Down
		st.Problems = append(st.Problems, api.Problem{Node: b.a.o.Name, What: "data", Why: out.Title + ": " + out.Detail, Fix: out.Hint})
	}
	if b.member == nil {
		return st
	}
	st.Cluster = b.member.cluster
	if out := b.removal(); out != nil {
		st.Problems = append(st.Problems, api.Problem{Node: b.a.o.Name, What: "membership", Why: out.Title, Fix: out.Hint})
	}
	st.Node = b.member.nameOf(b.member.id)
	if st.Node == b.member.id {
		st.Node = b.a.o.Name
	}
	st.Term = role.Term
	if id, known := b.member.node.Leader(); known {
		st.Leader = b.member.nameOf(id)
	}
	if role.Leader && role.Until > at && !b.witness() {
		st.Lease = api.Lease{Held: true, ExpiresIn: time.Duration(role.Until - at).Seconds(), Epoch: role.Epoch}
		st.Active = st.Node
	}
	for i := range st.VIPs {
		if st.VIPs[i].Held {
			st.VIPs[i].On = st.Node
		}
	}
	if unfit := lasting(dir.Unfit); len(unfit) > 0 {
		st.Problems = append(st.Problems, api.Problem{Node: st.Node, What: "not fit to direct", Why: strings.Join(unfit, "; "), Fix: remedy(dir)})
	}
	if !b.a.o.Dev {
		_, trouble := b.member.certificates(time.Now())
		for _, p := range trouble {
			p.Node = st.Node
			st.Problems = append(st.Problems, p)
		}
	}
	if p := b.member.disk(b.a.o.DataDir); p.Why != "" {
		p.Node = st.Node
		st.Problems = append(st.Problems, p)
	}
	st.Problems = append(st.Problems, failingChecks(st.Node, b.itself())...)
	st.Members = []api.Member{marked(snap, b.self(st))}
	st.ProfileChange, st.CAChange = profileChange(snap.Cluster, st.Members), caChange(snap.Cluster, st.Members)
	st.Quorum.Voters = voters(b.member)
	st.ActiveSince = activeSince(snap, st.Active)
	st.LastFailover, st.Confirm = lastFailover(snap), api.ConfirmationOf(snap)
	st.Health = healthHere(st)
	return st
}

// remedy is what to do about what keeps a router from directing: the fixes of the problems behind it.
func remedy(dir *director.Status) string {
	var fixes []string
	add := func(fix string) {
		if fix != "" && !slices.Contains(fixes, fix) {
			fixes = append(fixes, fix)
		}
	}
	for _, p := range dir.Problems {
		if slices.Contains(dir.Unfit, p.What+": "+p.Why) {
			add(p.Fix)
		}
	}
	for _, p := range dir.Places {
		if link, ok := dir.Links.Named(p.Link); ok && !link.Up {
			add("ip link set " + p.Link + " up")
		}
	}
	if len(fixes) == 0 { // its reason is told in other words, or lies in the past
		for _, p := range dir.Problems {
			add(p.Fix)
		}
	}
	return cmp.Or(strings.Join(fixes, "; "), "the log of this router's agent says more")
}

// healthHere is the health of one router alone: one that stands by well holds no address.
func healthHere(st api.Status) api.ClusterHealth {
	if !st.Lease.Held {
		st.VIPs = nil
	}
	st.Quorum.Healthy = st.Quorum.Voters // the leader knows
	return healthOf(st)
}

// self is this router as a member.
func (b *body) self(st api.Status) api.Member {
	n, _ := b.member.state.Load().Node(b.member.id)
	started := b.a.started
	out := api.Member{
		ID: b.member.id, Name: st.Node, Addresses: nonNil(n.Addresses), Kind: b.kind, Raft: raftWord(b.member, b.member.id),
		State: "up", Version: b.a.o.Version.Version, Level: b.a.o.levels.Own(), Started: &started, AppliedRevision: st.AppliedRevision, Converged: st.Converged, Problems: st.Problems,
	}
	dir := b.local.director.Status()
	out.Unfit, out.Undecided, out.Failing = dir.Unfit, dir.Undecided, dir.Failing
	out.Timing, out.CAChange = b.member.says(), b.member.caFollowed.Load()
	if p := b.member.disk(b.a.o.DataDir); p.Why != "" {
		out.Unfit = append(slices.Clone(out.Unfit), p.What+": "+p.Why)
	}
	against(&out, b.itself())
	if st.Lease.Held {
		out.Director = "active"
	}
	return out
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func voters(m *member) int {
	n := 0
	for _, s := range m.node.Members() {
		if s.Voter {
			n++
		}
	}
	return n
}

func raftWord(m *member, id string) string {
	for _, s := range m.node.Members() {
		switch {
		case s.ID != id:
		case s.Leader:
			return "leader"
		case s.Voter:
			return "follower"
		default:
			return "learner"
		}
	}
	return "unknown"
}

// activeSince is when the router of that name, which directs, took the lead; nil where the log has the lead as another's: of a lead that
// has just begun, or of a director before that still holds addresses, nobody says since when.
func activeSince(s *fsm.Snapshot, active string) *time.Time {
	n, is := s.Node(s.Lead.Node)
	if !is || active == "" || n.Name != active || s.Lead.At.IsZero() {
		return nil
	}
	at := s.Lead.At
	return &at
}

func lastFailover(s *fsm.Snapshot) *api.Failover {
	if s.Lead.Node == "" || s.Lead.From == "" && s.Before.Node == "" {
		return nil
	}
	from := s.Before
	if from.Node == "" {
		from.Node = s.Lead.From
	}
	return &api.Failover{From: leaderName(s, from), To: leaderName(s, s.Lead), At: s.Lead.At, Reason: s.Lead.Reason, Seconds: s.Lead.Took.Seconds()}
}

// leaderName is the name of the node that took that lead, a removed one's too; the beginning of its ID when there is no name.
func leaderName(s *fsm.Snapshot, l fsm.Lead) string {
	n, _ := s.Node(l.Node)
	return cmp.Or(n.Name, l.Name, l.Node[:min(8, len(l.Node))])
}

func healthOf(st api.Status) api.ClusterHealth {
	wanted, held := len(st.VIPs), 0
	for _, v := range st.VIPs {
		if v.Held {
			held++
		}
	}
	serversDown := false
	for _, v := range st.Virtuals {
		for _, s := range v.Servers {
			serversDown = serversDown || s.State == "down"
		}
	}
	switch {
	case st.Leader == "" || wanted > 0 && held == 0:
		return api.Down
	case held < wanted || serversDown || !st.Converged || len(st.Problems) > 0 || st.Quorum.Healthy < st.Quorum.Voters:
		return api.Degraded
	}
	return api.Healthy
}

// contested is how long after a foreign claim to a held address that is a problem.
const contested = time.Minute

func problems(node string, dir *director.Status) []api.Problem {
	out := []api.Problem{}
	for _, p := range dir.Problems {
		out = append(out, api.Problem{Node: node, What: p.What, Why: p.Why, Fix: p.Fix})
	}
	for _, f := range dir.Failures {
		out = append(out, api.Problem{Node: node, What: f.Step, Why: f.Err})
	}
	for _, h := range dir.Held {
		if c := h.Conflict; c.Count > 0 && dir.At.Sub(c.At) < contested {
			out = append(out, api.Problem{
				Node: node, What: "vip " + h.Addr.String(),
				Why: fmt.Sprintf("%s claims it too on %s (%d times, last at %s)", c.MAC, h.Link, c.Count, c.At.Format(time.TimeOnly)),
				Fix: "find the machine with that hardware address and take " + h.Addr.String() + " off it",
			})
		}
	}
	return out
}

// vips are the addresses of the document as this node sees them.
func vips(snap *fsm.Snapshot, dir *director.Status) []api.VIP {
	out := []api.VIP{}
	at := make(map[netip.Addr]int) // in out
	add := func(name string, addr netip.Addr, group string) *api.VIP {
		i, ok := at[addr]
		if !ok {
			i = len(out)
			at[addr] = i
			out = append(out, api.VIP{Name: name, Address: addr.String(), Group: group, Virtuals: []string{}})
		}
		return &out[i]
	}
	for _, v := range snap.Document.VIPs {
		add(v.Name, v.Address.Addr(), v.Group)
	}
	for _, v := range snap.Document.Virtuals {
		if v.FWMark == 0 && !v.Inactive {
			e := add(v.Name, v.Address, string(director.DefaultGroup))
			e.Virtuals = append(e.Virtuals, v.Name)
		}
	}
	for _, p := range dir.Places {
		if i, ok := at[p.Addr]; ok {
			out[i].Interface = p.Link
		}
	}
	for _, h := range dir.Held {
		i, ok := at[h.Addr]
		if !ok {
			continue
		}
		out[i].Held, out[i].Interface = h.Present, h.Link
		if !h.Announced.IsZero() {
			out[i].Announced = &h.Announced
		}
		if c := h.Conflict; c.Count > 0 {
			out[i].Conflict = &api.Conflict{Count: c.Count, MAC: c.MAC.String(), At: c.At}
		}
	}
	return out
}
