//go:build !race

package health

// How many targets are spread, and how many times the mean their worst moment may have: chance weighs more among fewer.
const (
	crowdSize   = 10000
	crowdFactor = 1.35
)
