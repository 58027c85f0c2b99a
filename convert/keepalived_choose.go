package convert

import (
	"cmp"
	"fmt"
	"slices"

	"polso/config"
)

// kaMostParts is how many checks stand in one.
const kaMostParts = 16

// tell tells of the statements of checkers, at the virtual where its check is the server's too.
func (v *kaVirtual) tell() {
	for _, s := range v.servers {
		about := s.about
		if s.parts[0].Check == nil {
			about = v.about
		}
		for _, c := range s.checks {
			if !c.node.told {
				v.k.tell(about, c.remarks)
			}
		}
	}
}

// standIns gives a tcp connect to a server that has no checkers but such without a counterpart, and tells of these.
func (v *kaVirtual) standIns() {
	for _, s := range v.servers {
		asks := slices.ContainsFunc(s.checks, func(c kaCheck) bool { return len(c.parts) > 0 })
		for i := range s.checks {
			c := &s.checks[i]
			if len(c.parts) > 0 {
				continue
			}
			c.node.told = true
			said := c.kind.said
			switch {
			case asks:
				said.what += "; the other checks remain"
			case v.protocol == config.TCP && s.port != 0:
				connect := config.Check{Kind: config.CheckTCP}
				s.timing.or(v.timing).or(c.kind.timing).or(kaDefaults()).apply(&connect)
				c.parts, asks = []config.Check{connect}, true
				said.what += "; a tcp connect stands in"
			default:
				said.what += "; the server counts as up"
			}
			v.k.say(s.about, c.node.at, said)
		}
		if n := s.node.statement("alpha"); n != nil && len(s.checks) == 0 {
			v.k.say(s.about, n.at, kaSaid{Hint, kaUnasked})
		}
	}
	if n := v.node.statement("alpha"); n != nil && !slices.ContainsFunc(v.servers, func(s *kaServer) bool { return len(s.checks) > 0 }) {
		v.k.say(v.about, n.at, kaSaid{Hint, kaUnasked})
	}
}

const kaUnasked = "a server without a check counts as up"

// checks gives the virtual of a target, and its servers, their checks: one that most servers have is the virtual's, unless some
// server has none.
func (v *kaVirtual) checks(i int) {
	x, t := v.virtuals[i], v.targets[i]
	own := make([]*config.Check, len(v.servers))
	count := make(map[string]int)
	most, all := 0, true
	for j, s := range v.servers {
		own[j] = v.asked(s, t, s.parts[i].Address.Port())
		if all = all && own[j] != nil; own[j] == nil {
			continue
		}
		key := fmt.Sprint(*own[j])
		if count[key]++; count[key] > most {
			most, x.Check = count[key], own[j]
		}
	}
	if !all || most == 1 && len(v.servers) > 1 {
		x.Check = nil
	}
	for j, s := range v.servers {
		if c := own[j]; c != nil && (x.Check == nil || fmt.Sprint(*c) != fmt.Sprint(*x.Check)) {
			s.parts[i].Check = c
			v.k.b.at(s.parts[i].path+" check", s.checks[0].node.at)
		}
	}
}

// asked is the check of a server whose port is the one given, nil for none: all that its checkers ask, together.
func (v *kaVirtual) asked(s *kaServer, t kaTarget, port uint16) *config.Check {
	var parts []config.Check
	alpha := s.alpha.or(v.alpha).yes
	for _, c := range s.checks {
		alpha = alpha || c.alpha != nil
		for _, part := range c.parts {
			if !v.aim(&part, cmp.Or(part.Port, s.port, t.port), t, port) {
				c.node.told = true
				v.k.say(s.about, c.node.at, kaSaid{Lost, "there is no port to ask"})
				continue
			}
			if len(parts) == kaMostParts {
				v.k.say(s.about, c.node.at, kaSay(Lost, "more than the %d checks that stand in one", kaMostParts))
				continue
			}
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	whole := parts[0]
	if len(parts) > 1 {
		whole = config.Check{Kind: config.CheckAll, Every: whole.Every, Timeout: whole.Timeout, Rise: whole.Rise, Fall: whole.Fall, Fast: whole.Fast, Of: parts}
		for i := range parts {
			if c := &parts[i]; whole.Fast != 0 {
				c.Fast = cmp.Or(c.Fast, c.Every)
			}
		}
	}
	if alpha {
		whole.Initial = config.InitialDown
	}
	return &whole
}

// aim makes a check ask at a port, as a server wants it that has one in the document; false if there is none to ask. keepalived
// asks the port that is written, whatever the packets have.
func (v *kaVirtual) aim(c *config.Check, at uint16, t kaTarget, own uint16) bool {
	c.Status, c.Command = slices.Clone(c.Status), slices.Clone(c.Command)
	switch {
	case c.Kind == config.CheckICMP || c.Kind == config.CheckScript:
		c.Port = 0
		return true
	case at == 0:
		return false
	case at == own && t.mark == 0 && (v.protocol == config.TCP || c.Kind != config.CheckHTTP && c.Kind != config.CheckSMTP):
		c.Port = 0
	default:
		c.Port = at
	}
	return true
}
