package api

import (
	"os/user"
	"testing"

	"polso/fsm"
)

func whoami(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

// Who speaks through the unix socket is who the kernel says it is, and stands in the history.
func TestActorOfAUnixSocket(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: []File{{"e.hcl", webHCL}}}); err != nil {
		t.Fatal(err)
	}
	want := fsm.Actor{Kind: "local", Name: whoami(t)}
	if got := b.fsm.Load().History[1].Author; got != want {
		t.Errorf("author %+v, want %+v", got, want)
	}
}

// Without a socket that tells, nobody is taken for somebody.
func TestActorUnknown(t *testing.T) {
	b := formed(t)
	b.notes()
	if got := requestAs("", New(b, Version{}), "DELETE", "/v1/cluster/routers/r3", ""); got.code != 401 {
		t.Errorf("got %d", got.code)
	}
	if got := b.notes(); got != "" {
		t.Errorf("the backend was asked %q", got)
	}
	if got := actorOf(WithCaller(t.Context(), Caller{Actor: fsm.Actor{Kind: "user", Name: "ada"}})); got.Name != "ada" {
		t.Errorf("got %+v, want ada", got)
	}
}
