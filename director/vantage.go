package director

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"polso/config"
	"polso/health"
	"polso/vip"
)

// Others are what the other routers see. One that was not heard lately is not among them.
type Others struct {
	Sights   []Sight
	Director Sight // the director's, as it was heard last; where this router directs, nothing
}

// spared is for how long a server that other routers see up goes on to count as up while nothing is heard of it: a document
// has just changed, or the lead has just moved.
const spared = 5 * time.Second

// Spared are the servers that are down here and count as up all the same: when, in Inputs.Running, the others last had it so.
type Spared map[health.Key]time.Duration

// combine returns the view that the table follows: this router's own, but for what the others know better.
//
// A server that is down here counts as up all the same while fewer routers than the virtual's votes see it down, and while it may be
// this router that is cut off and most of the others see the server up: the link to it is down here, or everything behind that link
// failed, or nothing behind it has answered since this server fell silent. What was found while this router was cut off counts for
// little after that, too, until it has asked again: a server that answered before is up, unless the others know better.
//
// A virtual that the director alone probes is on the others as the director sees it, its sorry servers too.
// Virtuals that ask the same server the same question share the answer; the smallest of their votes counts.
func combine(in Inputs) combined {
	c := combiner{in: in, view: in.Health, director: NewSights(in.Others.Director)}
	if anyDown(in.Health) {
		c.others, c.votes, c.ground = NewSights(in.Others.Sights...), fewestVotes(in.State.Document), groundOf(in)
	}
	for i, v := range in.State.Document.Virtuals {
		switch {
		case relies(in, v):
			c.follow(v)
			c.follow(sorryOf(v))
		case c.others != nil && checked(v):
			c.spare(v, in.asked.of[i])
		}
	}
	return combined{c.view, c.spared, c.ground.past, c.doubt || in.Hushed && !c.hushed, c.hushed}
}

// combined is the view that the table follows, and what the next pass must know.
type combined struct {
	view    health.View
	spared  Spared
	grounds Grounds
	doubt   bool // the next pass knows more: of a server that counts as up, or that no connection needs to be kept any more
	hushed  bool // a server that is down may be there still
}

func anyDown(view health.View) bool {
	for _, st := range view {
		if st.State == health.Down {
			return true
		}
	}
	return false
}

// combiner makes one combined view.
type combiner struct {
	in               Inputs
	view             health.View
	changed          bool
	spared           Spared
	doubt, hushed    bool
	others, director Sights
	votes            map[health.Key]int
	ground           grounds
}

func (c *combiner) set(key health.Key, st health.Status) {
	if !c.changed { // a view is shared
		c.view, c.changed = maps.Clone(c.view), true
		if c.view == nil {
			c.view = make(health.View)
		}
	}
	c.view[key] = st
}

// follow takes over what the director says of v, but for servers of which this router knows by itself: another virtual asks them
// the same, and is probed here.
func (c *combiner) follow(v config.Virtual) {
	said := c.director.Of(v)
	for _, s := range v.Servers {
		if q := c.in.asked.at(v, s); q.askable && said[s.Name][0].State != health.Unknown && c.in.Health[q.key].State == health.Unknown {
			c.set(q.key, health.Status{State: said[s.Name][0].State, Reason: said[s.Name][0].Reason})
		}
	}
}

// spare has those of v's servers count as up that are down here and not down by what the others see. asked is what each is asked.
//
// It also finds out whether those that are down may be there still. Where others can take their connections' place at once these are
// better reset than lost, but for a turn of the checks in which it is not known what failed.
func (c *combiner) spare(v config.Virtual, asked []question) {
	var said map[string][]Verdict
	fell, left := false, len(v.Sorry) > 0
	for i, s := range v.Servers {
		key := asked[i].key
		st := c.in.Health[key]
		if !asked[i].askable || st.State != health.Down {
			left = true
			continue
		}
		votes := c.votes[key]
		land, hushed := c.ground.of(s, st)
		c.hushed = c.hushed || land == unasked || land == unproven && hushed
		fell = fell || hushed
		if votes < 2 && land == sound {
			continue
		}
		if said == nil {
			said = c.others.Of(v)
		}
		stands, sure := stands(count(said[s.Name]), votes, land)
		last, before := c.in.Spared[key]
		switch {
		case sure && stands:
			last = c.in.Running
		case sure || !before || c.in.Running-last > spared:
			continue
		}
		left = true
		c.doubt = c.doubt || land == unasked || land == unproven
		st.State = health.Up
		c.set(key, st)
		if c.spared == nil {
			c.spared = make(Spared)
		}
		c.spared[key] = last
	}
	c.hushed = c.hushed || fell && !left
}

// relies tells whether this router leaves it to the director to probe v.
func relies(in Inputs, v config.Virtual) bool {
	if v.Probe != config.ByDirector {
		return false
	}
	_, mandated := in.Mandate.Groups[groupOf(in.State.Document, v)]
	return !mandated
}

// fewestVotes are the votes that a target needs to be down: the smallest of the virtuals that ask it.
func fewestVotes(doc config.Document) map[health.Key]int {
	out := make(map[health.Key]int)
	for _, v := range doc.Virtuals {
		if v.Votes < 2 {
			continue
		}
		for _, key := range targetsOf(v) {
			if n, ok := out[key]; !ok || v.Votes < n {
				out[key] = v.Votes
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	for _, v := range doc.Virtuals {
		if v.Votes >= 2 {
			continue
		}
		for _, key := range targetsOf(v) {
			delete(out, key)
		}
	}
	return out
}

// tally counts what other routers say of a server.
type tally struct{ up, down int }

func count(said []Verdict) (n tally) {
	for _, v := range said {
		switch v.State {
		case health.Up:
			n.up++
		case health.Down:
			n.down++
		case health.Unknown:
		}
	}
	return n
}

// stands tells whether a server that this router sees down counts as up. It is not sure where the others have not said enough: then
// this router's own eyes decide, once that has lasted for a moment.
func stands(others tally, votes int, land footing) (stands, sure bool) {
	switch heard := others.up + others.down; {
	case land != sound && others.up > others.down:
		return true, true
	case (land == severed || land == unasked) && heard == 0: // nobody can say anything against it
		return true, true
	case votes >= 2 && heard+1 >= votes:
		return others.down+1 < votes, true
	default:
		return false, heard > 0 && votes < 2
	}
}

// severedLinks are the links by which servers are reached and that are down, without those that have an address of the document: these
// are told of in any case.
func severedLinks(in Inputs, places []Place) []Problem {
	if !slices.ContainsFunc(in.Links, func(l vip.Link) bool { return !l.Up }) {
		return nil
	}
	servers := make(map[string]map[string]bool)
	for _, v := range in.State.Document.Virtuals {
		for _, s := range v.Servers {
			link, err := vip.LinkFor(in.Links, s.Address.Addr())
			if err != nil || link.Up || s.Forward == config.Local || slices.ContainsFunc(places, func(p Place) bool { return p.Link == link.Name }) {
				continue
			}
			if servers[link.Name] == nil {
				servers[link.Name] = make(map[string]bool)
			}
			servers[link.Name][s.Address.Addr().String()] = true
		}
	}
	var out []Problem
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		out = append(out, Problem{"link " + name, "is down, and the way to " + countOf(len(servers[name]), "server"), "ip link set " + name + " up"})
	}
	return out
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
