//go:build race

package consensus

// raceEnabled: the long virtual-time runs are left out under the race detector.
const raceEnabled = true

// fewer: without the race detector, in `make once`, they repeat it in full.
const fewer = 4
