package agent

import (
	"context"
	"errors"
	"fmt"

	"polso/api"
	"polso/consensus"
	"polso/fsm"
)

func notFormed() *api.Error {
	return api.Errorf(api.CodeNotFormed, "this router belongs to no cluster").WithHint("polso init on the first router, polso join on the others")
}

// unfinished is a cluster whose init was interrupted after this router had become its first member.
func unfinished(m *member) *api.Error {
	return api.Errorf(api.CodeNotFormed, "cluster %s was not made to its end", m.cluster).WithHint("polso leave, then polso init once more")
}

// noLeader says how many voters are out of reach, as far as this node can tell.
func noLeader(m *member) *api.Error {
	e := api.Errorf(api.CodeNoLeader, "no leader; writes are refused and no router holds an address without one")
	voters := 0
	for _, s := range m.node.Members() {
		if s.Voter {
			voters++
		}
	}
	if voters > 0 {
		e = e.WithDetail("%d of the %d voters must reach each other", voters/2+1, voters)
	}
	return e.WithHint("polso status --local on each router; an election takes about two seconds at most after a failure. " +
		"If a majority is lost for ever: polso recover --help")
}

// removal says that the others have taken this node out, as far as it knows or must suppose; nil if nothing speaks for it.
func (b *body) removal() *api.Error {
	m := b.member
	if m == nil {
		return nil
	}
	const fix = "polso rejoin takes it in again, as a new member of its old name; polso leave makes it forget the cluster"
	s := m.state.Load()
	switch {
	// While an old log is replayed, configurations without this node pass by.
	case s.IsRemoved(m.id), s.Known && len(m.node.Members()) > 0 && raftWord(m, m.id) == "unknown":
		return api.Errorf(api.CodeRefused, "this router was removed from cluster %s", m.cluster).WithHint(fix)
	case m.superseded():
		return api.Errorf(api.CodeRefused, "cluster %s was recovered without this router: it goes on as a later generation", m.cluster).
			WithHint("on the router that was recovered: polso token create; here: polso rejoin ADDRESS --token TOKEN")
	case m.refused():
		return api.Errorf(api.CodeRefused, "the others refuse this router: was it removed from cluster %s?", m.cluster).
			WithHint("polso members on another router tells; if so, " + fix)
	}
	return nil
}

// asAPIError makes every error one that the wire can carry.
func asAPIError(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	if r, ok := errors.AsType[*fsm.Refusal](err); ok {
		return fromRefusal(r)
	}
	switch {
	case errors.Is(err, consensus.ErrUnknownOutcome):
		return api.Errorf(api.CodeUnknown, "the outcome is not known: it may have been done or not").WithDetail("%v", err).
			WithHint("look with polso status or polso history before trying again")
	case errors.Is(err, consensus.ErrNoLeader), errors.Is(err, consensus.ErrNotLeader), errors.Is(err, consensus.ErrTransferring), errors.Is(err, consensus.ErrStopped):
		return api.Errorf(api.CodeNoLeader, "no leader just now; nothing was done").WithHint("try again in a moment; polso status --local shows what this router knows")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return api.Errorf(api.CodeTimeout, "it took too long; it may still be done").WithHint("polso status")
	case errors.Is(err, consensus.ErrBehind):
		return api.Errorf(api.CodeRefused, "%v", err).WithHint("polso members shows who has caught up")
	}
	return api.Errorf(api.CodeInternal, "%v", err)
}

// fromRefusal is what the replicated state refused, for the API.
func fromRefusal(r *fsm.Refusal) *api.Error {
	code := api.CodeInvalid
	switch r.Code {
	case fsm.CodeConflict:
		code = api.CodeConflict
	case fsm.CodeReused:
		code = api.CodeReused
	case fsm.CodeNotFound:
		code = api.CodeNotFound
	case fsm.CodeExists:
		code = api.CodeExists
	case fsm.CodeExpired, fsm.CodeDenied:
		code = api.CodeDenied
	case fsm.CodeNotFounded:
		code = api.CodeNotFormed
	case fsm.CodeStopped:
		code = api.CodeInternal
	case fsm.CodeInvalid, fsm.CodeTooLarge:
	}
	e := api.Errorf(code, "%s", r.Text)
	e.Hint = r.Fix
	return e
}

// takeLead is the entry with which a new leader begins.
func takeLead(name, id string, t consensus.Taking, why string) []byte {
	data, err := fsm.Encode(fsm.Envelope{
		Request: fsm.NewRequest(), Actor: fsm.Actor{Kind: "node", Name: name}, At: now(),
		Command: &fsm.TakeLead{Node: id, From: t.From, Reason: why, Took: t.Took},
	})
	if err != nil {
		panic(fmt.Sprintf("agent: lead of term %d: %v", t.Term, err)) // nothing in it is anybody's input
	}
	return data
}
