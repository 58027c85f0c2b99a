//go:build race

package consensus

// raceEnabled: the long virtual-time runs are left out under the race detector.
const raceEnabled = true
