package fsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var ada = Actor{Kind: ActorUser, Name: "ada", Address: "192.0.2.7"}

func TestUserRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   Command
		want error
		text string
	}{
		{"there already", newUser("ada", Viewer), ErrExists, "there is a user ada already"},
		{"there already, written otherwise", newUser("Ada", Admin), ErrExists, "there is a user ada already"},
		{"not there", &SetUser{User: "eve", Role: Admin}, ErrNotFound, "there is no user eve"},
		{"not there, written otherwise", &SetUser{User: "ADA", Role: Viewer}, ErrNotFound, "there is no user ADA"},
		{"removed is not there", &RemoveUser{User: "eve"}, ErrNotFound, "there is no user eve"},
		{"another password meanwhile", &SetUser{User: "ada", Hash: phc, Generation: 99}, ErrConflict, "the password of user ada has been changed meanwhile"},
		{"token twice", access("a1", "d"), ErrExists, "there is an access token a1 already"},
		{"secret twice", access("a2", "c"), ErrExists, "there is an access token with this secret already"},
		{"token not there", &RevokeAccess{ID: "a9"}, ErrNotFound, "there is no access token a9"},
		{"token that has ended", &AddAccess{Access{ID: "a2", Hash: hashOf("d"), Role: Viewer, Expires: t0}}, ErrInvalid, "its end, 2026-11-22T10:00:00Z, has passed already"},
		{"session without an end", &EndSession{Ended{ID: "s1", Kind: ActorUser, Name: "ada", Until: t0.Add(400 * 24 * time.Hour)}}, ErrInvalid, "no session is good until 2027-12-27T10:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, "")
			m.must(newUser("ada", Admin), access("a1", "c"))
			before := len(m.Load().Users)
			if r := m.do(tt.do); r.Refusal == nil || !errors.Is(r.Refusal, tt.want) || r.Refusal.Text != tt.text {
				t.Errorf("got %v, want %s", r.Refusal, tt.text)
			}
			if len(m.Load().Users) != before || len(m.Load().Accesses) != 1 {
				t.Error("something changed")
			}
		})
	}
	for _, c := range []Command{
		newUser("", Viewer), newUser("a b", Viewer), newUser("ada", "root"), newUser("ada", ""), &SetUser{User: "ada"},
		&SetUser{User: "ada", Role: Viewer, New: true}, &SetUser{User: "ada", Hash: "secret"}, &SetUser{User: "ada", Hash: "$" + strings.Repeat("x", maxHash)},
		&SetUser{User: "ada", Hash: "$a\n"}, &AddAccess{Access{ID: "a", Hash: "ab", Role: Viewer}}, &AddAccess{Access{ID: "a", Hash: hashOf("a"), Role: "root"}},
		&AddAccess{Access{ID: "a", Hash: hashOf("a"), Role: Viewer, Note: "two\nlines"}}, &EndSession{Ended{ID: "s", Kind: "local", Name: "root"}},
	} {
		if r := c.check(); r == nil || r.Code != CodeInvalid {
			t.Errorf("%+v: got %v, want a refusal", c, r)
		}
	}
	if r := newMachine(t).do(newUser("ada", Admin)); !errors.Is(r.Refusal, ErrNotFounded) {
		t.Errorf("before there is a cluster: %v", r.Refusal)
	}
}

// What was signed in with a password is of no use after another one, nor to another user of the same name later.
func TestGenerationIsNeverUsedAgain(t *testing.T) {
	m := cluster(t, "")
	seen := make(map[uint64]bool)
	note := func(what string, fresh bool) {
		t.Helper()
		u, _ := m.Load().User("ada")
		if seen[u.Generation] == fresh || u.Generation == 0 {
			t.Errorf("%s: generation %d, seen %v", what, u.Generation, seen)
		}
		seen[u.Generation] = true
	}
	m.must(newUser("ada", Viewer))
	note("new", true)
	m.must(&SetUser{User: "ada", Role: Operator})
	note("another role", false)
	m.must(&SetUser{User: "ada", Hash: phc})
	note("another password", true)
	m.must(&RemoveUser{User: "ada"}, newUser("ada", Viewer))
	note("removed and made again", true)
}

// An access token ends with who made it, by whatever steps, and never gives more than its maker has.
func TestAccessEndsWithItsMaker(t *testing.T) {
	as := func(id, digit string) *AddAccess {
		a := access(id, digit)
		a.Access.Role = Admin
		return a
	}
	token := func(id string) Actor { return Actor{Kind: ActorToken, Name: id} }
	for _, tt := range []struct {
		name string
		end  Command
		want string // the tokens left, with their roles
	}{
		{"nothing", nil, "root:admin ada:admin child:admin grandchild:admin"},
		{"the user goes", &RemoveUser{User: "ada"}, "root:admin"},
		{"another user goes", &RemoveUser{User: "bob"}, "root:admin ada:admin child:admin grandchild:admin"},
		{"the user may less", &SetUser{User: "ada", Role: Viewer}, "root:admin ada:viewer child:viewer grandchild:viewer"},
		{"a token goes", &RevokeAccess{ID: "child"}, "root:admin ada:admin"},
		{"a token ends", &Expire{Due{At: t0.Add(8 * time.Second), Kind: DueAccess, ID: "ada"}}, "root:admin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, "")
			m.must(newUser("ada", Admin), newUser("bob", Admin), as("root", "1"))
			first := as("ada", "2")
			first.Access.Expires = t0.Add(8 * time.Second)
			for _, r := range []Result{m.doAs(ada, first), m.doAs(token("ada"), as("child", "3")), m.doAs(token("child"), as("grandchild", "4"))} {
				if r.Refusal != nil {
					t.Fatal(r.Refusal)
				}
			}
			if m.must(&TestedNotice{Notify: "x"}); tt.end != nil { // a second passes
				m.must(tt.end)
			}
			var got []string
			for _, a := range m.Load().Accesses {
				got = append(got, a.ID+":"+string(m.Load().RoleOf(a)))
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("got %q, want %q", g, tt.want)
			}
			if last := m.Load().Audit[len(m.Load().Audit)-1].Detail; len(got) == 1 && !strings.HasSuffix(last, "access tokens that ended with it: "+map[bool]string{true: "3", false: "2"}[tt.name == "the user goes"]) {
				t.Errorf("the audit says %q", last)
			}
		})
	}
}

// Who loses the right to give rights while asking gives none.
func TestEntitledWhenItIsApplied(t *testing.T) {
	bob := Actor{Kind: ActorUser, Name: "bob"}
	for _, by := range []Actor{bob, {Kind: ActorUser, Name: "gone"}, {Kind: ActorToken, Name: "a1"}, {Kind: ActorToken, Name: "gone"}} {
		m := cluster(t, "")
		m.must(newUser("ada", Admin), newUser("bob", Operator), access("a1", "c"))
		for _, c := range []Command{newUser("eve", Admin), &SetUser{User: by.Name, Role: Admin}, &SetUser{User: "ada", Hash: phc}, &SetUser{User: "bob", Role: Admin, Hash: phc},
			&RemoveUser{User: "ada"}, access("a2", "d"), &RevokeAccess{ID: "a1"}} {
			if r := m.doAs(by, c); !errors.Is(r.Refusal, ErrDenied) {
				t.Errorf("%s %s, %s: %v", by.Kind, by.Name, c, r.Refusal)
			}
		}
	}
	m := cluster(t, "")
	m.must(newUser("bob", Viewer))
	if r := m.doAs(bob, &SetUser{User: "bob", Hash: phc}); r.Refusal != nil {
		t.Errorf("their own password: %v", r.Refusal)
	}
}

// A state that came out of nowhere, tokens in a ring: nobody may anything.
func TestRoleOfRing(t *testing.T) {
	s := &Snapshot{Accesses: []Access{{ID: "a", Role: Admin, By: Actor{Kind: ActorToken, Name: "b"}}, {ID: "b", Role: Admin, By: Actor{Kind: ActorToken, Name: "a"}}}}
	if r := s.RoleOf(s.Accesses[0]); r != "" {
		t.Errorf("got %q", r)
	}
}

// However often somebody signs in and out, the state stays small, and no session that was ended is good again.
func TestEndedSessions(t *testing.T) {
	for _, by := range []Actor{ada, {Kind: ActorToken, Name: "a1"}} {
		m := cluster(t, "")
		m.must(newUser("ada", Admin), access("a1", "c"))
		generation := func() uint64 {
			if by.Kind == ActorUser {
				u, _ := m.Load().User("ada")
				return u.Generation
			}
			a, _ := m.Load().Access("a1")
			return a.Generation
		}
		end := func(id string) {
			m.must(&EndSession{Ended{ID: id, Kind: by.Kind, Name: by.Name, Until: t0.Add(12 * time.Hour)}})
		}
		first := generation()
		for i := range maxEnded {
			end(fmt.Sprint("s", i))
		}
		if s := m.Load(); !s.HasEnded("s0") || !s.HasEnded("s99") || s.HasEnded("s100") || generation() != first {
			t.Errorf("%s: %d ended, generation %d", by.Kind, len(s.Ended), generation())
		}
		if end("s5"); len(m.Load().Ended) != maxEnded {
			t.Error("a session that ended already counts twice")
		}
		end("s100")
		if s := m.Load(); len(s.Ended) != 0 || generation() <= first {
			t.Errorf("%s: %d ended, generation %d of %d: those of before are good again", by.Kind, len(s.Ended), generation(), first)
		}
	}
	m := cluster(t, "")
	m.must(newUser("ada", Admin), &EndSession{Ended{ID: "old", Kind: ActorUser, Name: "ada", Until: t0.Add(-endedKept)}},
		&EndSession{Ended{ID: "new", Kind: ActorUser, Name: "ada", Until: t0}})
	if s := m.Load(); s.HasEnded("old") || !s.HasEnded("new") {
		t.Errorf("kept: %+v", s.Ended)
	}
}

// The audit says who did what, and no secret nor its hash.
func TestAuditOfUsers(t *testing.T) {
	m := cluster(t, "")
	m.must(newUser("ada", Admin))
	m.doAs(ada, newUser("bob", Viewer))
	m.doAs(ada, &SetUser{User: "bob", Role: Operator})
	m.doAs(ada, &SetUser{User: "bob", Hash: phc})
	m.doAs(ada, access("a1", "c"))
	m.doAs(ada, &RevokeAccess{ID: "a1"})
	m.doAs(ada, &EndSession{Ended{ID: "s1", Kind: ActorUser, Name: "ada", Until: t0}})
	m.doAs(ada, &RemoveUser{User: "bob"})
	var got strings.Builder
	for _, e := range m.Load().Audit[4:] {
		fmt.Fprintf(&got, "%s/%s %s\n", e.Actor.Kind, e.Actor.Name, e.Detail)
	}
	const want = `user/ada user bob is made, viewer
user/ada user bob becomes operator
user/ada user bob has a new password
user/ada access token a1, operator until 2026-11-22T11:00:00Z: ci <deploys>
user/ada access token a1 is revoked
user/ada user ada signs out
user/ada user bob is removed
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// How many there may be.
func TestUsersAreLimited(t *testing.T) {
	m := cluster(t, "")
	for i := range maxUsers {
		m.must(newUser(fmt.Sprint("u", i), Viewer))
	}
	if r := m.do(newUser("one", Viewer)); !errors.Is(r.Refusal, ErrTooLarge) {
		t.Errorf("user %d: %v", maxUsers+1, r.Refusal)
	}
	for i := range maxAccess {
		a := access(fmt.Sprint("a", i), "0")
		a.Access.Hash, a.Access.Expires = fmt.Sprintf("%064x", i), t0.Add(1000*time.Hour)
		m.must(a)
	}
	if r := m.do(access("more", "f")); !errors.Is(r.Refusal, ErrTooLarge) {
		t.Errorf("token %d: %v", maxAccess+1, r.Refusal)
	}
}
