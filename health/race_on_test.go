//go:build race

package health

// As without the race detector, of targets that it can follow.
const (
	crowdSize   = 1000
	crowdFactor = 2.2
)
