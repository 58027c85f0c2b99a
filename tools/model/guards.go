package main

// guard is a set of rules that are switched off.
type guard uint32

// The ledger's, by the names that consensus/lease/guard.go gives them, and after them those of the rest of the code.
const (
	offPromiseVote guard = 1 << iota
	offPromiseAsk
	offNote
	offOrder
	offRestartVote
	offRestartAsk
	offOwnVote
	offOwnAsk
	offKill
	offSendTime
	offNoRevival
	offDeadByArming
	offArmedTimeoutNow
	offArmedTerm

	offVoters      // no vote for a candidate that has none where the voter knows it (raft, requestVote)
	offMargin      // the lease is shorter than the promise by what clocks can differ (lease.go, extend)
	offGone        // the addresses are down before a hand-over is announced (transfer.go, letGo)
	offAllVoters   // every configuration that may count counts, not only the one committed last (roster.go, tell)
	offRecount     // nothing counts before the term's first command is applied (node.go, Role; watch.go, taking)
	offApart       // H between two changes of the members (members.go, alter)
	offSmaller     // the smaller lease while the profile changes (agent/timing.go)
	offLarger      // the larger promise while the profile changes (options.go, Promise)
	offAllReported // the second step of that change only when all have made the first (fsm/profile.go)
	offNewestKnows // and when a leader of the newest term knows it: none elected before holds any more (agent/timing.go: a leader reports for itself, too)
)

// rule is a guard in words.
type rule struct {
	off  guard
	name string
	says string
}

// rules are all guards, in order of their bits.
var rules = []rule{
	{offPromiseVote, "offPromiseVote", "no vote leaves while a promise runs"},
	{offPromiseAsk, "offPromiseAsk", "no own request for votes leaves while a promise runs"},
	{offNote, "offNote", "a Success notes a promise"},
	{offOrder, "offOrder", "no Success for a lower term after a vote"},
	{offRestartVote, "offRestartVote", "a fresh process grants no vote"},
	{offRestartAsk, "offRestartAsk", "a fresh process asks for no vote"},
	{offOwnVote, "offOwnVote", "no vote leaves while an own lease runs"},
	{offOwnAsk, "offOwnAsk", "no own request for votes leaves while an own lease runs"},
	{offKill, "offKill", "a vote that leaves ends own leases of lower terms"},
	{offSendTime, "offSendTime", "the lease counts from the send time"},
	{offNoRevival, "offNoRevival", "a lease that ran out is over"},
	{offDeadByArming, "offDeadByArming", "the lease is over before a hand-over is announced"},
	{offArmedTimeoutNow, "offArmedTimeoutNow", "TimeoutNow only when armed"},
	{offArmedTerm, "offArmedTerm", "a flagged request for votes only for the armed term + 1"},
	{offVoters, "offVoters", "raft: no vote for a candidate that has none in the configuration the voter knows"},
	{offMargin, "offMargin", "the lease is shorter than the promise by what clocks can differ"},
	{offGone, "offGone", "the addresses are down before a hand-over is announced"},
	{offAllVoters, "offAllVoters", "every configuration that may count counts"},
	{offRecount, "offRecount", "nothing is held before the term's first command is applied"},
	{offApart, "offApart", "H between two changes of the members"},
	{offSmaller, "offSmaller", "the smaller lease while the profile changes"},
	{offLarger, "offLarger", "the larger promise while the profile changes"},
	{offAllReported, "offAllReported", "the second step of that change only when all have made the first"},
	{offNewestKnows, "offNewestKnows", "and when a leader of the newest term knows it"},
}
