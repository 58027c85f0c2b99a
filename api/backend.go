package api

import (
	"context"
	"time"

	"polso/config"
	"polso/fsm"
)

// Detail is how much a status tells.
type Detail int

// The details. A brief status says nothing of virtuals and their servers, its health is without theirs, and it costs the same however
// many there are.
const (
	Whole Detail = iota
	Brief
)

// Backend is the node that the interface stands for. Every method may be called at any time from any goroutine, returns
// promptly or within the context, and answers a refusal as an *Error.
type Backend interface {
	// Status is the cluster as the leader sees it, or an *Error with CodeNoLeader.
	Status(context.Context, Detail) (Status, error)
	// Local is this router alone. It needs no leader and never blocks.
	Local(Detail) Status
	// Virtuals and Virtual are a page of that, and cost what is on it; with Local set this router's, which need no leader.
	Virtuals(context.Context, VirtualsRequest) (Virtuals, error)
	Virtual(context.Context, VirtualRequest) (VirtualPage, error)
	// LocalOf is another member alone, as it sees itself, by its name.
	LocalOf(ctx context.Context, name string, d Detail) (Status, error)
	// State is this node's replica with everything that was committed when this process first heard a leader; it waits a
	// while for that. The error is an *Error: CodeNotFormed on a router that belongs to no cluster, CodeNoLeader while the
	// state is not known.
	State(context.Context) (*fsm.Snapshot, error)

	// Propose writes to the replicated state and waits until this node's replica has it.
	Propose(context.Context, fsm.Actor, string, fsm.Command) (fsm.Result, error)

	// Foresee is what every router would do now if a document ran and servers that it no longer names were to go at until. It
	// takes two seconds at most, some more with a large document, and needs no leader; who has not answered by then is there as not reached.
	Foresee(ctx context.Context, doc config.Document, until time.Time) ([]RouterPlan, error)

	Init(context.Context, fsm.Actor, InitRequest) (InitAnswer, error)
	Join(context.Context, JoinRequest) (JoinAnswer, error)
	CreateToken(context.Context, fsm.Actor, TokenRequest) (Token, error)
	// Leave takes this router out of its cluster; Force does so without the others' word.
	Leave(context.Context, fsm.Actor, LeaveRequest) (Done, error)
	// Remove takes another router out, by name.
	Remove(ctx context.Context, by fsm.Actor, name string) (Done, error)
	Transfer(context.Context, TransferRequest) (Transferred, error)
	// Certificates are this node's and its CA's; they need no leader. RotateCertificates makes new ones under traffic.
	Certificates(context.Context) (Certificates, error)
	RotateCertificates(context.Context, fsm.Actor, RotateRequest) (Done, error)
	// Profile is the cluster's timing. SetProfile begins a change of it, or takes back one that is under way.
	Profile(context.Context) (Profile, error)
	SetProfile(context.Context, fsm.Actor, ProfileRequest) (Done, error)
	// Rejoin makes this router a member again when its data is of no use any more: as a new one that takes its old name.
	Rejoin(context.Context, RejoinRequest) (JoinAnswer, error)
	// Recover has this router go on alone, as the next generation of its cluster. It refuses while any other member answers.
	Recover(context.Context, fsm.Actor, RecoverRequest) (Recovered, error)

	Announce(context.Context, AnnounceRequest) (Done, error)
	IPVS(context.Context, IPVSRequest) (IPVS, error)
	// Connections, Stats and CPUStats are this router's, or those of another one that the request names. A connection table may
	// take long to read; who asks meanwhile waits.
	Connections(context.Context, ConnectionsRequest) (ConnectionTable, error)
	Stats(context.Context, StatsRequest) (Stats, error)
	CPUStats(ctx context.Context, on string) (CPUStats, error)
	// History is the director's, or that of the router that the request names.
	History(context.Context, HistoryRequest) (History, error)
	// Events are the cluster's own and, of every member that answers soon, what it saw. They need neither leader nor cluster.
	Events(context.Context, EventsWanted) (Events, error)
	// Ending is closed when the agent stops: whoever follows something is to be let go.
	Ending() <-chan struct{}
	// RunCheck probes once from this router, or from another one that the request names; it takes as long as the check may.
	RunCheck(context.Context, CheckRequest) (CheckRun, error)
	// TestNotice has a notify block tell of a test, from a router that the request names or from each; it takes as long as the
	// block may, and no notice waits for it.
	TestNotice(context.Context, fsm.Actor, NoticeTestRequest) (NoticeTest, error)
	// Doctor is what this member lacks, or another one that is named (on "": this one).
	Doctor(ctx context.Context, on string) (Findings, error)
	// Debug is what this agent's process is at, without secrets.
	Debug(context.Context) (Debug, error)
}

// LeaveRequest takes this router out of its cluster.
type LeaveRequest struct {
	Force bool `json:"force,omitempty" doc:"without asking the others: only this router forgets the cluster"`
}

// IPVSRequest chooses the router and the layout.
type IPVSRequest struct {
	On     string `query:"on" json:"-" maxLength:"128" doc:"the router whose table it is; default: the one that is asked"`
	Layout string `query:"layout" json:"layout,omitempty" enum:"list,stats,rate,save" default:"list"`
}
