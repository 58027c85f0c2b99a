package fsm

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is somebody who signs in with a password, of which only a hash is kept. Users are no part of a Backup.
type User struct {
	Name       string    `json:"name"`
	Role       Role      `json:"role"`
	Hash       string    `json:"hash"`       // of the password, as a PHC string
	Generation uint64    `json:"generation"` // index of the entry that set the password, or ended every session at once: no other user or password ever has it
	By         Actor     `json:"by"`         // who changed the user last
	At         time.Time `json:"at"`         // when
}

// SetUser makes a user, or changes the role or the password of one.
type SetUser struct {
	User       string `json:"name"`
	Role       Role   `json:"role,omitempty"`       // "": it stays
	Hash       string `json:"hash,omitempty"`       // of the password, as a PHC string; "": it stays
	New        bool   `json:"new,omitempty"`        // the user must not be there yet (ErrExists); without it, the user must be (ErrNotFound)
	Generation uint64 `json:"generation,omitempty"` // refused unless it is the user's (ErrConflict); 0: whatever it is
}

const (
	maxUsers = 1000
	maxHash  = 256
)

// Name returns NameSetUser.
func (*SetUser) Name() Name { return NameSetUser }

// String is the command in one line.
func (u *SetUser) String() string {
	switch {
	case u.New:
		return fmt.Sprintf("user %s is made, %s", u.User, u.Role)
	case u.Hash == "":
		return fmt.Sprintf("user %s becomes %s", u.User, u.Role)
	case u.Role == "":
		return fmt.Sprintf("user %s has a new password", u.User)
	default:
		return fmt.Sprintf("user %s has a new password and becomes %s", u.User, u.Role)
	}
}

func (u *SetUser) check() *Refusal {
	switch {
	case u.Role != "" && !u.Role.Valid():
		return noRole(u.Role)
	case u.New && (u.Role == "" || u.Hash == ""):
		return refuse(CodeInvalid, "", "a new user has a role and a password")
	case u.Role == "" && u.Hash == "":
		return refuse(CodeInvalid, "", "nothing of user %s would change", u.User)
	case u.Hash != "" && (u.Hash[0] != '$' || len(u.Hash) > maxHash || strings.ContainsFunc(u.Hash, func(r rune) bool { return r <= ' ' || r > '~' })):
		return refuse(CodeInvalid, "", "what came for the password's hash is none")
	}
	return UserName(u.User)
}

// UserName refuses what is no name for a user, as SetUser does; nil: it is one.
func UserName(name string) *Refusal { return label("user", name) }

func noRole(r Role) *Refusal {
	return refuse(CodeInvalid, "", "%q is no role: viewer, operator or admin", string(r))
}

func (u *SetUser) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if own := u.Role == "" && !u.New && c.by.Kind == ActorUser && c.by.Name == u.User; !own {
		if r := c.entitled(); r != nil {
			return r
		}
	}
	i := slices.IndexFunc(c.Users, func(o User) bool { return strings.EqualFold(o.Name, u.User) })
	switch {
	case u.New && i >= 0:
		return refuse(CodeExists, "choose another name, or change that one: polso user passwd, polso user set-role", "there is a user %s already", c.Users[i].Name)
	case u.New && len(c.Users) >= maxUsers:
		return refuse(CodeTooLarge, "`polso user list` shows them, `polso user remove` removes one", "there are %d users already", maxUsers)
	case !u.New && (i < 0 || c.Users[i].Name != u.User):
		return noUser(u.User)
	case !u.New && u.Generation != 0 && u.Generation != c.Users[i].Generation:
		return refuse(CodeConflict, "sign in again", "the password of user %s has been changed meanwhile", u.User)
	}
	next := User{Name: u.User}
	if !u.New {
		next = c.Users[i]
	}
	if u.Hash == "" && u.Role == next.Role {
		c.unchanged = true
		return nil
	}
	if u.Role != "" {
		next.Role = u.Role
	}
	if u.Hash != "" {
		next.Hash, next.Generation = u.Hash, c.Index
		c.forgetEnded(ActorUser, next.Name) // nothing of before is good any more
	}
	next.By, next.At = c.by, c.at
	c.putUser(next)
	return nil
}

// putUser puts u in the place of the user of its name, or among the others by its name.
func (c *change) putUser(u User) {
	list := without(c.Users, func(o User) bool { return o.Name == u.Name })
	i, _ := slices.BinarySearchFunc(list, u.Name, func(o User, name string) int { return strings.Compare(o.Name, name) })
	c.Users = slices.Concat(list[:i], []User{u}, list[i:])
}

func noUser(name string) *Refusal {
	return refuse(CodeNotFound, "`polso user list` shows them", "there is no user %s", name)
}

// RemoveUser removes a user, and with the user every session and the access tokens that the user made.
type RemoveUser struct {
	User string `json:"name"`
}

// Name returns NameRemoveUser.
func (*RemoveUser) Name() Name { return NameRemoveUser }

// String is the command in one line.
func (r *RemoveUser) String() string { return "user " + r.User + " is removed" }

func (r *RemoveUser) check() *Refusal { return label("user", r.User) }

func (r *RemoveUser) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if r := c.entitled(); r != nil {
		return r
	}
	if _, ok := c.User(r.User); !ok {
		return noUser(r.User)
	}
	c.Users = without(c.Users, func(u User) bool { return u.Name == r.User })
	c.forgetEnded(ActorUser, r.User)
	c.tellRevoked(c.dropAccessOf(ActorUser, r.User))
	return nil
}
