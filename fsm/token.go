package fsm

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// AddToken makes a token that admits nodes.
type AddToken struct {
	Token Token `json:"token"` // By is set by Apply
}

const maxUses = 1000

// tokenKept is how long a token stays after its end.
const tokenKept = 24 * time.Hour

// Name returns NameAddToken.
func (*AddToken) Name() Name { return NameAddToken }

// String is the command in one line.
func (a *AddToken) String() string {
	return fmt.Sprintf("token %s for %d %s until %s", a.Token.ID, a.Token.Uses, a.Token.Kind, a.Token.Expires.UTC().Format(time.RFC3339))
}

func (a *AddToken) check() *Refusal {
	if b, err := hex.DecodeString(a.Token.Hash); err != nil || len(b) != 32 {
		return refuse(CodeInvalid, "", "a token's hash is 64 hexadecimal digits")
	}
	if a.Token.Uses < 1 || a.Token.Uses > maxUses {
		return refuse(CodeInvalid, "", "a token has 1 to %d uses, not %d", maxUses, a.Token.Uses)
	}
	return first(id("token", a.Token.ID), kind(a.Token.Kind))
}

func (a *AddToken) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if _, ok := c.Token(a.Token.ID); ok {
		return refuse(CodeExists, "", "there is a token %s already", a.Token.ID)
	}
	if _, ok := c.TokenByHash(a.Token.Hash); ok {
		return refuse(CodeExists, "", "there is a token with this secret already")
	}
	if !a.Token.Expires.After(c.at) {
		return refuse(CodeInvalid, "", "its end, %s, has passed already", a.Token.Expires.UTC().Format(time.RFC3339))
	}
	if len(c.Tokens) >= maxTokens {
		c.dropSpent()
	}
	if len(c.Tokens) >= maxTokens {
		return refuse(CodeTooLarge, "`polso token list` shows them, `polso token revoke` ends one", "there are %d tokens already", maxTokens)
	}
	t := a.Token
	t.By, t.Expires = c.by, t.Expires.UTC()
	c.Tokens = append(slices.Clip(c.Tokens), t)
	c.due(Due{At: t.Expires.Add(tokenKept), Kind: DueToken, ID: t.ID})
	return nil
}

// RevokeToken ends a token.
type RevokeToken struct {
	ID string `json:"id"`
}

// Name returns NameRevokeToken.
func (*RevokeToken) Name() Name { return NameRevokeToken }

// String is the command in one line.
func (r *RevokeToken) String() string { return "token " + r.ID + " is revoked" }

func (r *RevokeToken) check() *Refusal { return id("token", r.ID) }

func (r *RevokeToken) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if _, ok := c.Token(r.ID); !ok {
		return refuse(CodeNotFound, "`polso token list` shows them", "there is no token %s", r.ID)
	}
	c.dropToken(r.ID)
	return nil
}

// dropSpent makes room: what admits nobody any more is kept for its answer alone.
func (c *change) dropSpent() {
	for _, t := range c.Tokens {
		if !t.Admits(c.at) {
			c.dropToken(t.ID)
		}
	}
}

func (c *change) dropToken(id string) {
	c.Tokens = without(c.Tokens, func(t Token) bool { return t.ID == id })
	c.notDue(DueToken, id)
}
