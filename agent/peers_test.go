package agent

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/config"
	"polso/consensus"
	"polso/consensus/wire"
	"polso/fsm"
)

// An error of consensus that travels between nodes is the same kind of error on the other side.
func TestPeerErrorsTravel(t *testing.T) {
	for _, test := range []struct {
		err  error
		want error
	}{
		{consensus.ErrNotLeader, consensus.ErrNotLeader},
		{fmt.Errorf("promote n2: %w", consensus.ErrNotLeader), consensus.ErrNotLeader},
		{consensus.ErrNoLeader, consensus.ErrNoLeader},
		{consensus.ErrUnknownOutcome, consensus.ErrUnknownOutcome},
		{consensus.ErrTransferring, consensus.ErrTransferring},
		{consensus.ErrStopped, consensus.ErrNoLeader}, // nothing was done there; another may lead
	} {
		code := encode(test.err)
		if code == "" {
			t.Errorf("%v has no code", test.err)
		}
		if got := decode(&wire.RemoteError{Code: code, Text: test.err.Error()}); !errors.Is(got, test.want) {
			t.Errorf("%v arrives as %v, want %v", test.err, got, test.want)
		}
	}
	if code := encode(errors.New("disk on fire")); code != "" {
		t.Errorf("any other error has code %q, want none", code)
	}
	if got := decode(fmt.Errorf("forward: %w", wire.ErrUnreachable)); !errors.Is(got, consensus.ErrNoLeader) {
		t.Errorf("a node that cannot be reached: %v, want no leader: nothing was done", got)
	}
	if got := decode(fmt.Errorf("forward: %w", wire.ErrUnknownOutcome)); !errors.Is(got, consensus.ErrUnknownOutcome) {
		t.Errorf("a lost answer: %v, want an unknown outcome", got)
	}
}

// A refusal arrives whole, with code, hint and every problem.
func TestRefusalsTravelWhole(t *testing.T) {
	e := api.Errorf(api.CodeConflict, "the document changed").WithDetail("5 runs").WithHint("polso plan")
	e.Problems = []string{"one", "two"}
	if code := encode(e); code != wire.CodeRefused {
		t.Errorf("code %q, want refused", code)
	}
	got := decode(&wire.RemoteError{Code: wire.CodeRefused, Text: refusalText(e)})
	if diff := cmp.Diff(error(e), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := decode(&wire.RemoteError{Code: wire.CodeRefused, Text: "join: not today"}); api.CodeOf(got) != api.CodeRefused {
		t.Errorf("plain words arrive as %v", got)
	}
	if code := encode(api.Errorf(api.CodeInternal, "oops")); code != "" {
		t.Errorf("an internal error has code %q, want none", code)
	}
}

// Whatever goes wrong is told with a code and, but for what nobody foresaw, with a next step.
func TestAsAPIError(t *testing.T) {
	refusal := func(code fsm.Code) error { return &fsm.Refusal{Code: code, Text: "no", Fix: "do this"} }
	for _, test := range []struct {
		err  error
		want api.Code
	}{
		{api.Errorf(api.CodeDenied, "no").WithHint("x"), api.CodeDenied},
		{refusal(fsm.CodeConflict), api.CodeConflict},
		{refusal(fsm.CodeReused), api.CodeReused},
		{refusal(fsm.CodeNotFound), api.CodeNotFound},
		{refusal(fsm.CodeExists), api.CodeExists},
		{refusal(fsm.CodeExpired), api.CodeDenied},
		{refusal(fsm.CodeNotFounded), api.CodeNotFormed},
		{refusal(fsm.CodeInvalid), api.CodeInvalid},
		{refusal(fsm.CodeTooLarge), api.CodeInvalid},
		{refusal(fsm.CodeStopped), api.CodeInternal},
		{fmt.Errorf("x: %w", consensus.ErrUnknownOutcome), api.CodeUnknown},
		{fmt.Errorf("x: %w", errors.Join(consensus.ErrUnknownOutcome, consensus.ErrStopped)), api.CodeUnknown},
		{consensus.ErrNoLeader, api.CodeNoLeader},
		{consensus.ErrNotLeader, api.CodeNoLeader},
		{consensus.ErrTransferring, api.CodeNoLeader},
		{consensus.ErrStopped, api.CodeNoLeader},
		{context.DeadlineExceeded, api.CodeTimeout},
		{consensus.ErrBehind, api.CodeRefused},
		{errors.New("disk on fire"), api.CodeInternal},
	} {
		got := asAPIError(fmt.Errorf("outside: %w", test.err))
		if got.Code != test.want || got.Status == 0 {
			t.Errorf("%v: code %s, status %d; want %s", test.err, got.Code, got.Status, test.want)
		}
		if got.Hint == "" && got.Code != api.CodeInternal {
			t.Errorf("%v: %q says no next step", test.err, got)
		}
	}
}

// The leader looks at a document before it becomes an entry, whoever sends it: a member of another release may not know what
// this one refuses.
func TestAdmit(t *testing.T) {
	entry := func(doc config.Document) []byte {
		canonical, err := config.Canonical(doc)
		if err != nil {
			t.Fatal(err)
		}
		data, err := fsm.Encode(fsm.Envelope{Request: "1", Actor: fsm.Actor{Kind: "local", Name: "root"}, At: now(), Command: &fsm.SetDocument{Document: canonical}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	levels := fsm.ThisBuild()
	b := &body{a: &Agent{o: Options{levels: &levels}}}
	m := &member{state: fsm.New(fsm.Options{})}
	admit := func(data []byte) error { return b.admit(t.Context(), m, data) }
	good := parse(t, twoHCL)
	if err := admit(entry(good)); err != nil {
		t.Errorf("a good document: %v", err)
	}
	twice := parse(t, twoHCL)
	twice.Virtuals = append(twice.Virtuals, twice.Virtuals[1])
	twice.Virtuals[2].Name = "again"
	if err := admit(entry(twice)); api.CodeOf(err) != api.CodeInvalid {
		t.Errorf("a document with the same service twice: %v, want it refused", err)
	}
	later := parse(t, twoHCL)
	later.Virtuals[0].Check = &config.Check{Kind: config.CheckTCP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3, Through: config.ThroughVirtual}
	if err := admit(entry(later)); api.CodeOf(err) != api.CodeInvalid {
		t.Errorf("a document with what is not supported yet: %v, want it refused", err)
	}
	other, err := fsm.Encode(fsm.Envelope{Request: "1", Actor: fsm.Actor{Kind: "local", Name: "root"}, At: now(), Command: &fsm.RevokeToken{ID: "t"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := admit(other); err != nil {
		t.Errorf("another command: %v", err)
	}
	if err := admit([]byte("noise")); err == nil {
		t.Error("noise was admitted")
	}
}
