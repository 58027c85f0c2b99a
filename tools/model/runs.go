package main

import (
	"fmt"
	"strings"
)

// run is one search and what must come of it.
type run struct {
	model model
	safe  bool // no two may hold, and every state within the bounds is seen
}

// limit is how many states one search may see, so that a mistake ends.
const limit = 5_000_000

func plain(voters int, h, terms uint8) model {
	return model{nodes: voters, voters: voters, terms: terms, lease: [3]uint8{h}, promise: [3]uint8{h}}
}

func (m model) withRestarts() model  { m.restarts = true; return m }
func (m model) withTransfers() model { m.transfers = true; return m }

// withMembers lets so many changes of the members happen, to spare nodes that have no vote at first, and to no fewer than
// least voters.
func (m model) withMembers(spare int, changes uint8, least int) model {
	m.nodes, m.changes, m.least = m.nodes+spare, changes, least
	return m
}

// withProfile lets each node go from the lease it has to another: first it counts the smaller and promises the larger, and
// once all do it counts and promises the new one.
func (m model) withProfile(h uint8) model {
	old := m.lease[0]
	m.profile = true
	m.lease, m.promise = [3]uint8{old, min(old, h), h}, [3]uint8{old, max(old, h), h}
	return m
}

// without switches guards off.
func (m model) without(off guard) model {
	m.off = off
	if !m.on(offSmaller) {
		m.lease[1] = m.lease[2]
	}
	if !m.on(offLarger) {
		m.promise[1] = m.promise[2]
	}
	return m
}

// everything is every rule in force, the small clusters first. The first few are for every test.
func everything() (fast, rest []run) {
	fast = []run{
		{plain(3, 2, 3).withRestarts(), true},
		{plain(3, 2, 2).withTransfers().withRestarts(), true},
		{plain(3, 1, 2).withProfile(2).withRestarts(), true},
		{plain(3, 2, 2).withProfile(1).withRestarts(), true},
		{plain(1, 1, 2).withMembers(2, 2, 1).withRestarts(), true},
		{plain(5, 1, 2), true},
	}
	rest = []run{
		{plain(3, 4, 3), true},
		{plain(3, 3, 3).withRestarts(), true},
		{plain(3, 2, 3).withTransfers(), true},
		{plain(3, 1, 3).withTransfers().withRestarts(), true},
		{plain(3, 1, 3).withProfile(2).withRestarts(), true},
		{plain(3, 2, 3).withProfile(1).withRestarts(), true},
		{plain(3, 2, 2).withMembers(0, 2, 1), true},
		{plain(2, 1, 3).withMembers(1, 2, 1), true},
		{plain(3, 1, 3).withMembers(1, 1, 3), true},
		{plain(3, 1, 2).withMembers(1, 2, 3), true},
		{plain(3, 1, 2).withMembers(1, 1, 3).withRestarts(), true},
		{plain(2, 1, 3).withTransfers().withMembers(0, 1, 1), true},
		{plain(3, 1, 2).withTransfers().withMembers(0, 1, 2), true},
		{plain(3, 1, 2).withTransfers().withMembers(1, 1, 2), true},
		{plain(3, 2, 2).withProfile(1).withTransfers().withRestarts(), true},
		{plain(5, 2, 2), true},
		{plain(5, 1, 2).withRestarts(), true},
		{plain(5, 1, 2).withTransfers(), true},
		{plain(5, 1, 2).withMembers(0, 1, 4), true},
	}
	return fast, rest
}

// eachOff is each guard switched off, in the smallest cluster that shows what it is for. Those that are marked safe are not
// needed as long as the others stand: a second line.
func eachOff() []run {
	small := plain(3, 2, 2)
	third := plain(3, 2, 3).withRestarts()
	handed := plain(3, 1, 3).withTransfers()
	grown := plain(1, 1, 2).withMembers(2, 2, 1)
	ledger := offPromiseVote | offPromiseAsk | offNote | offOrder | offRestartVote | offRestartAsk | offOwnVote | offOwnAsk | offKill
	return []run{
		{small.without(ledger), false},
		{plain(5, 1, 2).without(ledger), false},
		{small.without(offPromiseVote), false},
		{small.without(offPromiseAsk), false},
		{small.without(offNote), false},
		{small.without(offOrder), false},
		{small.withRestarts().without(offRestartVote), false},
		{small.withRestarts().without(offRestartAsk), false},
		{small.without(offOwnVote), false},
		{third.without(offOwnAsk), true},
		{small.without(offKill), false},
		{small.without(offSendTime), false},
		{third.without(offNoRevival), true},
		{handed.without(offDeadByArming), false},
		{handed.without(offArmedTimeoutNow), true},
		{handed.without(offArmedTerm), false},
		{plain(2, 1, 3).withMembers(0, 1, 1).withTransfers().without(offVoters), false},
		{small.without(offMargin), false},
		{handed.without(offGone), false},
		{grown.without(offAllVoters), false},
		{plain(2, 1, 2).withMembers(1, 2, 1).without(offRecount), true},
		{grown.without(offApart), true},
		{plain(3, 1, 3).withProfile(2).without(offSmaller), false},
		{plain(3, 2, 2).withProfile(1).without(offLarger), false},
		{plain(3, 1, 3).withProfile(2).without(offAllReported), false},
		{plain(3, 2, 2).withProfile(1).without(offNewestKnows), false},
	}
}

// cluster says how large a model is, in words.
func (m *model) cluster() string {
	s := fmt.Sprintf("%d voters", m.voters)
	if m.voters == 1 {
		s = "1 voter"
	}
	if spare := m.nodes - m.voters; spare > 0 {
		s += fmt.Sprintf(" + %d", spare)
	}
	return s
}

func (m *model) lengths() string {
	if m.profile {
		return fmt.Sprintf("%d → %d", m.lease[0], m.lease[2])
	}
	return fmt.Sprint(m.lease[0])
}

func (m *model) events() string {
	var all []string
	if m.restarts {
		all = append(all, "restarts")
	}
	if m.transfers {
		all = append(all, "hand-overs")
	}
	if m.profile {
		all = append(all, "another profile")
	}
	switch {
	case m.changes == 1:
		all = append(all, fmt.Sprintf("a change of members, to %d or more voters", m.least))
	case m.changes > 1:
		all = append(all, fmt.Sprintf("%d changes of members, to %d or more voters", m.changes, m.least))
	}
	if all == nil {
		return "–"
	}
	return strings.Join(all, ", ")
}

// offs names what is switched off, as the flag does, and says what it is.
func (m *model) offs() (names, says string) {
	var ns []string
	for _, r := range rules {
		if !m.on(r.off) {
			ns, says = append(ns, r.name), r.says
		}
	}
	if len(ns) > 1 {
		return "offLedger", "the whole ledger"
	}
	return strings.Join(ns, ""), says
}
