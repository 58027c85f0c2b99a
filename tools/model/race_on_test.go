//go:build race

package main

// raceEnabled: the long walks are cut short under the race detector.
const raceEnabled = true
