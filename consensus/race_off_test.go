//go:build !race

package consensus

const raceEnabled = false

// fewer divides how often the longer runs repeat something.
const fewer = 1
