package fsm

import "errors"

// Admit tells whether a leader may propose the entry, whoever made it: it can be read by this build, and the meaning of a
// document in it is right and supported. Meaning is looked at here and not by Apply, since its rules may differ between
// releases and the states must not. The error is a *Refusal for whoever asked (ErrInvalid, ErrTooLarge), or Decode's.
func (l Levels) Admit(entry []byte) error {
	e, err := l.Decode(entry)
	if err != nil {
		return err
	}
	if r := e.Command.check(); r != nil {
		return r
	}
	var d *SetDocument
	switch c := e.Command.(type) {
	case *SetDocument:
		d = c
	case *Found:
		d = &SetDocument{document: c.document}
	case *Restore:
		d = &SetDocument{document: c.document}
	default:
		return nil
	}
	if err := errors.Join(d.document.Validate(), d.document.Unsupported()); err != nil {
		return refuse(CodeInvalid, "`polso validate` shows where", "%v", err)
	}
	return nil
}
