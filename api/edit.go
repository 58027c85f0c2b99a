package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"polso/config"
	"polso/fsm"
)

// EditRequest changes one part of the running document, in the text as somebody wrote it.
type EditRequest struct {
	Verb   config.Verb `json:"verb" enum:"add,set,remove"`
	Kind   config.Kind `json:"kind" enum:"cluster,vip,virtual,server,sorry_server,notify,router_check"`
	Name   string      `json:"name,omitempty" maxLength:"200" doc:"web; of a server, sorry or not, web/a; none for the cluster"`
	Values []string    `json:"values,omitempty" doc:"to add and set: ATTRIBUTE=VALUE, as polso set takes them; without a value it is taken out"`

	Base    uint64   `json:"base_revision,omitempty" doc:"refuse with conflict unless this is the running revision; 0: no check"`
	Message string   `json:"message,omitempty" maxLength:"1000" doc:"default: the edit in words"`
	Drain   *float64 `json:"drain_seconds,omitempty" minimum:"0" doc:"as for a plan"`
	Adopt   bool     `json:"adopt,omitempty" doc:"let go of services in the kernel that Polso did not put there"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"only answer the plan"`

	ConfirmSeconds float64 `json:"confirm_seconds,omitempty" minimum:"0" doc:"it goes back by itself after so long, 10 to 86400, unless it is confirmed; 0: it stays"`
}

func (s *server) editRoutes(a huma.API) {
	post(a, "edit", "/v1/document/edit", "Change one part of the document", func(ctx context.Context, i *writes[EditRequest]) (done Applied, err error) {
		if i.Body.Base, err = base(i.IfMatch, i.Body.Base); err != nil {
			return Applied{}, err
		}
		done, err = s.edit(ctx, i.Body)
		return done, unmatched(i.IfMatch, err)
	})
}

// edit makes the edit here, where the pieces of the running text are remembered: who asks need not read, change and send the whole.
func (s *server) edit(ctx context.Context, req EditRequest) (Applied, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Applied{}, err
	}
	edit := config.Edit{Verb: req.Verb, Kind: req.Kind, Name: req.Name, Values: req.Values}
	text, err := s.texts.Revise([]byte(snap.Source), snap.Document, edit)
	if err != nil {
		return Applied{}, editError(err)
	}
	files := []File{{Name: fmt.Sprintf("<revision %d, edited>", snap.Revision), Text: string(text)}}
	doc, err := s.load(files)
	if err != nil {
		return Applied{}, err
	}
	if err := preferable(snap, doc); err != nil {
		return Applied{}, err
	}
	if req.DryRun {
		plan, err := s.livePlan(ctx, snap, doc, drain(req.Drain))
		return Applied{Schema: Schema, Revision: snap.Revision, Before: snap.Revision, Plan: plan}, err
	}
	return s.write(ctx, snap, fsm.NewRequest(), writing{ // what was edited is what is replaced
		doc: doc, source: files[0].Text, message: cmp.Or(req.Message, edit.String()), base: cmp.Or(req.Base, snap.Revision), adopt: req.Adopt,
		confirm: req.ConfirmSeconds, drain: drain(req.Drain),
	})
}

// editError puts why an edit is not possible into an Error.
func editError(err error) error {
	switch {
	case errors.Is(err, config.ErrNotThere):
		return Errorf(CodeNotFound, "%v", err).WithHint("polso show prints the document")
	case errors.Is(err, config.ErrThere):
		return Errorf(CodeExists, "%v", err).WithHint("polso set changes it")
	case errors.Is(err, config.ErrEdit), errors.Is(err, config.ErrNoTopic):
		return Errorf(CodeEdit, "%v", err)
	}
	return DocumentError(err)
}

// Edit changes one part of the document.
func (c *Client) Edit(ctx context.Context, r EditRequest) (Applied, error) {
	return ask[Applied](ctx, c, http.MethodPost, "/v1/document/edit", r)
}
