package director

import (
	"fmt"
	"net/netip"
	"time"

	"polso/config"
	"polso/health"
)

// A server that came up gets its weight step by step. Few steps will do: each is an edit of the kernel's table.
const (
	linearSteps = 20 // each a twentieth of the weight; the first comes at once
	doublings   = 5  // from 1/32
)

// climb is a way to the whole weight: how many steps of equal length, and which part of the weight a server has after so many.
type climb struct {
	steps int
	part  func(step int) (num, den int)
}

func climbOf(c config.SlowCurve) climb {
	if c == config.Doubling {
		return climb{doublings, func(step int) (int, int) { return 1 << step, 1 << doublings }}
	}
	return climb{linearSteps, func(step int) (int, int) { return max(step, 1), linearSteps }}
}

// slowed returns what a server has of its weight when it has been up for age, what of it that is in percent, and the time until
// it has more; 0 if that is all.
func slowed(weight int, curve config.SlowCurve, over, age time.Duration) (now, percent int, next time.Duration) {
	if age >= over || weight == 0 {
		return weight, 100, 0
	}
	c, age := climbOf(curve), max(age, 0)
	steps := time.Duration(c.steps)
	step := age * steps / over
	num, den := c.part(int(step))
	now = part(weight, num, den)
	for step++; step <= steps; step++ {
		n, d := c.part(int(step))
		if part(weight, n, d) > now {
			return now, num * 100 / den, (over*step+steps-1)/steps - age
		}
	}
	return now, 100, 0
}

// rise has servers that came up get their weight by and by. Who was up when this process first looked is none of them, nor who
// had a share all along because a panic let it stand.
func (r *roster) rise(in Inputs, v config.Virtual, was Pool, known bool) {
	if v.SlowStart == 0 {
		return
	}
	first := in.Pools == nil || known && was.settled == nil
	r.pool.settled = make(map[netip.AddrPort]bool, len(v.Servers))
	for i, s := range v.Servers {
		sh := &r.servers[i]
		settled := first || was.settled[s.Address]
		switch {
		case sh.stands:
		case sh.state == health.Down:
			settled = false
		case sh.state == health.Up && !settled:
			st, askable := in.verdict(v, s)
			age := in.Now.Sub(st.Since)
			if settled = age >= v.SlowStart || !askable; settled || sh.weight == 0 {
				break
			}
			now, percent, next := slowed(sh.weight, v.SlowCurve, v.SlowStart, age)
			if now < sh.weight {
				sh.weight, sh.why = now, also(sh.why, fmt.Sprintf("slow start %d %%", percent))
			}
			r.again = sooner(r.again, next)
		}
		if settled {
			r.pool.settled[s.Address] = true
		}
	}
}

// also adds a reason to another, if there is one.
func also(why, more string) string {
	if why == "" {
		return more
	}
	return why + ", " + more
}

// sooner returns the shorter of two times, of which 0 means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
