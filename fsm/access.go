package fsm

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Access is a token that programs, and people who want no password, ask with. Only the secret's hash is kept. It ends at its time,
// when it is revoked, and with whoever made it. Access tokens are no part of a Backup.
type Access struct {
	ID         string    `json:"id"`   // public, for list and revoke, and as the name of its Actor
	Hash       string    `json:"hash"` // hex SHA-256 of the secret, which is 256 random bits
	Role       Role      `json:"role"` // at most; see RoleOf
	Note       string    `json:"note,omitempty"`
	Expires    time.Time `json:"expires"`
	Generation uint64    `json:"generation,omitempty"` // as a user's, of the sessions that it signed in; set by Apply
	By         Actor     `json:"by,omitzero"`          // set by Apply
}

const (
	maxAccess = 1000
	maxNote   = 200
)

// AddAccess makes an access token.
type AddAccess struct {
	Access Access `json:"access"` // By and Generation are set by Apply
}

// Name returns NameAddAccess.
func (*AddAccess) Name() Name { return NameAddAccess }

// String is the command in one line.
func (a *AddAccess) String() string {
	s := fmt.Sprintf("access token %s, %s until %s", a.Access.ID, a.Access.Role, a.Access.Expires.UTC().Format(time.RFC3339))
	if a.Access.Note != "" {
		s += ": " + a.Access.Note
	}
	return s
}

func (a *AddAccess) check() *Refusal {
	if b, err := hex.DecodeString(a.Access.Hash); err != nil || len(b) != 32 {
		return refuse(CodeInvalid, "", "a token's hash is 64 hexadecimal digits")
	}
	if !a.Access.Role.Valid() {
		return noRole(a.Access.Role)
	}
	if line(a.Access.Note, maxNote) != a.Access.Note {
		return refuse(CodeInvalid, "shorten it", "a note is one line of at most %d bytes", maxNote)
	}
	return id("token", a.Access.ID)
}

func (a *AddAccess) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if r := c.entitled(); r != nil {
		return r
	}
	if _, ok := c.Access(a.Access.ID); ok {
		return refuse(CodeExists, "", "there is an access token %s already", a.Access.ID)
	}
	if _, ok := c.AccessByHash(a.Access.Hash); ok {
		return refuse(CodeExists, "", "there is an access token with this secret already")
	}
	if !a.Access.Expires.After(c.at) {
		return refuse(CodeInvalid, "", "its end, %s, has passed already", a.Access.Expires.UTC().Format(time.RFC3339))
	}
	if len(c.Accesses) >= maxAccess {
		return refuse(CodeTooLarge, "`polso token list` shows them, `polso token revoke` ends one", "there are %d access tokens already", maxAccess)
	}
	t := a.Access
	t.By, t.Expires, t.Generation = c.by, t.Expires.UTC(), c.Index
	c.Accesses = append(slices.Clip(c.Accesses), t)
	c.due(Due{At: t.Expires, Kind: DueAccess, ID: t.ID})
	return nil
}

// RevokeAccess ends an access token, and those that were made with it.
type RevokeAccess struct {
	ID string `json:"id"`
}

// Name returns NameRevokeAccess.
func (*RevokeAccess) Name() Name { return NameRevokeAccess }

// String is the command in one line.
func (r *RevokeAccess) String() string { return "access token " + r.ID + " is revoked" }

func (r *RevokeAccess) check() *Refusal { return id("token", r.ID) }

func (r *RevokeAccess) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if r := c.entitled(); r != nil {
		return r
	}
	if _, ok := c.Access(r.ID); !ok {
		return refuse(CodeNotFound, "`polso token list` shows them", "there is no access token %s", r.ID)
	}
	c.tellRevoked(c.dropAccess(r.ID) - 1)
	return nil
}

// dropAccess drops the token and those that were made with it, and returns how many that were.
func (c *change) dropAccess(id string) int {
	if _, ok := c.Access(id); !ok {
		return 0
	}
	c.Accesses = without(c.Accesses, func(a Access) bool { return a.ID == id })
	c.notDue(DueAccess, id)
	c.forgetEnded(ActorToken, id)
	return 1 + c.dropAccessOf(ActorToken, id)
}

// dropAccessOf drops the tokens that somebody made, and returns how many that were.
func (c *change) dropAccessOf(kind, name string) int {
	n := 0
	for _, a := range c.Accesses {
		if a.By.Kind == kind && a.By.Name == name {
			n += c.dropAccess(a.ID)
		}
	}
	return n
}

// tellRevoked says in the audit how many tokens went along.
func (c *change) tellRevoked(n int) {
	if n > 0 {
		c.aside = fmt.Sprintf("; access tokens that ended with it: %d", n)
	}
}

// entitled refuses to give or take rights on behalf of somebody who has lost theirs since they asked: whoever is removed must not leave
// a way back in. All other changes stand on what was so when they were asked for.
func (c *change) entitled() *Refusal {
	role := Admin
	switch c.by.Kind {
	case ActorUser:
		u, _ := c.User(c.by.Name)
		role = u.Role
	case ActorToken:
		role = ""
		if a, ok := c.Access(c.by.Name); ok {
			role = c.RoleOf(a)
		}
	}
	if !role.May(Admin) {
		return refuse(CodeDenied, "an admin can do it", "%s %s is no admin any more", c.by.Kind, c.by.Name)
	}
	return nil
}

// RoleOf is what the token's bearer may do: never more than whoever made it may now, and nothing once the maker is no more. It does
// not look at the token's end.
func (s *Snapshot) RoleOf(a Access) Role {
	role := a.Role
	for range len(s.Accesses) + 1 { // a token is younger than the one it was made with, so this is long enough
		switch a.By.Kind {
		case ActorUser:
			u, ok := s.User(a.By.Name)
			if !ok {
				return ""
			}
			return lesser(role, u.Role)
		case ActorToken:
			by, ok := s.Access(a.By.Name)
			if !ok {
				return ""
			}
			role, a = lesser(role, by.Role), by
		default:
			return role
		}
	}
	return ""
}

func lesser(a, b Role) Role {
	if a.May(b) {
		return b
	}
	return a
}

// User returns the user of that name.
func (s *Snapshot) User(name string) (User, bool) {
	return find(s.Users, func(u User) bool { return u.Name == name })
}

// Access returns the access token with that public ID.
func (s *Snapshot) Access(id string) (Access, bool) {
	return find(s.Accesses, func(a Access) bool { return a.ID == id })
}

// AccessByHash returns the access token whose secret has that hash (hex SHA-256). The hash of a guess says nothing of the secret, so
// it need not be compared in constant time.
func (s *Snapshot) AccessByHash(hash string) (Access, bool) {
	return find(s.Accesses, func(a Access) bool { return strings.EqualFold(a.Hash, hash) })
}
