package api

import (
	"context"
	"errors"
	"strings"
	"testing"

	"polso/fsm"
)

// mute takes no command.
type mute struct{ *backend }

func (mute) Propose(context.Context, fsm.Actor, string, fsm.Command) (fsm.Result, error) {
	return fsm.Result{}, errors.New("no leader just now")
}

// A switchover that the audit cannot tell of has come about all the same, and whoever asked for it hears both.
func TestTransferBesideTheAudit(t *testing.T) {
	done, err := serve(t, mute{formed(t)}).Transfer(t.Context(), TransferRequest{To: "r2"})
	if err != nil || done.To != "r2" || !strings.HasPrefix(done.Note, "the audit does not say who asked: no leader") {
		t.Errorf("got %+v, %v", done, err)
	}
}
