package director

import (
	"slices"

	"polso/config"
	"polso/health"
)

// asked is what is asked of the servers of one document. It is made once for each, as a key is made of a whole check and a pass needs
// that of every server, several times. It never changes.
type asked struct {
	virtuals []config.Virtual // the document's, which never change either
	by       map[target]question
	of       [][]question    // of servers alone, by place in the document
	probes   []health.Target // of all virtuals, each once, sorted by key
}

// question is what is asked of a server: where the answer is in a health.View. One that is not askable is asked nothing.
type question struct {
	key     health.Key
	askable bool
}

// askedOf returns what is asked of doc's servers: known, if that is of the same document.
func askedOf(known *asked, doc config.Document) *asked {
	if known != nil && same(known.virtuals, doc.Virtuals) {
		return known
	}
	a := &asked{virtuals: doc.Virtuals, by: make(map[target]question)}
	targets := make(map[health.Key]health.Target)
	for _, v := range doc.Virtuals {
		var of []question
		for _, s := range v.Servers {
			q, t := ask(v, s)
			if q.askable {
				targets[q.key] = t
			}
			a.by[target{v.Name, s.Name}] = q
			of = append(of, q)
		}
		a.of = append(a.of, of)
		for _, s := range v.Sorry {
			if q, t := ask(Apart(v), s); q.askable {
				targets[q.key] = t
			}
		}
	}
	a.probes = sorted(targets)
	return a
}

// same tells whether two lists are one.
func same[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func ask(v config.Virtual, s config.Server) (question, health.Target) {
	t, askable := TargetOf(v, s)
	if !askable {
		return question{}, t
	}
	return question{t.Key(), true}, t
}

// at returns what is asked of server s of virtual v of the document, of a sorry server that of Apart(v). Names are unique in a document:
// Validate sees to it.
func (a *asked) at(v config.Virtual, s config.Server) question {
	if a != nil && v.Name != "" {
		if q, ok := a.by[target{v.Name, s.Name}]; ok {
			return q
		}
	}
	q, _ := ask(v, s)
	return q
}

// probed returns every target once, sorted by key. Every router probes all of them, also while it stands by and whatever overrides
// say, so that a takeover starts with verdicts; but those that it leaves to the director. While it leaves none the list is the same
// one in every pass.
func (a *asked) probed(in Inputs) []health.Target {
	if !slices.ContainsFunc(a.virtuals, func(v config.Virtual) bool { return relies(in, v) }) {
		return a.probes
	}
	left := config.Document{Virtuals: slices.DeleteFunc(slices.Clone(a.virtuals), func(v config.Virtual) bool { return relies(in, v) })}
	return askedOf(nil, left).probes
}
