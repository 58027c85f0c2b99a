//go:build race

package lease

// raceEnabled: the long walks are cut short under the race detector.
const raceEnabled = true
