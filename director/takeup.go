package director

import (
	"maps"
	"slices"

	"polso/config"
	"polso/ipvs"
)

// takeUp holds what a new mandate asks for as soon as the kernel's table has been read (of a large one: by what is known of it), if that is as wanted
// already (a large one: as the last pass wanted it), and so are the settings as far as the last pass knew: a takeover with a warm table waits for nothing else. What has changed
// since on the links is found by the rest of the pass; what cannot be held now is tried again there. It tells whether it held.
func (p *pass) takeUp(in Inputs) bool {
	in.Links = p.memory.links
	want, ok := p.inherited(in)
	if !ok {
		want = Decide(in)
	}
	if len(want.Held) == 0 || want.KeepTable || len(ipvs.Plan(want.Table, *in.Observed)) > 0 ||
		p.memory.ruled == nil || len(ipvs.PlanRules(want.Rules, *p.memory.ruled)) > 0 {
		return false
	}
	for path, w := range want.Sysctls {
		if path != BackupOnly && path != expireOrphans && !w.Kept && p.memory.sysctls[path] != w.Value {
			return false
		}
	}
	if value, ok := want.Sysctls[BackupOnly]; ok { // it goes by role, so it has to change now; expireOrphans can wait
		p.set(Sysctls{BackupOnly: value}, in.Links)
	}
	p.hold(in.Mandate, &want)
	p.failures = nil
	return true
}

// takes tells whether a mandate is new, and the kernel was as wanted when the last pass ended.
func (p *pass) takes(m Mandate) bool {
	was := p.memory.mandate
	return p.memory.left != nil && (len(was.Groups) == 0 || was.Epoch != m.Epoch)
}

// decided is what a pass decided, and on what.
type decided struct {
	state State
	want  Want
}

// inherited returns what the last pass wanted with the addresses of a new mandate; false if something else of it could be another now. With
// a large table that is for deciding anew, which takes the longer the larger it is: the addresses come first. What the verdicts that
// came since the last pass change about the table, the rest of this one does.
func (p *pass) inherited(in Inputs) (Want, bool) {
	last, state := p.memory.decided, in.State
	if last == nil || entries(*in.Observed) <= glance || !state.like(last.state) {
		return Want{}, false
	}
	doc, want := state.Document, last.want
	byRole := doc.Cluster.Standby == config.Cold || len(want.Table.Services) < len(doc.Virtuals) || // some were left to the director
		slices.ContainsFunc(doc.Virtuals, func(v config.Virtual) bool { return v.Probe == config.ByDirector })
	if byRole || want.KeepTable {
		return Want{}, false
	}
	want.Held = held(in.Mandate, want.Places)
	if doc.Cluster.SyncDaemon != nil {
		want.Sysctls = maps.Clone(want.Sysctls)
		want.Sysctls[BackupOnly] = roleOf(in, want.Places)
	}
	return want, true
}

// like tells whether two states are known to want the same, whoever directs. It compares no server.
func (s State) like(other State) bool {
	a, b := s.Document, other.Document
	return s.Known == other.Known && s.Foreign == other.Foreign && s.Revision == other.Revision && same(a.Virtuals, b.Virtuals) && same(a.VIPs, b.VIPs) &&
		slices.Equal(s.Overrides, other.Overrides) && same(s.Leaving, other.Leaving)
}
