package convert

import (
	"slices"
	"time"

	"polso/config"
)

// notify is a notify block of the document to be; virtuals are those that it is about, none: all.
type notify struct {
	config.Notify
	path     string
	virtuals []*virtual
	gone     bool
}

// notify adds a notify block with the defaults that the document has, as virtual does a virtual.
func (b *builder) notify(wish string, at place) *notify {
	n := &notify{Notify: config.Notify{Timeout: notifyTimeout, Limit: notifyLimit}}
	n.Name, n.path = b.name("", "notify", wish, at)
	b.notifies = append(b.notifies, n)
	b.found[n.path] = n
	return n
}

// The document's defaults.
const (
	notifyTimeout = 10 * time.Second
	notifyLimit   = 30
)

// runNotify adds a notify block that runs a program, with a note that says who runs it.
func (b *builder) runNotify(wish string, at place, command []string, events ...config.EventKind) *notify {
	n := b.notify(wish, at)
	n.Command, n.Events = command, events
	b.changed(n.path, at, `it is run as nobody, and without an environment but POLSO_…: write user = "root" if it needs that`)
	return n
}

// wholeNotifies are the notify blocks that are left, with the names of the virtuals that are.
func (b *builder) wholeNotifies() []config.Notify {
	var out []config.Notify
	for _, n := range b.notifies {
		about := n.Virtuals
		for _, v := range n.virtuals {
			if !v.gone && !v.inactive {
				about = append(slices.Clip(about), v.Name)
			}
		}
		if n.gone || len(n.virtuals) > 0 && len(about) == 0 {
			continue
		}
		w := n.Notify
		w.Virtuals = about
		w.Complete()
		out = append(out, w)
	}
	return out
}
