package fsm

import (
	"errors"
	"time"

	"polso/config"
)

// maxLeaving is how many removed servers may drain at a time: each is a destination in every router's kernel, and part of every
// snapshot. It is more than any text has servers (config.MaxText).
const maxLeaving = 1 << 16

// Admit tells whether a leader that has this state may propose the entry, whoever made it: it can be read by this build, and the
// meaning of a document in it is right and supported, and leaves no more servers to drain than can be. Meaning is looked at here and
// not by Apply, since its rules may differ between releases and the states must not. The error is a *Refusal for whoever asked
// (ErrInvalid, ErrTooLarge), or Decode's.
func (l Levels) Admit(entry []byte, s *Snapshot) error {
	e, err := l.decodeBeside(entry, s)
	if err != nil {
		return err
	}
	if r := e.Command.check(); r != nil {
		return r
	}
	var doc config.Document
	var until time.Time
	switch c := e.Command.(type) {
	case *SetDocument:
		doc, until = c.document, c.LeaveUntil
	case *Found:
		doc = c.document
	case *Restore:
		doc, until = c.document, c.LeaveUntil
	default:
		return nil
	}
	if err := errors.Join(doc.Validate(), doc.Unsupported()); err != nil {
		return refuse(CodeInvalid, "`polso validate` shows where", "%v", err)
	}
	if n := s.leavingAfter(doc, e.At, until); n > max(maxLeaving, len(s.Leaving)) { // a revision that went back may have made it more
		return refuse(CodeTooLarge, "wait until drains have ended, which `polso get servers` lists as leaving; with `--drain 0` what this change removes goes at once, and with it its connections",
			"%d servers that were removed would drain at the same time, at most %d can", n, maxLeaving)
	}
	return nil
}

// leavingAfter is how many servers would drain once a document has taken the running one's place; 0 where it cannot be more than may.
func (s *Snapshot) leavingAfter(doc config.Document, at, until time.Time) int {
	most := len(s.Leaving)
	for _, v := range s.Document.Virtuals {
		most += len(v.Servers) + len(v.Sorry)
	}
	if most <= maxLeaving {
		return 0
	}
	return len(s.With(doc, at, until).Leaving)
}
