package fsm

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Name is a command's name, as it travels and as the audit shows it.
type Name string

// The commands.
const (
	NameFound         Name = "found"
	NameLead          Name = "lead"
	NameSetDocument   Name = "set_document"
	NameRestore       Name = "restore"
	NameSetOverride   Name = "set_override"
	NameClearOverride Name = "clear_override"
	NameExpire        Name = "expire"
	NameConfirm       Name = "confirm"
	NameSwitched      Name = "switched"
	NameEndLeaving    Name = "end_leaving"
	NameEndDrains     Name = "end_drains"
	NameAddNode       Name = "add_node"
	NameRemoveNode    Name = "remove_node"
	NameUpdateNode    Name = "update_node"
	NameAddToken      Name = "add_token"
	NameRevokeToken   Name = "revoke_token"
	NameSetProfile    Name = "set_profile"
	NameFinishProfile Name = "finish_profile"
	NameRotateCA      Name = "rotate_ca"
	NameAdvanceCA     Name = "advance_ca"
	NameTestedNotice  Name = "tested_notice"
	NameSetUser       Name = "set_user"
	NameRemoveUser    Name = "remove_user"
	NameAddAccess     Name = "add_access"
	NameRevokeAccess  Name = "revoke_access"
	NameEndSession    Name = "end_session"
)

// Command is one of *Found, *Lead… of this package; Decode returns these pointers. Give a command to Encode by its address
// and do not change it afterwards.
type Command interface {
	Name() Name
	// String is the command in one line, in an operator's words, for logs and the audit.
	String() string

	// check tells what is wrong with the command in itself. Its rules are part of the command's version: they never change.
	check() *Refusal
	// apply makes the change or refuses it. It depends on nothing but c. After a refusal the caller throws c away.
	apply(c *change) *Refusal
}

// reader is a command that has more to read than its JSON.
type reader interface{ read(beside legible) error }

// among is a command that names nodes by ID: people know them by name.
type among interface{ among([]Node) string }

// blank returns the command of that name with nothing in it.
func blank(n Name) (Command, error) {
	switch n {
	case NameFound:
		return new(Found), nil
	case NameLead:
		return new(TakeLead), nil
	case NameSetDocument:
		return new(SetDocument), nil
	case NameRestore:
		return new(Restore), nil
	case NameSetOverride:
		return new(SetOverride), nil
	case NameClearOverride:
		return new(ClearOverride), nil
	case NameExpire:
		return new(Expire), nil
	case NameConfirm:
		return new(Confirm), nil
	case NameSwitched:
		return new(Switched), nil
	case NameEndLeaving:
		return new(EndLeaving), nil
	case NameEndDrains:
		return new(EndDrains), nil
	case NameAddNode:
		return new(AddNode), nil
	case NameRemoveNode:
		return new(RemoveNode), nil
	case NameUpdateNode:
		return new(UpdateNode), nil
	case NameAddToken:
		return new(AddToken), nil
	case NameRevokeToken:
		return new(RevokeToken), nil
	case NameSetProfile:
		return new(SetProfile), nil
	case NameFinishProfile:
		return new(FinishProfile), nil
	case NameRotateCA:
		return new(RotateCA), nil
	case NameAdvanceCA:
		return new(AdvanceCA), nil
	case NameTestedNotice:
		return new(TestedNotice), nil
	case NameSetUser:
		return new(SetUser), nil
	case NameRemoveUser:
		return new(RemoveUser), nil
	case NameAddAccess:
		return new(AddAccess), nil
	case NameRevokeAccess:
		return new(RevokeAccess), nil
	case NameEndSession:
		return new(EndSession), nil
	default:
		return nil, fmt.Errorf("%w: command %q", ErrUnknown, string(n))
	}
}

// change is a version under construction: a shallow copy of the one before. A slice in it is shared with published
// versions, so it is replaced or appended to (see push), never written to.
type change struct {
	*Snapshot
	by        Actor
	at        time.Time // the proposer's wall clock
	unchanged bool      // set by apply: it was so already
	made      uint64    // set by apply: the revision it made
	aside     string    // set by apply: what else came of it, for the audit
}

// The limits of what nobody writes longer on purpose.
const (
	maxLabel     = 63
	maxLine      = 1024
	maxMessage   = 4096
	maxAddresses = 8
	maxTokens    = 1000
	maxNodes     = 100
)

// label tells what is wrong with a name of a node or a cluster.
func label(what, name string) *Refusal {
	ok := name != "" && len(name) <= maxLabel
	for i, r := range name {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		ok = ok && (alnum || i > 0 && strings.ContainsRune("._-", r))
	}
	if !ok {
		return refuse(CodeInvalid, "choose another name",
			"%q is no name for a %s: letters, digits, dots, dashes and underscores, a letter or digit first, at most %d", name, what, maxLabel)
	}
	return nil
}

// id tells what is wrong with an ID that a machine made.
func id(what, id string) *Refusal {
	if id == "" || len(id) > maxLabel || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return refuse(CodeInvalid, "", "%q is no ID of a %s: 1 to %d visible ASCII characters", id, what, maxLabel)
	}
	return nil
}

func addresses(list []string) *Refusal {
	if len(list) == 0 || len(list) > maxAddresses {
		return refuse(CodeInvalid, "name the addresses with --advertise", "a node has 1 to %d addresses, not %d", maxAddresses, len(list))
	}
	for i, a := range list {
		if a == "" || len(a) > 255 || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return refuse(CodeInvalid, "name it as HOST or HOST:PORT", "%q is no address", a)
		}
		for _, b := range list[:i] {
			if a == b {
				return refuse(CodeInvalid, "", "the address %s is named twice", a)
			}
		}
	}
	return nil
}

func kind(k string) *Refusal {
	if k != Router && k != Witness {
		return refuse(CodeInvalid, "", "%q is no kind of node: router or witness", k)
	}
	return nil
}

// line shortens s to its first line and n bytes, between two characters. Control characters become spaces: the audit is
// read in terminals.
func line(s string, n int) string {
	s, _, _ = strings.Cut(s, "\n")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// first returns the first of the refusals, so that rules can be listed.
func first(list ...*Refusal) *Refusal {
	for _, r := range list {
		if r != nil {
			return r
		}
	}
	return nil
}
