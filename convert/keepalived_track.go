package convert

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// kaTracked is something that vrrp_instances track: what it is, and by how much it moves their priority.
type kaTracked struct {
	kind   string // of the statement that names it: "script"
	name   string
	node   *kaNode // where it is written: a block of its own, or the line that tracks it
	weight int
	turned bool
	uses   []kaUse
}

// kaUse is a line that tracks something.
type kaUse struct {
	at     place
	weight int
	turned bool
	own    bool // it has a weight of its own
}

// tracked remembers a vrrp_script or vrrp_track_process.
func (k *kaImport) tracked(kind string) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid {
		key := kind + " " + n.word(0)
		if k.tracks[key] != nil {
			return kaSay(Lost, "another %s is called %q", n.words[0], n.word(0))
		}
		t := &kaTracked{kind: kind, name: n.word(0), node: n}
		if w := n.statement("weight"); w != nil {
			t.weight, t.turned, _ = kaWeight(w.words[1:])
		}
		k.tracks[key] = t
		k.trackOrder = append(k.trackOrder, t)
		return kaSaid{}
	}
}

// kaWeight reads `N [reverse]`.
func kaWeight(words []string) (weight int, turned, ok bool) {
	if len(words) == 0 {
		return 0, false, false
	}
	weight, err := strconv.Atoi(words[0])
	return weight, slices.Contains(words, "reverse"), err == nil && weight >= -kaMostPenalty && weight <= kaMostPenalty
}

const kaMostPenalty = 254

// tracking reads a track_script, track_process or track_interface block; own is the instance's link, which counts by itself.
func (k *kaImport) tracking(kind, own string) func(*kaNode) kaSaid {
	return func(block *kaNode) kaSaid {
		block.read = true
		lines := block.nodes
		if !block.block && len(block.words) > 1 {
			lines = []*kaNode{{at: block.at, words: block.words[1:]}}
		}
		for _, n := range lines {
			k.say(kaCluster, n.at, k.track(kind, own, n))
		}
		return kaSaid{}
	}
}

func (k *kaImport) track(kind, own string, n *kaNode) kaSaid {
	name := n.words[0]
	use := kaUse{at: n.at}
	if i := slices.Index(n.words, "weight"); i > 0 {
		ok := false
		if use.weight, use.turned, ok = kaWeight(n.words[i+1:]); !ok {
			return kaSay(Lost, "its weight is not a number from -%d to %[1]d", kaMostPenalty)
		}
		use.own = true
	}
	t := k.tracks[kind+" "+name]
	switch {
	case t == nil && kind != "interface":
		return kaSay(Lost, "nothing above is called %q that could be tracked", name)
	case t == nil && legal(name) != name:
		return kaSay(Lost, "%q is no interface", name)
	case kind == "interface" && name == own && use.weight == 0:
		return kaSaid{Hint, "a link that carries an address counts by itself"}
	case t == nil:
		t = &kaTracked{kind: kind, name: name, node: n}
		k.tracks[kind+" "+name] = t
		k.trackOrder = append(k.trackOrder, t)
	}
	if slices.ContainsFunc(t.uses, func(u kaUse) bool { return u.own == use.own && u.weight == use.weight && u.turned == use.turned }) {
		t.uses = append(t.uses, use)
		return kaSaid{Hint, "tracked already: a router is fit for all addresses or for none"}
	}
	t.uses = append(t.uses, use)
	return kaSaid{}
}

// penalty is how far a router stands back while t fails; the answer is not ok if t counts the other way round.
func (t *kaTracked) penalty() (penalty int, differ, ok bool) {
	penalty, first := 0, true
	for _, u := range t.uses {
		weight, turned := t.weight, t.turned
		if u.own {
			weight, turned = u.weight, u.turned
		}
		if turned {
			return 0, false, false
		}
		weight = max(weight, -weight)
		differ = differ || !first && weight != penalty
		if first || weight == 0 || penalty != 0 && weight > penalty {
			penalty = weight
		}
		first = false
	}
	return penalty, differ, true
}

// routerChecks adds what the instances track.
func (k *kaImport) routerChecks() {
	for _, t := range k.trackOrder {
		if len(t.uses) == 0 {
			t.node.told = true
			k.say("", t.node.at, kaSaid{Hint, "no vrrp_instance tracks it; keepalived does not ask either"})
			continue
		}
		penalty, differ, ok := t.penalty()
		if !ok {
			t.node.told = true
			k.say("", t.node.at, kaSaid{Lost, "a router_check cannot be turned round: let a command of its own fail when this one succeeds"})
			continue
		}
		c := k.b.routerCheck(t.name, t.node.at)
		c.Penalty = penalty
		said := kaSaid{}
		switch t.kind {
		case "interface":
			c.Interface = t.name
		case "script":
			said = k.routerScript(c, t.node)
		case "process":
			said = k.routerProcess(c, t.node)
		}
		if said.level == Lost {
			c.gone, t.node.told = true, true
			k.say(c.path, t.node.at, said)
			continue
		}
		if differ {
			said = kaAlso(said, kaSaid{Changed, "tracked with several weights; all addresses move together, and the strongest counts"})
		}
		if penalty != 0 {
			said = kaAlso(said, kaSay(Hint, "of routers that are fit the one with the smallest sum of penalties directs, whatever its priority was: here %d", penalty))
		}
		k.say(c.path, t.node.at, said)
	}
}

// kaMostStreak keeps rise and fall within what a router_check may have.
const kaMostStreak = 1000

// routerScript reads a vrrp_script; what is lost is the whole of it.
func (k *kaImport) routerScript(c *routerCheck, block *kaNode) kaSaid {
	user, program := k.user, block.statement("script")
	if program == nil {
		return kaSaid{Lost, "it has no script"}
	}
	if n := block.statement("user"); n != nil && n.word(0) != "" {
		user = n.word(0)
	}
	s, said := k.script(&kaNode{at: program.at, words: program.words[:min(len(program.words), 2)]}, user)
	if s.command == nil {
		return said
	}
	c.Command, c.User = s.command, s.user
	timeout := time.Duration(0)
	k.tell(c.path, kaRead(block, kaStatements{
		"script":    func(*kaNode) kaSaid { return said },
		"user":      func(*kaNode) kaSaid { return kaSaid{} },
		"weight":    kaWeighed,
		"interval":  kaTimer(func(d time.Duration) { c.Every = min(max(d, kaLeastEvery), kaMostEvery) }),
		"timeout":   kaTimer(func(d time.Duration) { timeout = d }),
		"rise":      kaCount(1, kaMostStreak, func(n int) { c.Rise = n }),
		"fall":      kaCount(1, kaMostStreak, func(n int) { c.Fall = n }),
		"init_fail": kaSaid{Changed, "a router_check counts as passing until fall has decided"}.always(),
	}, nil))
	if timeout == 0 {
		timeout = c.Every
	}
	if c.Timeout = min(max(timeout, kaLeastTimeout), c.Every); c.Timeout != timeout {
		k.say(c.path, block.statement("timeout").at, kaSay(Changed, "timeout %s instead of %s: it goes from %s to what every says", kaSeconds(c.Timeout), kaSeconds(timeout), kaSeconds(kaLeastTimeout)))
	}
	return kaSaid{}
}

// kaWeighed reads a weight that has been read before.
func kaWeighed(n *kaNode) kaSaid {
	if _, _, ok := kaWeight(n.words[1:]); !ok {
		return kaSay(Lost, "not a number from -%d to %[1]d", kaMostPenalty)
	}
	return kaSaid{}
}

// routerProcess reads a vrrp_track_process.
func (k *kaImport) routerProcess(c *routerCheck, block *kaNode) kaSaid {
	n := block.statement("process")
	switch {
	case n == nil || n.word(0) == "":
		return kaSaid{Lost, "it has no process"}
	case n.word(1) != "" || block.statement("full_command") != nil || block.statement("param_match") != nil || block.statement("quorum_max") != nil:
		return kaSaid{Lost, "Polso watches no processes; a router_check with a command, pgrep say, can look for it"}
	}
	if !kaClean(n.word(0)) {
		return kaSaid{Lost, kaUnclean}
	}
	command, quorum := kaPgrep(n.word(0)), 1
	fall := kaTimer(func(d time.Duration) { c.Fall = kaStreak(d) })
	rise := kaTimer(func(d time.Duration) { c.Rise = kaStreak(d) })
	k.tell(c.path, kaRead(block, kaStatements{
		"process":         func(*kaNode) kaSaid { return kaSaid{Changed, "asked every second, by pgrep"} },
		"weight":          kaWeighed,
		"quorum":          kaCount(1, math.MaxInt32, func(n int) { quorum = n }),
		"fork_delay":      rise,
		"terminate_delay": fall,
		"delay":           func(n *kaNode) kaSaid { _ = rise(n); return fall(n) },
	}, nil))
	if quorum > 1 {
		command = []string{"/bin/sh", "-c", fmt.Sprintf(`test "$(%s)" -ge %d`, kaScript{command: slices.Insert(command, 1, "-c")}.shell(), quorum)}
	}
	c.Command = command
	return kaSaid{}
}

// kaStreak is how many failures a second apart last for d.
func kaStreak(d time.Duration) int {
	return min(max(1, int(math.Ceil(d.Seconds()))), kaMostStreak)
}
