package lease

// guard is a set of rules that are switched off. Only this package's tests switch one off, to show that they would
// notice: product code has no way to set it.
type guard uint32

const (
	offPromiseVote     guard = 1 << iota // promise tested before a vote leaves
	offPromiseAsk                        // promise tested before an own request for votes leaves
	offNote                              // a Success notes a promise
	offOrder                             // no Success for a lower term after a vote
	offRestartVote                       // a fresh process grants no vote
	offRestartAsk                        // a fresh process asks for no vote
	offOwnVote                           // own lease tested before a vote leaves
	offOwnAsk                            // own lease tested before an own request for votes leaves
	offKill                              // a vote that leaves ends own leases of lower terms
	offSendTime                          // the lease counts from the send time
	offNoRevival                         // a lease that ran out is over
	offDeadByArming                      // the lease is over before a hand-over is announced
	offArmedTimeoutNow                   // TimeoutNow only when armed
	offArmedTerm                         // flagged request for votes only for the armed term + 1
)

func (l *Ledger) on(g guard) bool { return l.off&g == 0 }
