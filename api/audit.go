package api

import (
	"context"
	"time"

	"polso/fsm"
)

// AuditEntry is one line of the audit: a change, asked for or made by itself, or a taking of the lead.
type AuditEntry struct {
	Index    uint64    `json:"index" doc:"its place in the order of everything; grows"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Kind     string    `json:"kind" enum:"local,user,token,node,steward" doc:"of who that is: local over the unix socket, user with a password, token with an access token, steward for what ends by itself"`
	Address  string    `json:"address,omitempty" doc:"where the request came from; absent over the unix socket"`
	Via      string    `json:"via,omitempty" doc:"the router that was asked"`
	Action   string    `json:"action"`
	Detail   string    `json:"detail"`
	Revision uint64    `json:"revision,omitempty" doc:"the one it made"`
	Error    string    `json:"error,omitempty" doc:"why it was refused"`
}

// AuditRequest chooses from the audit, which holds the last 1,000 entries.
type AuditRequest struct {
	Count int       `query:"n" minimum:"1" maximum:"1000" default:"50" doc:"the newest so many of those that fit"`
	Since time.Time `query:"since" doc:"of this time or later"`
	After uint64    `query:"after" doc:"with a greater index"`
}

func (s *server) audit(ctx context.Context, r *AuditRequest) ([]AuditEntry, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	list := []AuditEntry{}
	for _, e := range snap.Audit {
		if e.Index > r.After && !e.At.Before(r.Since) {
			list = append(list, describeEntry(e))
		}
	}
	return list[max(0, len(list)-r.Count):], nil
}

func describeEntry(e fsm.Entry) AuditEntry {
	return AuditEntry{
		Index: e.Index, At: e.At, By: e.Actor.Name, Kind: e.Actor.Kind, Address: e.Actor.Address, Via: e.Actor.Via,
		Action: e.Action, Detail: e.Detail, Revision: e.Revision, Error: e.Error,
	}
}
