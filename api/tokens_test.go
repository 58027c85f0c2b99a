package api

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/fsm"
)

// Only tokens that still admit somebody are listed.
func TestTokenList(t *testing.T) {
	b := formed(t)
	at := time.Now()
	entry := 0
	for _, c := range []fsm.Command{
		&fsm.AddToken{Token: fsm.Token{ID: "good", Hash: strings.Repeat("a", 64), Kind: fsm.Router, Uses: 1, Expires: at.Add(time.Hour)}},
		&fsm.AddToken{Token: fsm.Token{ID: "ended", Hash: strings.Repeat("b", 64), Kind: fsm.Router, Uses: 1, Expires: at.Add(-time.Hour)}},
		&fsm.AddToken{Token: fsm.Token{ID: "used", Hash: strings.Repeat("c", 64), Kind: fsm.Router, Uses: 1, Expires: at.Add(time.Hour)}},
		&fsm.AddNode{Node: fsm.Node{ID: "n2", Name: "r2", Kind: fsm.Router, Addresses: []string{"10.9.0.12:5390"}}, Token: "used"},
	} {
		entry++
		data, err := fsm.Encode(fsm.Envelope{Request: fmt.Sprint(entry), At: at.Add(-2 * time.Hour), Command: c})
		if err != nil {
			t.Fatal(err)
		}
		b.index++
		res, err := fsm.DecodeResult(b.fsm.Apply(&raft.Log{Index: b.index, Term: 1, Data: data}).([]byte))
		if err = errors.Join(err, res.Err()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := serve(t, b).Tokens(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "good" {
		t.Errorf("listed %+v, %v; want the good one alone", list, err)
	}
}
