package director

import (
	"fmt"
	"net/netip"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// Pool is what the servers of a virtual are together, and what the next pass must know of them.
type Pool struct {
	Up    int  // servers that are up, of those that count
	Of    int  // servers that count: those that document, overrides and the server's own advice give a weight above 0
	Need  int  // so many must be up: min_servers, and while the virtual is down hysteresis more
	Down  bool // too few are up
	Panic bool // so few are up that the last weights of the others stand
	Sorry bool // the virtual is down, and a sorry server takes its connections
	// Whys says why a server has another weight than document and overrides give it. What its check says is not among it.
	Whys map[netip.AddrPort]string

	settled map[netip.AddrPort]bool // servers that have their whole weight until they are down; nil: without slow_start
	last    map[netip.AddrPort]int  // what the servers had last, those that have something; nil: without panic
}

// State returns "up", "down" or "panic", and why in an operator's words; "" if it is up.
func (p Pool) State() (state, why string) {
	switch {
	case p.Panic:
		return "panic", fmt.Sprintf("%d of %d up, the last weights stand", p.Up, p.Of)
	case p.Down && p.Sorry:
		return "down", fmt.Sprintf("%d of %d needed, the sorry server answers", p.Up, p.Need)
	case p.Down:
		return "down", fmt.Sprintf("%d of %d needed", p.Up, p.Need)
	}
	return "up", ""
}

// A share is what one server is to have in the table.
type share struct {
	state   health.State
	hopes   bool // its check has not decided, and can
	counts  bool
	weight  int
	present bool
	stands  bool // by a panic
	why     string
}

// A roster is a virtual's servers with their shares, each list in the document's order.
type roster struct {
	servers, sorry []share
	pool           Pool
	again          time.Duration // until a share changes by itself; 0: none does
}

// serves tells whether anyone takes connections.
func (r *roster) serves() bool {
	for _, list := range [][]share{r.servers, r.sorry} {
		for _, sh := range list {
			if sh.present && sh.weight > 0 {
				return true
			}
		}
	}
	return false
}

// rosters returns the roster of each virtual, in the document's order. One that is no service has an empty one.
func rosters(in Inputs) []roster {
	virtuals := in.State.Document.Virtuals
	out := make([]roster, len(virtuals))
	have := servicesOf(in.Observed)
	for i, v := range virtuals {
		if key, ok := KeyOf(v); ok {
			if m := in.past.known(in, i, key); m != nil {
				out[i] = m.roster
				continue
			}
			var there map[netip.AddrPort]ipvs.Destination // counts only for those whose check has not decided, and for sorry servers
			if checked(v) || len(v.Sorry) > 0 {
				there = have.of(key)
			}
			out[i] = in.roster(v, key, there)
			in.past.keep(in, i, key, out[i])
		}
	}
	return out
}

// pools returns the pool of each service for the next pass, and when that is due for a share's sake; 0: it is not.
func pools(in Inputs) (map[ipvs.Key]Pool, time.Duration) {
	out, again := make(map[ipvs.Key]Pool), time.Duration(0)
	for i, v := range in.State.Document.Virtuals {
		if key, ok := KeyOf(v); ok {
			out[key], again = in.rosters[i].pool, sooner(again, in.rosters[i].again)
		}
	}
	return out, again
}

// checked tells whether any server of v is.
func checked(v config.Virtual) bool {
	for _, s := range v.Servers {
		if checkOf(v, s) != nil {
			return true
		}
	}
	return v.Check != nil
}

// roster decides who of v's servers takes which part of its connections. have is what the kernel has of the service.
func (in Inputs) roster(v config.Virtual, key ipvs.Key, have map[netip.AddrPort]ipvs.Destination) roster {
	was, known := in.Pools[key]
	if !known {
		was = believed(v, have)
	}
	r := roster{servers: make([]share, 0, len(v.Servers))}
	for _, s := range v.Servers {
		r.servers = append(r.servers, in.share(v, s, have))
	}
	r.pool.judge(v, r.servers, was)
	r.stand(in, v, was)
	r.rise(in, v, was, known)
	r.remember(v, was)
	r.excuse(in, v, key, have)
	for _, list := range []struct {
		servers []config.Server
		shares  []share
	}{{v.Servers, r.servers}, {v.Sorry, r.sorry}} {
		for i, sh := range list.shares {
			if sh.why == "" {
				continue
			}
			if r.pool.Whys == nil {
				r.pool.Whys = make(map[netip.AddrPort]string)
			}
			r.pool.Whys[list.servers[i].Address] = sh.why
		}
	}
	return r
}

// believed is what a process that has just begun takes for the pool before it: what the kernel shows.
func believed(v config.Virtual, have map[netip.AddrPort]ipvs.Destination) Pool {
	var was Pool
	for _, s := range v.Sorry {
		was.Down = was.Down || have[s.Address].Weight > 0
	}
	if v.Panic > 0 {
		was.last = make(map[netip.AddrPort]int)
		for _, s := range v.Servers {
			if w := have[s.Address].Weight; w > 0 {
				was.last[s.Address] = w
			}
		}
	}
	return was
}

// share is what server s is to have by itself, whatever the others are.
func (in Inputs) share(v config.Virtual, s config.Server, have map[netip.AddrPort]ipvs.Destination) share {
	st, askable := in.verdict(v, s)
	_, there := have[s.Address]
	stands := st.Assumed && st.State == health.Down && there
	if stands { // what a process before this one knew is better than an assumption
		st.State = health.Unknown
	}
	wished, enabled := wish(in, v, s)
	sh := share{state: st.State, hopes: askable && st.State == health.Unknown, counts: enabled && wished > 0}
	sh.weight, sh.present = weigh(in, v, s, st.State, have)
	if sh.state == health.Up && sh.counts && !in.weighted(v, s) {
		sh.weight, sh.why = advised(sh.weight, st.Advice)
		sh.counts = sh.weight > 0
	}
	if stands && sh.weight > 0 {
		sh.why = "it keeps what it had"
	}
	return sh
}

// verdict is what is known of server s, and whether its check can be asked at all: what an operator gave it, or else what its
// check says. Without a check it is up.
func (in Inputs) verdict(v config.Virtual, s config.Server) (st health.Status, askable bool) {
	if state, ok := in.forced(v, s); ok {
		return health.Status{State: state}, false
	}
	if checkOf(v, s) == nil {
		return health.Status{State: health.Up}, false
	}
	q := in.asked.at(v, s)
	return in.Health[q.key], q.askable
}

// weighted tells whether an operator has given server s its weight.
func (in Inputs) weighted(v config.Virtual, s config.Server) bool {
	for _, o := range in.overrides[target{v.Name, s.Name}] {
		if o.Kind == SetWeight {
			return true
		}
	}
	return false
}

// judge counts the servers and decides whether the virtual is down, or its checks are not to be believed. Checks that have not
// decided are waited for: both stand until it is certain. In a panic it stays what it was, down or not.
func (p *Pool) judge(v config.Virtual, servers []share, was Pool) {
	hopes := 0
	for _, sh := range servers {
		switch {
		case !sh.counts:
			continue
		case sh.state == health.Up:
			p.Up++
		case sh.hopes:
			hopes++
		}
		p.Of++
	}
	least := max(v.MinServers, 1)
	back := min(least+v.Hysteresis, max(least, p.Of)) // all that there are must be enough
	p.Panic = was.Panic && v.Panic > 0
	switch {
	case p.Up*100 >= v.Panic*p.Of:
		p.Panic = false
	case (p.Up+hopes)*100 < v.Panic*p.Of:
		p.Panic = true
	}
	p.Down = was.Down
	switch {
	case p.Panic:
	case p.Up >= back:
		p.Down = false
	case p.Up+hopes < least:
		p.Down = true
	}
	p.Need = least
	if p.Down {
		p.Need = back
	}
}

// stand leaves servers that are down what they had before, in a panic. An operator's word is stronger.
func (r *roster) stand(in Inputs, v config.Virtual, was Pool) {
	if !r.pool.Panic {
		return
	}
	for i, s := range v.Servers {
		sh, last := &r.servers[i], was.last[s.Address]
		_, forced := in.forced(v, s)
		if wished, _ := wish(in, v, s); sh.state != health.Down || forced || last == 0 || wished == 0 {
			continue
		} else if in.weighted(v, s) {
			last = wished
		}
		sh.weight, sh.present, sh.stands, sh.why = last, true, true, "panic"
	}
}

// remember notes what stands if the next pass finds a panic. Whom an operator has take nothing in a panic stands again
// afterwards.
func (r *roster) remember(v config.Virtual, was Pool) {
	if v.Panic == 0 {
		return
	}
	r.pool.last = make(map[netip.AddrPort]int, len(v.Servers))
	for i, s := range v.Servers {
		last := was.last[s.Address]
		switch sh := r.servers[i]; {
		case sh.present && sh.weight > 0:
			r.pool.last[s.Address] = sh.weight
		case r.pool.Panic && sh.state == health.Down && last > 0:
			r.pool.last[s.Address] = last
		}
	}
}
