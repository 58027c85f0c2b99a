package main

import (
	"context"
	"strings"
	"testing"

	"polso/config"
	"polso/fsm"
)

// kept is a node whose history holds these messages.
type kept struct {
	canned
	messages []string
}

func (k kept) State(context.Context) (*fsm.Snapshot, error) {
	blank, err := config.Canonical(config.Document{})
	if err != nil {
		return nil, err
	}
	s := &fsm.Snapshot{Cluster: fsm.Cluster{ID: "c1"}, Revision: uint64(len(k.messages))}
	for i, m := range k.messages {
		s.History = append(s.History, fsm.Revision{Number: uint64(i + 1), Author: fsm.Actor{Name: "eve\x1b[1m"}, Message: m, Document: blank, Source: "cluster {}\n"})
	}
	return s, nil
}

// A message is somebody else's text: it neither breaks a line nor steers the terminal. Scripts get it as it is.
func TestMessagesAreOneLine(t *testing.T) {
	addr := serve(t, kept{messages: []string{"polso init", "two\nlines\x1b[2J, \u202egnirts"}})
	const quoted = `"two\nlines\x1b[2J, \u202egnirts"`
	code, out, _ := polso(t, t.Context(), "history", "--addr", addr)
	if code != exitOK || strings.Count(out, "\n") != 3 || !strings.Contains(out, `"eve\x1b[1m"`) || !strings.Contains(out, quoted) || strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("history: exit %d, printed %q", code, out)
	}
	code, out, errs := polso(t, t.Context(), "show", "--addr", addr)
	if code != exitOK || out != "cluster {}\n" || strings.Count(errs, "\n") != 1 || !strings.HasSuffix(errs, `, "eve\x1b[1m": `+quoted+"\n") {
		t.Errorf("show: exit %d, printed %q, %q", code, out, errs)
	}
	if _, out, _ = polso(t, t.Context(), "history", "-o", "json", "--addr", addr); !strings.Contains(out, `"two\nlines\u001b[2J, `+"\u202e"+`gnirts"`) {
		t.Errorf("JSON: printed %s", out)
	}
}
