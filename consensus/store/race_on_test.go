//go:build race

package store

// raceEnabled: the crash test is left out under the race detector.
const raceEnabled = true
