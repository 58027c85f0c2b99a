//go:build race

package agent

// testProfile is slow enough for agents that share a process under the race detector.
const testProfile = "vm"
