package director

import (
	"time"

	"polso/config"
	"polso/health"
	"polso/vip"
)

// footing is how well this router can judge a server, by the link that leads to it.
type footing uint8

const (
	sound    footing = iota // as well as any
	unproven                // nobody behind the link was heard since this one fell silent
	dark                    // nobody behind the link is up
	severed                 // the link itself is down
	unasked                 // one of both ended, and what was found meanwhile is all that is known of the server
)

// doubt is the longest time to the next pass while that will know more of the servers.
const doubt = time.Second

// hush is for how long a server that fell silent may be there still: the way to it, a switch that starts anew, takes up to that.
const hush = 2 * time.Minute

// Grounds are what one pass knows of the links by which servers are reached while some are down, for the next; servers that no link has
// the subnet of are behind "".
type Grounds map[string]Ground

// Ground is what is known of the servers behind one link.
type Ground struct {
	Heard time.Time // when one was heard last
	Blind bool      // none is up, or the link is down
	Left  time.Time // Heard, when it was blind last
	Back  time.Time // when it was no longer; zero: it never was
}

// grounds are the footings.
type grounds struct {
	now   time.Time
	links vip.Links
	by    map[string]footing
	past  Grounds
}

func groundOf(in Inputs) grounds {
	g := grounds{in.Now, in.Links, make(map[string]footing), make(Grounds)}
	type sum struct {
		lit   bool      // one is not down
		heard time.Time // as Ground.Heard
	}
	sums := make(map[string]*sum)
	for i, v := range in.State.Document.Virtuals {
		for j, s := range v.Servers {
			q := in.asked.of[i][j]
			if !q.askable || s.Forward == config.Local {
				continue
			}
			link, st := g.link(s), in.Health[q.key]
			if sums[link] == nil {
				sums[link] = new(sum)
			}
			one := sums[link]
			one.lit = one.lit || st.State != health.Down
			if st.Heard.After(one.heard) {
				one.heard = st.Heard
			}
		}
	}
	for link, one := range sums {
		l, ok := g.links.Named(link)
		switch {
		case ok && !l.Up:
			g.by[link] = severed
		case one.lit:
			g.by[link] = sound
		default:
			g.by[link] = dark
		}
		g.past[link] = in.Grounds[link].next(g.by[link] != sound, one.heard, in.Now)
	}
	return g
}

// next is the ground after another look.
func (g Ground) next(blind bool, heard, now time.Time) Ground {
	if g.Blind && !blind {
		g.Left, g.Back = g.Heard, now
	}
	g.Blind = blind
	if heard.After(g.Heard) {
		g.Heard = heard
	}
	return g
}

// unasked tells of a server that is down whether it went down while this router was cut off from it and was not asked since.
func (g Ground) unasked(st health.Status) bool {
	return !g.Blind && st.Since.After(g.Left) && st.Last.Add(-st.Took).Before(g.Back)
}

// silent tells of a server that is down whether it fell silent, and nobody behind the link was heard since.
func (g Ground) silent(st health.Status) bool {
	return !st.Silent.IsZero() && !g.Heard.After(st.Silent)
}

func (g grounds) link(s config.Server) string {
	l, err := vip.LinkFor(g.links, s.Address.Addr())
	if err != nil {
		return ""
	}
	return l.Name
}

// of is the footing for a server that is down, and whether it fell silent a moment ago and may be there still.
func (g grounds) of(s config.Server, st health.Status) (land footing, hushed bool) {
	if s.Forward == config.Local {
		return sound, false
	}
	link := g.link(s)
	past := g.past[link]
	silent := past.silent(st)
	switch land = g.by[link]; {
	case past.unasked(st):
		land = unasked
	case land == sound && silent:
		land = unproven
	}
	return land, silent && g.now.Sub(st.Silent) < hush
}
