package director

import (
	"fmt"
	"strconv"

	"polso/health"
)

// heaviest is the greatest weight that the kernel takes.
const heaviest = 65535

// advised returns what a server's own advice makes of its weight, which is above 0, and that in an operator's words. It is 0
// only where the advice says so.
func advised(weight int, a health.Advice) (int, string) {
	value := max(a.Value, 0)
	switch a.Kind {
	case health.NoAdvice:
		return weight, ""
	case health.Percent:
		if value == 100 {
			return weight, ""
		}
		return part(weight, min(value, 100*heaviest), 100), fmt.Sprintf("agent %d %%", value)
	case health.Absolute:
		return min(value, heaviest), fmt.Sprintf("agent: weight %d", value)
	case health.DrainAdvice:
		return 0, "agent: drain"
	default:
		panic("director: unknown advice " + strconv.Itoa(int(a.Kind)))
	}
}

// part returns num/den of a weight, 1 at least unless num or the weight is 0, and what the kernel takes at most.
func part(weight, num, den int) int {
	if weight == 0 || num == 0 {
		return 0
	}
	return min(max(weight*num/den, 1), heaviest)
}
